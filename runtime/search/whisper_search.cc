#include "runtime/search/whisper_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "runtime/base/string_format.h"
#include "runtime/search/hypothesis_tree.h"
#include "runtime/search/log_math.h"
#include "runtime/search/token_choices.h"
#include "runtime/search/top_candidates.h"

namespace espalier {

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

struct Running {
  int node = HypothesisTree::kRoot;
  float sum = 0.0f;  // of the log-probabilities
  WhisperRuleState state;
};

struct Ended {
  int node;
  int kept_length;  // tokens that stay in the text
  float sum;
  DecodeOutcome outcome;
};

Status CheckArguments(const TokenScorer& scorer, const WhisperRules& rules,
                      std::span<const int> prompt, const WhisperDecodeOptions& options,
                      double temperature) {
  if (scorer.vocabulary_size() != rules.vocabulary_size()) {
    return InvalidArgument(StrFormat("Whisper rules for a vocabulary of %d, the scorer has %d",
                                     rules.vocabulary_size(), scorer.vocabulary_size()));
  }
  if (!(temperature >= 0.0) || !std::isfinite(temperature)) {
    return InvalidArgument(StrFormat("temperature %g: expected 0 or more", temperature));
  }
  const int width = temperature > 0.0 ? options.best_of : options.beam_size;
  if (width < 1 || width > scorer.max_hypotheses()) {
    return InvalidArgument(StrFormat("%s %d: expected 1 to %d",
                                     temperature > 0.0 ? "best_of" : "beam_size", width,
                                     scorer.max_hypotheses()));
  }
  if (prompt.size() > static_cast<size_t>(std::max(scorer.max_positions(), 0))) {
    return InvalidArgument(StrFormat("prompt of %zu tokens: the decoder holds %d", prompt.size(),
                                     scorer.max_positions()));
  }
  if (std::find(prompt.begin(), prompt.end(), rules.ids().sot) == prompt.end()) {
    return InvalidArgument("prompt without the start token");
  }
  return OkStatus();
}

// One window's search. All storage is allocated by the constructor.
class Search {
 public:
  Search(TokenScorer& scorer, const WhisperRules& rules, std::span<const int> prompt,
         const WhisperDecodeOptions& options, double temperature, SampleGenerator& generator);

  Result<WhisperResult> Run(const std::stop_token& stop);

 private:
  std::span<float> Row(size_t row) {
    return std::span<float>(log_probs_).subspan(row * vocabulary_, vocabulary_);
  }
  TokenBits Allowed(size_t hypothesis) {
    return TokenBits(allowed_).subspan(hypothesis * words_, words_);
  }
  bool Sampling() const { return temperature_ > 0.0; }

  void Allow();
  Status Start();
  Status ApplyRules();
  void StepBeam();
  void StepSamples();
  int Draw(std::span<const float> log_probs);
  void Take(size_t parent, int token, float sum);
  bool LeavesAsLoop(const Running& hypothesis);
  Status Advance();
  WhisperResult Collect();

  TokenScorer& scorer_;
  const WhisperRules& rules_;
  std::span<const int> prompt_;
  const WhisperDecodeOptions& options_;
  const double temperature_;
  SampleGenerator& generator_;
  const size_t width_;  // hypotheses at once
  const size_t vocabulary_;
  const size_t words_;  // of one hypothesis' TokenBits
  int step_limit_;
  double no_speech_prob_ = 0.0;

  HypothesisTree tree_;
  std::vector<Running> running_, next_;
  std::vector<Ended> ended_, looped_;
  bool stuck_ = false;             // the best hypothesis loops: those behind it have no better way
  std::vector<int32_t> allowed_;   // (width, words)
  TokenChoices choices_;           // of the running hypotheses
  std::vector<float> log_totals_;  // of each of them, what the rules left
  std::vector<float> log_probs_;   // whole rows: two at the start, all of them for sampling
  TopCandidates best_;
  std::vector<int> parents_, tokens_;  // of next_, for the scorer
  std::vector<int> tail_;
};

Search::Search(TokenScorer& scorer, const WhisperRules& rules, std::span<const int> prompt,
               const WhisperDecodeOptions& options, double temperature, SampleGenerator& generator)
    : scorer_(scorer),
      rules_(rules),
      prompt_(prompt),
      options_(options),
      temperature_(temperature),
      generator_(generator),
      width_(static_cast<size_t>(temperature > 0.0 ? options.best_of : options.beam_size)),
      vocabulary_(static_cast<size_t>(scorer.vocabulary_size())),
      words_(TokenWordCount(scorer.vocabulary_size())),
      // A step looks at each hypothesis' best tokens until enough of them go on; at most one of
      // each hypothesis ends.
      best_(2 * static_cast<int>(width_)),
      tail_(static_cast<size_t>(RepetitionWindow(options.repetition))) {
  // Step i reads a prefix of prompt.size() + i tokens, which the decoder must still hold.
  const int positions = scorer.max_positions();
  step_limit_ = std::clamp(positions / 2, 1, positions - static_cast<int>(prompt.size()) + 1);
  tree_.Reset(width_ * static_cast<size_t>(step_limit_));
  running_.reserve(width_);
  next_.reserve(width_);
  ended_.reserve(2 * width_);
  looped_.reserve(width_);
  parents_.reserve(width_);
  tokens_.reserve(width_);
  log_totals_.resize(width_);
  allowed_.resize(width_ * words_);
  choices_.Resize(static_cast<int>(width_), scorer.choice_count());
  log_probs_.resize((Sampling() ? std::max<size_t>(width_, 2) : 2) * vocabulary_);
}

void Search::Allow() {
  for (size_t h = 0; h < running_.size(); ++h) rules_.Allow(running_[h].state, Allowed(h));
}

Status Search::Start() {
  const auto sot = std::find(prompt_.begin(), prompt_.end(), rules_.ids().sot);
  const std::array rows = {static_cast<int>(prompt_.size()) - 1,
                           static_cast<int>(sot - prompt_.begin())};
  ESP_RETURN_IF_ERROR(
      scorer_.Start(prompt_, rows, std::span<float>(log_probs_).first(2 * vocabulary_)));
  const float no_speech = Row(1)[static_cast<size_t>(rules_.ids().no_speech)];
  if (std::isnan(no_speech)) return Internal("the decoder's log-probabilities are not numbers");
  no_speech_prob_ = std::exp(static_cast<double>(no_speech));
  running_.push_back({});
  Allow();
  if (!Sampling()) choices_.Pick(0, Row(0), Allowed(0), rules_.groups());
  return OkStatus();
}

// Sampling draws from whole rows, a beam goes on with the best of the choices.
Status Search::ApplyRules() {
  for (size_t h = 0; h < running_.size(); ++h) {
    log_totals_[h] = Sampling() ? rules_.Apply(Allowed(h), Row(h))
                                : rules_.LogTotal(choices_.others(h), choices_.times(h));
    if (!std::isfinite(log_totals_[h])) {
      return Internal("no token that Whisper's rules allow has a finite log-probability");
    }
  }
  return OkStatus();
}

// BeamSearchDecoder.update: the best continuations of all hypotheses, until the beam is full;
// those that end on the way are kept aside.
void Search::StepBeam() {
  best_.Clear(2 * static_cast<int>(width_));
  for (size_t h = 0; h < running_.size(); ++h) {
    const TokenChoices::Group others = choices_.others(h), times = choices_.times(h);
    const auto offer = [&](int token, float log_prob) {
      best_.Offer({log_prob - log_totals_[h] + running_[h].sum, static_cast<int>(h), token});
    };
    if (!rules_.TimesOnly(others, times)) others.ForEach(offer);
    times.ForEach(offer);
  }
  for (const Candidate& candidate : best_.best()) {
    if (next_.size() + looped_.size() >= width_) break;
    if (candidate.token == rules_.ids().eot && ended_.size() >= width_) continue;
    Take(static_cast<size_t>(candidate.hypothesis), candidate.token, candidate.score);
  }
}

// GreedyDecoder.update at a temperature: one token for each hypothesis; the first step starts all
// of them. The sums are of the probabilities at temperature 1.
void Search::StepSamples() {
  const bool first = running_[0].node == HypothesisTree::kRoot;
  const size_t count = first ? width_ : running_.size();
  for (size_t i = 0; i < count; ++i) {
    const size_t parent = first ? 0 : i;
    const int token = Draw(Row(parent));
    const float log_prob = Row(parent)[static_cast<size_t>(token)] - log_totals_[parent];
    Take(parent, token, running_[parent].sum + log_prob);
  }
}

int Search::Draw(std::span<const float> log_probs) {
  const float high = MaxOf(log_probs);
  const auto scale = static_cast<float>(1.0 / temperature_);
  const auto weight = [&](float log_prob) {
    return log_prob > kNever ? static_cast<double>(ExpNonPositive((log_prob - high) * scale)) : 0.0;
  };
  double total = 0.0;
  for (const float log_prob : log_probs) total += weight(log_prob);
  // 53 random bits: the same number in [0, 1) with every standard library.
  const double point = static_cast<double>(generator_() >> 11) * 0x1p-53 * total;
  double below = 0.0;
  int drawn = 0;
  for (size_t i = 0; i < log_probs.size(); ++i) {
    if (!(log_probs[i] > kNever)) continue;
    below += weight(log_probs[i]);
    drawn = static_cast<int>(i);
    if (below > point) break;
  }
  return drawn;
}

// Adds the hypothesis `parent` + `token` to those that go on, or to those that left.
void Search::Take(size_t parent, int token, float sum) {
  const Running& from = running_[parent];
  if (token == rules_.ids().eot) {
    ended_.push_back({from.node, tree_.length(from.node), sum, DecodeOutcome::kComplete});
    return;
  }
  Running child = {tree_.Add(from.node, token, sum - from.sum), sum, from.state};
  if (LeavesAsLoop(child)) {
    stuck_ = stuck_ || (next_.empty() && !Sampling());
    return;
  }
  rules_.Append(token, &child.state);
  next_.push_back(child);
  parents_.push_back(static_cast<int>(parent));
  tokens_.push_back(token);
}

bool Search::LeavesAsLoop(const Running& hypothesis) {
  if (!options_.repetition.enabled) return false;
  const RepeatedTail tail =
      FindRepeatedTail(tree_.Tail(hypothesis.node, tail_), options_.repetition);
  if (tail.period == 0) return false;
  const int kept = LengthWithoutLoop(tree_.length(hypothesis.node), tail, options_.repetition);
  looped_.push_back({hypothesis.node, kept, hypothesis.sum, DecodeOutcome::kRepetition});
  return true;
}

Status Search::Advance() {
  Allow();
  if (Sampling()) {
    return scorer_.Advance(parents_, tokens_,
                           std::span<float>(log_probs_).first(running_.size() * vocabulary_));
  }
  return scorer_.AdvanceAndPick({.parents = parents_,
                                 .tokens = tokens_,
                                 .allowed = std::span(allowed_).first(running_.size() * words_)},
                                rules_.groups(), &choices_);
}

// BeamSearchDecoder.finalize and MaximumLikelihoodRanker: what did not end fills the list up; the
// best mean counts.
WhisperResult Search::Collect() {
  for (const Running& hypothesis : running_) {
    if (stuck_) break;  // they stopped for a loop that is better than they are
    looped_.push_back({hypothesis.node, tree_.length(hypothesis.node), hypothesis.sum,
                       DecodeOutcome::kTruncated});
  }
  std::stable_sort(looped_.begin(), looped_.end(),
                   [](const Ended& a, const Ended& b) { return a.sum > b.sum; });
  for (const Ended& hypothesis : looped_) {
    if (ended_.size() < width_) ended_.push_back(hypothesis);
  }
  const auto mean = [&](const Ended& hypothesis) {
    return static_cast<double>(hypothesis.sum) / std::max(tree_.length(hypothesis.node), 1);
  };
  const Ended& best =
      *std::max_element(ended_.begin(), ended_.end(),
                        [&](const Ended& a, const Ended& b) { return mean(a) < mean(b); });
  WhisperResult result;
  result.tokens = tree_.Sequence(best.node);
  result.tokens.resize(static_cast<size_t>(best.kept_length));
  result.log_probs = tree_.LogProbs(best.node);
  result.log_probs.resize(result.tokens.size());
  result.avg_log_prob = static_cast<double>(best.sum) / (tree_.length(best.node) + 1);
  result.no_speech_prob = no_speech_prob_;
  result.temperature = temperature_;
  result.outcome = best.outcome;
  return result;
}

Result<WhisperResult> Search::Run(const std::stop_token& stop) {
  if (stop.stop_requested()) return Cancelled("decoding was cancelled");
  ESP_RETURN_IF_ERROR(Start());
  for (int step = 1;; ++step) {
    if (stop.stop_requested()) return Cancelled("decoding was cancelled");
    ESP_RETURN_IF_ERROR(ApplyRules());
    next_.clear();
    parents_.clear();
    tokens_.clear();
    if (Sampling()) {
      StepSamples();
    } else {
      StepBeam();
    }
    running_.swap(next_);
    if (step == step_limit_ || running_.empty() || stuck_ || ended_.size() >= width_) break;
    ESP_RETURN_IF_ERROR(Advance());
  }
  return Collect();
}

}  // namespace

std::vector<int> BuildWhisperPrompt(const WhisperTokenIds& ids, const WhisperPromptParts& parts,
                                    int max_positions) {
  std::vector<int> prompt;
  const auto room = static_cast<size_t>(std::max(max_positions / 2 - 1, 0));
  const std::span<const int> previous = parts.previous.last(std::min(parts.previous.size(), room));
  if (!previous.empty()) {
    prompt.push_back(ids.sot_prev);
    prompt.insert(prompt.end(), previous.begin(), previous.end());
  }
  prompt.push_back(ids.sot);
  if (parts.language >= 0) prompt.push_back(parts.language);
  if (parts.task >= 0) prompt.push_back(parts.task);
  if (!parts.timestamps) prompt.push_back(ids.no_timestamps);
  return prompt;
}

Result<WhisperResult> WhisperSearch(TokenScorer& scorer, const WhisperRules& rules,
                                    std::span<const int> prompt,
                                    const WhisperDecodeOptions& options, double temperature,
                                    SampleGenerator& generator, const std::stop_token& stop) {
  ESP_RETURN_IF_ERROR(CheckArguments(scorer, rules, prompt, options, temperature));
  return Search(scorer, rules, prompt, options, temperature, generator).Run(stop);
}

}  // namespace espalier
