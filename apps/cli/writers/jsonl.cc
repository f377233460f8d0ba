// JSON lines in the shape of live events: a "final" per segment, an "end" per file.
#include "apps/cli/writers/json_values.h"

namespace espalier::cli {
namespace {

class JsonlWriter final : public Writer {
 public:
  explicit JsonlWriter(const WriterOptions& options) : options_(options) {}

  std::string Add(const Segment& segment) override {
    nlohmann::ordered_json json{{"type", "final"},
                                {"file", options_.file},
                                {"utterance_id", ++utterance_id_},
                                {"text", Trimmed(segment.text)},
                                {"t0", Seconds(segment.start_ms)},
                                {"t1", Seconds(segment.end_ms)},
                                {"language", segment.language},
                                {"temperature", segment.temperature},
                                {"avg_logprob", segment.avg_log_prob},
                                {"compression_ratio", segment.compression_ratio},
                                {"no_speech_prob", segment.no_speech_prob},
                                {"outcome", esp_outcome_string(segment.outcome)}};
    if (options_.word_timestamps) json["words"] = WordsJson(segment.words);
    return DumpLine(json);
  }

  std::string Finish(const Transcript& transcript) override {
    return DumpLine({{"type", "end"},
                     {"file", options_.file},
                     {"utterances", utterance_id_},
                     {"task", transcript.task},
                     {"language", transcript.language},
                     {"duration", Seconds(transcript.duration_ms)},
                     {"runtime", RuntimeJson(options_)},
                     {"timings", TimingsJson(transcript.timings, transcript.duration_ms)},
                     {"warnings", transcript.warnings}});
  }

 private:
  const WriterOptions options_;
  int utterance_id_ = 0;
};

}  // namespace

std::unique_ptr<Writer> MakeJsonlWriter(const WriterOptions& options) {
  return std::make_unique<JsonlWriter>(options);
}

}  // namespace espalier::cli
