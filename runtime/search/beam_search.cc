#include "runtime/search/beam_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/base/string_format.h"
#include "runtime/search/hypothesis_tree.h"
#include "runtime/search/token_choices.h"
#include "runtime/search/top_candidates.h"

namespace espalier {

namespace {

// End detection (spec §10): this far below the best ended score is hopeless, three lengths in a
// row.
constexpr float kEndDetectMargin = -10.0f;
constexpr int kEndDetectLengths = 3;
// Nodes reserved at most; a longer search grows the tree as it goes.
constexpr size_t kMaxReservedNodes = size_t{1} << 20;

struct Running {
  int node = HypothesisTree::kRoot;
  float score = 0.0f;
  float psi = 0.0f;  // CTC's log-probability of the prefix
  ScoreParts parts = {};
  TimeState times;
};

struct Ended {
  int node;
  int kept_length;  // tokens after the primer that stay in the text
  float score;
  ScoreParts parts;
  DecodeOutcome outcome;
};

struct Lengths {
  int max = 0;
  int min = 0;
};

int Truncate(double value) {
  constexpr double kLimit = 1e9;
  return static_cast<int>(std::clamp(value, -kLimit, kLimit));
}

Lengths StepLimits(const BeamOptions& options, int encoder_steps) {
  Lengths lengths;
  const double steps = encoder_steps;
  if (options.maxlen_ratio == 0.0) {
    lengths.max = encoder_steps;
  } else if (options.maxlen_ratio < 0.0) {
    lengths.max = -Truncate(options.maxlen_ratio);
  } else {
    lengths.max = std::max(1, Truncate(options.maxlen_ratio * steps));
  }
  lengths.min = options.minlen_ratio < 0.0 ? -Truncate(options.minlen_ratio)
                                           : Truncate(options.minlen_ratio * steps);
  if (options.step_limit > 0) lengths.max = std::min(lengths.max, options.step_limit);
  return lengths;
}

// Largest prefix that CTC still scores: a token for each encoder step, and the first (spec §10).
int MaxCtcPrefix(int encoder_steps) { return encoder_steps + 1; }

Status CheckCtc(const TokenScorer& scorer, const OwsmTimeRules& rules, std::span<const int> primer,
                int encoder_steps, const BeamOptions& options) {
  const int candidates = CtcCandidateCount(options.beam_size, scorer.vocabulary_size());
  if (scorer.ctc_candidate_count() < candidates) {
    return InvalidArgument(StrFormat("ctc_weight is set, but CTC scores %d of %d candidates",
                                     scorer.ctc_candidate_count(), candidates));
  }
  if (std::find(primer.begin(), primer.end(), rules.notimestamps) == primer.end()) {
    return InvalidArgument("ctc_weight needs decoding without time tokens");
  }
  if (primer.size() > static_cast<size_t>(MaxCtcPrefix(encoder_steps))) {
    return InvalidArgument(
        StrFormat("prompt of %zu tokens is longer than the audio's %d encoder steps", primer.size(),
                  encoder_steps));
  }
  return OkStatus();
}

Status CheckArguments(const TokenScorer& scorer, const OwsmTimeRules& rules,
                      std::span<const int> primer, int encoder_steps, const BeamOptions& options) {
  const int vocabulary = scorer.vocabulary_size();
  if (vocabulary < 1) return InvalidArgument("the scorer has no vocabulary");
  ESP_RETURN_IF_ERROR(CheckTimeRules(rules, vocabulary));
  if (options.beam_size < 1 || options.beam_size > scorer.max_hypotheses()) {
    return InvalidArgument(
        StrFormat("beam_size %d: expected 1 to %d", options.beam_size, scorer.max_hypotheses()));
  }
  if (primer.size() < 3) {
    return InvalidArgument(
        StrFormat("primer of %zu tokens: expected sos, language and task", primer.size()));
  }
  if (primer.size() > static_cast<size_t>(std::max(scorer.max_positions(), 0))) {
    return InvalidArgument(StrFormat("primer of %zu tokens: the decoder holds %d", primer.size(),
                                     scorer.max_positions()));
  }
  if (encoder_steps < 1) {
    return InvalidArgument(StrFormat("%d encoder steps: expected at least 1", encoder_steps));
  }
  if (!(options.ctc_weight >= 0.0 && options.ctc_weight <= 1.0)) {
    return InvalidArgument(StrFormat("ctc_weight %g: expected 0 to 1", options.ctc_weight));
  }
  if (!std::isfinite(options.length_penalty) || !std::isfinite(options.maxlen_ratio) ||
      !std::isfinite(options.minlen_ratio)) {
    return InvalidArgument("length_penalty, maxlen_ratio, minlen_ratio: expected finite numbers");
  }
  if (options.ctc_weight == 0.0) return OkStatus();
  return CheckCtc(scorer, rules, primer, encoder_steps, options);
}

// One utterance's search. All storage is allocated by the constructor.
class Search {
 public:
  Search(TokenScorer& scorer, const OwsmTimeRules& rules, std::span<const int> primer,
         int encoder_steps, const BeamOptions& options);

  Result<BeamResult> Run(const std::stop_token& stop);

 private:
  TokenBits Allowed(size_t hypothesis) {
    return TokenBits(allowed_).subspan(hypothesis * words_, words_);
  }
  bool WithCtc() const { return options_.ctc_weight > 0.0; }
  float DecoderWeight() const { return static_cast<float>(1.0 - options_.ctc_weight); }
  float Penalty() const { return static_cast<float>(options_.length_penalty); }
  int YseqLength(int node) const { return static_cast<int>(primer_.size()) + tree_.length(node); }

  // fn(token, its log-probability) for each choice of a hypothesis.
  template <typename Function>
  void ForChoices(size_t hypothesis, const Function& fn) const;
  void OfferWithCtc(size_t hypothesis);
  Status SelectStep();
  void Extend(int step);
  bool LeavesAsLoop(const Running& hypothesis);
  bool EndDetected(int step) const;
  void Allow();
  Status StartScorer();
  Status AdvanceScorer();
  BeamResult Collect(int steps);

  TokenScorer& scorer_;
  const OwsmTimeRules& rules_;
  std::span<const int> primer_;
  const BeamOptions& options_;
  const TokenGroups groups_;
  const size_t words_;  // of one hypothesis' TokenBits
  Lengths lengths_;

  HypothesisTree tree_;
  std::vector<Running> running_, next_;
  std::vector<Ended> ended_, looped_;
  bool stuck_ = false;  // the best running hypothesis loops: those behind it have no better way
  std::vector<int32_t> allowed_;  // (beam, words)
  TokenChoices choices_;          // of the running hypotheses
  TopCandidates best_;
  std::vector<int> parents_, tokens_;  // of next_, for the scorer
  std::vector<int> tail_;
  // CTC scores the first of a hypothesis's choices: its times are forbidden then, so that its other
  // tokens are all there are.
  size_t ctc_candidates_;
  std::vector<int> picks_;
};

Search::Search(TokenScorer& scorer, const OwsmTimeRules& rules, std::span<const int> primer,
               int encoder_steps, const BeamOptions& options)
    : scorer_(scorer),
      rules_(rules),
      primer_(primer),
      options_(options),
      groups_({rules.first_time, rules.last_time + 1, rules.eos}),
      words_(TokenWordCount(scorer.vocabulary_size())),
      lengths_(StepLimits(options, encoder_steps)),
      best_(options.beam_size),
      ctc_candidates_(static_cast<size_t>(
          WithCtc() ? CtcCandidateCount(options.beam_size, scorer.vocabulary_size()) : 0)) {
  // Step i reads a prefix of primer.size() + i tokens, which the decoder and CTC must still hold.
  const int primer_length = static_cast<int>(primer.size());
  lengths_.max = std::min(lengths_.max, scorer.max_positions() - primer_length + 1);
  if (WithCtc()) {
    lengths_.max =
        std::min(lengths_.max, std::max(MaxCtcPrefix(encoder_steps) - primer_length + 1, 1));
  }
  const size_t beam = static_cast<size_t>(options.beam_size);
  const size_t steps = static_cast<size_t>(std::max(lengths_.max, 0)) + 1;
  tree_.Reset(std::min(beam * steps + beam, kMaxReservedNodes));
  ended_.reserve(std::min(beam * steps, kMaxReservedNodes));
  looped_.reserve(beam);
  running_.reserve(beam);
  next_.reserve(beam);
  parents_.reserve(beam);
  tokens_.reserve(beam);
  picks_.reserve(beam);
  allowed_.resize(beam * words_);
  choices_.Resize(options.beam_size, scorer.choice_count(), scorer.ctc_candidate_count());
  tail_.resize(static_cast<size_t>(RepetitionWindow(options.repetition)));
}

template <typename Function>
void Search::ForChoices(size_t hypothesis, const Function& fn) const {
  choices_.others(hypothesis).ForEach(fn);
  choices_.times(hypothesis).ForEach(fn);
}

// Tokens outside the candidates have ψ = -1e10 in ESPnet, which no beam reaches.
void Search::OfferWithCtc(size_t hypothesis) {
  const float ctc_weight = static_cast<float>(options_.ctc_weight);
  const Running& running = running_[hypothesis];
  const auto offer = [&](int token, float psi) {
    const float log_prob = choices_.LogProb(groups_, hypothesis, token);
    const float own = DecoderWeight() * log_prob + Penalty();
    const float delta = psi - running.psi;
    best_.Offer({own + ctc_weight * delta + running.score, static_cast<int>(hypothesis), token});
  };
  const std::span<const int32_t> tokens = choices_.others(hypothesis).tokens;
  for (size_t j = 0; j < ctc_candidates_ && tokens[j] >= 0; ++j) {
    if (tokens[j] != rules_.eos) offer(tokens[j], choices_.ctc(hypothesis)[j]);
  }
  offer(rules_.eos, choices_.ctc_end(hypothesis));
}

Status Search::SelectStep() {
  best_.Clear(options_.beam_size);
  for (size_t h = 0; h < running_.size(); ++h) {
    if (WithCtc()) {
      OfferWithCtc(h);
    } else {
      ForChoices(h, [&](int token, float log_prob) {
        const float score = log_prob * DecoderWeight() + Penalty() + running_[h].score;
        best_.Offer({score, static_cast<int>(h), token});
      });
    }
  }
  if (!best_.best().empty()) return OkStatus();
  // The rules leave some token free for every hypothesis, unless the vocabulary is a toy.
  for (size_t h = 0; h < running_.size(); ++h) {
    if (std::isnan(choices_.others(h).log_sum) || std::isnan(choices_.times(h).log_sum)) {
      return Internal("the decoder's log-probabilities are not numbers");
    }
  }
  return OkStatus();
}

bool Search::LeavesAsLoop(const Running& hypothesis) {
  if (!options_.repetition.enabled) return false;
  const RepeatedTail tail =
      FindRepeatedTail(tree_.Tail(hypothesis.node, tail_), options_.repetition);
  if (tail.period == 0) return false;
  const int kept = LengthWithoutLoop(tree_.length(hypothesis.node), tail, options_.repetition);
  const Ended loop = {hypothesis.node, kept, hypothesis.score, hypothesis.parts,
                      DecodeOutcome::kRepetition};
  if (looped_.size() < static_cast<size_t>(options_.beam_size)) {
    looped_.push_back(loop);
    return true;
  }
  const auto worst =
      std::min_element(looped_.begin(), looped_.end(),
                       [](const Ended& x, const Ended& y) { return x.score < y.score; });
  if (worst->score < loop.score) *worst = loop;
  return true;
}

void Search::Extend(int step) {
  next_.clear();
  parents_.clear();
  tokens_.clear();
  picks_.clear();
  const bool last_step = step == lengths_.max - 1;
  for (const Candidate& candidate : best_.best()) {
    const size_t h = static_cast<size_t>(candidate.hypothesis);
    Running child = running_[h];
    const float log_prob = choices_.LogProb(groups_, h, candidate.token);
    child.node = tree_.Add(running_[h].node, candidate.token, log_prob);
    child.score = candidate.score;
    child.parts.decoder += static_cast<double>(log_prob);
    if (options_.length_penalty != 0.0) child.parts.length_bonus += 1.0;
    const bool is_eos = candidate.token == rules_.eos;
    int pick = 0;
    if (WithCtc()) {
      const std::span<const int32_t> row = choices_.others(h).tokens;
      pick = static_cast<int>(std::find(row.begin(), row.end(), candidate.token) - row.begin());
      child.psi = is_eos ? choices_.ctc_end(h) : choices_.ctc(h)[static_cast<size_t>(pick)];
      child.parts.ctc += static_cast<double>(child.psi - running_[h].psi);
    }
    if (last_step) child.node = tree_.Add(child.node, rules_.eos, 0.0f);
    if (is_eos || last_step) {
      const DecodeOutcome outcome = is_eos ? DecodeOutcome::kComplete : DecodeOutcome::kTruncated;
      if (step >= lengths_.min) {
        ended_.push_back({child.node, tree_.length(child.node), child.score, child.parts, outcome});
      }
      continue;
    }
    if (LeavesAsLoop(child)) {
      stuck_ = stuck_ || next_.empty();
      continue;
    }
    child.times.Append(rules_, candidate.token);
    next_.push_back(child);
    parents_.push_back(candidate.hypothesis);
    tokens_.push_back(candidate.token);
    picks_.push_back(pick);
  }
  running_.swap(next_);
}

bool Search::EndDetected(int step) const {
  if (options_.maxlen_ratio != 0.0 || ended_.empty()) return false;
  constexpr float kNone = -std::numeric_limits<float>::infinity();
  float best = kNone;
  float best_of_length[kEndDetectLengths] = {kNone, kNone, kNone};
  for (const Ended& hypothesis : ended_) {
    best = std::max(best, hypothesis.score);
    // yseq counts the primer, the step does not: ESPnet's end comes that many steps late.
    const int age = step - YseqLength(hypothesis.node);
    if (age >= 0 && age < kEndDetectLengths) {
      best_of_length[age] = std::max(best_of_length[age], hypothesis.score);
    }
  }
  return std::all_of(best_of_length, best_of_length + kEndDetectLengths,
                     [&](float score) { return score > kNone && score - best < kEndDetectMargin; });
}

// What each running hypothesis may say next.
void Search::Allow() {
  std::fill(allowed_.begin(), allowed_.end(), -1);
  for (size_t h = 0; h < running_.size(); ++h) {
    running_[h].times.Restrict(rules_, scorer_.vocabulary_size(), Allowed(h));
  }
}

Status Search::StartScorer() {
  running_.push_back({.times = TimeState(rules_, primer_)});
  Allow();
  return scorer_.StartAndPick(primer_, Allowed(0), groups_, &choices_);
}

Status Search::AdvanceScorer() {
  Allow();
  return scorer_.AdvanceAndPick({.parents = parents_,
                                 .tokens = tokens_,
                                 .picks = picks_,
                                 .allowed = std::span(allowed_).first(running_.size() * words_)},
                                groups_, &choices_);
}

BeamResult Search::Collect(int steps) {
  // Loops rank among the ended ones: what was said before a loop is a text like any other.
  ended_.insert(ended_.end(), looped_.begin(), looped_.end());
  const auto key = [&](const Ended& hypothesis) {
    if (!options_.normalize_length) return hypothesis.score;
    return hypothesis.score / static_cast<float>(YseqLength(hypothesis.node) - 1);
  };
  std::stable_sort(ended_.begin(), ended_.end(),
                   [&](const Ended& a, const Ended& b) { return key(a) > key(b); });
  BeamResult result;
  result.steps = steps;
  const size_t count = std::min(ended_.size(), static_cast<size_t>(options_.beam_size));
  for (size_t i = 0; i < count; ++i) {
    const Ended& from = ended_[i];
    Hypothesis hypothesis;
    hypothesis.tokens.assign(primer_.begin(), primer_.end());
    const std::vector<int> text = tree_.Sequence(from.node);
    hypothesis.tokens.insert(hypothesis.tokens.end(), text.begin(),
                             text.begin() + from.kept_length);
    if (from.outcome == DecodeOutcome::kRepetition) hypothesis.tokens.push_back(rules_.eos);
    const std::vector<float> log_probs = tree_.LogProbs(from.node);
    hypothesis.log_probs.resize(primer_.size());
    hypothesis.log_probs.insert(hypothesis.log_probs.end(), log_probs.begin(),
                                log_probs.begin() + from.kept_length);
    hypothesis.log_probs.resize(hypothesis.tokens.size());
    hypothesis.score = static_cast<double>(from.score);
    hypothesis.parts = from.parts;
    hypothesis.outcome = from.outcome;
    result.nbest.push_back(std::move(hypothesis));
  }
  if (!result.nbest.empty()) result.outcome = result.nbest[0].outcome;
  return result;
}

Result<BeamResult> Search::Run(const std::stop_token& stop) {
  if (stop.stop_requested()) return Cancelled("decoding was cancelled");
  if (lengths_.max < 1) return Collect(0);
  ESP_RETURN_IF_ERROR(StartScorer());
  int step = 0;
  while (true) {
    if (stop.stop_requested()) return Cancelled("decoding was cancelled");
    ESP_RETURN_IF_ERROR(SelectStep());
    Extend(step);
    ++step;
    if (step == lengths_.max || running_.empty() || stuck_ || EndDetected(step - 1)) break;
    ESP_RETURN_IF_ERROR(AdvanceScorer());
  }
  return Collect(step);
}

}  // namespace

int CtcCandidateCount(int beam_size, int vocabulary) {
  // int(1.5 · beam), as ESPnet's pre_beam_ratio.
  return std::min(vocabulary, beam_size + beam_size / 2);
}

Result<BeamResult> BeamSearch(TokenScorer& scorer, const OwsmTimeRules& rules,
                              std::span<const int> primer, int encoder_steps,
                              const BeamOptions& options, const std::stop_token& stop) {
  ESP_RETURN_IF_ERROR(CheckArguments(scorer, rules, primer, encoder_steps, options));
  return Search(scorer, rules, primer, encoder_steps, options).Run(stop);
}

}  // namespace espalier
