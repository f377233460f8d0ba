// OWSM's long form (spec §10): windows of 30 s that follow each other by their last time token.
#include <algorithm>
#include <cmath>

#include "runtime/search/beam_search.h"
#include "runtime/search/segments.h"
#include "runtime/search/whisper_fallback.h"
#include "runtime/session/owsm_text.h"
#include "runtime/session/window_loop.h"
#include "runtime/session/window_search.h"

namespace espalier {
namespace {

struct SaidTokens {
  std::vector<int> tokens = {};
  std::vector<float> log_probs = {};  // of each of them
};

class OwsmTranscriber final : public WindowLoop {
 public:
  using WindowLoop::WindowLoop;

 private:
  Status Begin(const TranscribeOptions& options) override {
    if (options.ctc_weight > 0 && options.timestamps) {
      return InvalidArgument("CTC weight: joint decoding has no time tokens; add --no-timestamps");
    }
    if (options.ctc_weight > 0 && !engine().config().has_ctc) {
      return Unsupported(engine().config().name + ": this model has no CTC layer");
    }
    const int vocabulary = engine().config().vocabulary_size;
    ESP_RETURN_IF_ERROR(inference().ScoreByCtc(
        options.ctc_weight > 0 ? CtcCandidateCount(options.beam_size, vocabulary) : 0));
    previous_text_.reset();
    if (!options.initial_prompt.empty()) previous_text_ = options.initial_prompt;
    return FindEndTimeThreshold(options.end_time_threshold);
  }

  // "<29.00>" by default. Windows of another length than 30 s get the same distance to their end.
  Status FindEndTimeThreshold(const std::string& token) {
    if (const auto id = engine().tokenizer().Find(token)) {
      threshold_id_ = *id;
    } else if (token == TranscribeOptions{}.end_time_threshold) {
      const int steps_per_second = static_cast<int>(std::lround(1.0 / owsm().speech_resolution_s));
      threshold_id_ = std::max(owsm().first_time_id, owsm().last_time_id - steps_per_second);
    } else {
      return InvalidArgument("end time threshold '" + token +
                             "' is not a time token of this model");
    }
    return OkStatus();
  }

  // ESPnet ends at a rest of less than 0.2 s.
  int64_t ShortestLaterWindow() const override { return shortest_; }

  Result<int64_t> DecodeWindow(const AudioWindow& window, const TranscribeOptions& options,
                               const std::stop_token& stop,
                               std::vector<Segment>* segments) override {
    ESP_ASSIGN_OR_RETURN(const BeamResult result, Search(options, stop));
    const int64_t length = static_cast<int64_t>(window.samples().size());
    Segment base = Describe(result);
    base.window_start_ms = Milliseconds(window.begin());
    // Language and task, and <notimestamps>, are no text.
    const SaidTokens said = TakeSaid(result, options.timestamps ? 2 : 3);
    const std::vector<int>& tokens = said.tokens;
    if (!options.timestamps) return WholeWindow(window, options, std::move(base), said, segments);
    ESP_ASSIGN_OR_RETURN(const OwsmSplit split,
                         SplitOwsmWindow(tokens, TimeRulesOf(owsm()),
                                         {.start_samples = window.begin(),
                                          .length_samples = length,
                                          .sample_rate = sample_rate(),
                                          .resolution_s = owsm().speech_resolution_s,
                                          .end_time_threshold = threshold_id_}));
    std::string spoken;
    for (const SegmentSpan& span : split.utterances) {
      Segment segment = base;
      segment.start_ms = span.start_ms;
      segment.end_ms = span.end_ms;
      segment.tokens.assign(tokens.begin() + span.tokens.begin, tokens.begin() + span.tokens.end);
      segment.log_probs.assign(said.log_probs.begin() + span.tokens.begin,
                               said.log_probs.begin() + span.tokens.end);
      segment.text = engine().tokenizer().Decode(segment.tokens);
      spoken += segment.text;
      segments->push_back(std::move(segment));
    }
    if (options.carry_prompt) previous_text_ = spoken;
    return FillTextFigures(spoken, segments, split.advance_samples);
  }

  // What the best hypothesis says behind its first `symbols` tokens.
  SaidTokens TakeSaid(const BeamResult& result, size_t symbols) const {
    SaidTokens said;
    if (result.nbest.empty()) return said;
    const Hypothesis& best = result.nbest[0];
    std::vector<size_t> positions;
    said.tokens = OwsmResultTokens(best.tokens, owsm().sos_id, owsm().blank_id, &positions);
    for (const size_t position : positions) said.log_probs.push_back(best.log_probs[position]);
    const auto left_out = static_cast<int64_t>(std::min(symbols, said.tokens.size()));
    said.tokens.erase(said.tokens.begin(), said.tokens.begin() + left_out);
    said.log_probs.erase(said.log_probs.begin(), said.log_probs.begin() + left_out);
    return said;
  }

  Result<int64_t> WholeWindow(const AudioWindow& window, const TranscribeOptions& options,
                              Segment segment, const SaidTokens& said,
                              std::vector<Segment>* segments) {
    const int64_t length = static_cast<int64_t>(window.samples().size());
    segment.start_ms = Milliseconds(window.begin());
    segment.end_ms = Milliseconds(window.begin() + length);
    segment.tokens = said.tokens;
    segment.log_probs = said.log_probs;
    segment.text = PlainText(engine(), said.tokens);
    const std::string text = segment.text;
    if (!text.empty()) segments->push_back(std::move(segment));
    if (options.carry_prompt) previous_text_ = text;
    return FillTextFigures(text, segments, length);
  }

  Result<int64_t> FillTextFigures(const std::string& text, std::vector<Segment>* segments,
                                  int64_t advance) const {
    ESP_ASSIGN_OR_RETURN(const double ratio, CompressionRatio(text));
    for (Segment& segment : *segments) segment.compression_ratio = ratio;
    return advance;
  }

  // A previous text that leaves no room for the answer is shortened from its beginning.
  Result<std::vector<int>> Primer(const TranscribeOptions& options) {
    ESP_ASSIGN_OR_RETURN(std::vector<int> primer,
                         OwsmPrimer(engine(), context(), options.timestamps, previous_text_));
    const auto most = static_cast<size_t>(inference().max_positions() / 2);
    if (primer.size() > most) {
      const auto extra = static_cast<int64_t>(primer.size() - most);
      primer.erase(primer.begin() + 1, primer.begin() + 1 + extra);  // the sop stays
    }
    return primer;
  }

  Result<BeamResult> Search(const TranscribeOptions& options, const std::stop_token& stop) {
    ESP_ASSIGN_OR_RETURN(const std::vector<int> primer, Primer(options));
    const BeamOptions search{
        .beam_size = options.beam_size,
        .ctc_weight = options.ctc_weight,
        .length_penalty = options.length_penalty,
        .maxlen_ratio = options.maxlen_ratio,
        .minlen_ratio = options.minlen_ratio,
        .normalize_length = options.normalize_length,
        .step_limit = inference().max_positions() - static_cast<int>(primer.size()),
        .repetition = {.enabled = options.repetition_guard}};
    return BeamSearch(inference(), TimeRulesOf(owsm()), primer, inference().encoder_steps(), search,
                      stop);
  }

  Segment Describe(const BeamResult& result) const {
    Segment segment{.language = context().language, .outcome = result.outcome};
    if (!result.nbest.empty()) {
      const Hypothesis& best = result.nbest[0];
      const auto sos = std::find(best.tokens.begin(), best.tokens.end(), owsm().sos_id);
      const auto count = std::max<int64_t>(1, best.tokens.end() - sos - 1);
      segment.avg_log_prob = best.parts.decoder / static_cast<double>(count);
    }
    return segment;
  }

  std::optional<std::string> previous_text_;
  int threshold_id_ = 0;
  const int64_t shortest_ = sample_rate() / 5;
};

}  // namespace

std::unique_ptr<Transcriber> MakeOwsmTranscriber(std::shared_ptr<Engine> engine) {
  return std::make_unique<OwsmTranscriber>(std::move(engine));
}

}  // namespace espalier
