// OpenAI's verbose_json and more: how each window ended, what ran, where the time went.
#include "apps/cli/writers/json_values.h"
#include "apps/cli/writers/plain_text.h"

namespace espalier::cli {
namespace {

// openai-whisper counts `seek` in frames of 10 ms.
constexpr int64_t kSeekMs = 10;

nlohmann::ordered_json SegmentJson(const Segment& segment, size_t id) {
  return {{"id", id},
          {"seek", segment.window_start_ms / kSeekMs},
          {"start", Seconds(segment.start_ms)},
          {"end", Seconds(segment.end_ms)},
          {"text", segment.text},
          {"tokens", segment.tokens},
          {"temperature", segment.temperature},
          {"avg_logprob", segment.avg_log_prob},
          {"compression_ratio", segment.compression_ratio},
          {"no_speech_prob", segment.no_speech_prob},
          {"language", segment.language},
          {"outcome", esp_outcome_string(segment.outcome)}};
}

class JsonWriter final : public Writer {
 public:
  explicit JsonWriter(const WriterOptions& options) : options_(options) {}

  std::string Finish(const Transcript& transcript) override {
    std::string text;
    auto segments = nlohmann::ordered_json::array();
    std::vector<Word> words;
    for (const Segment& segment : transcript.segments) {
      AppendSpoken(Trimmed(segment.text), &text);
      segments.push_back(SegmentJson(segment, segments.size()));
      words.insert(words.end(), segment.words.begin(), segment.words.end());
    }
    nlohmann::ordered_json json{{"task", transcript.task},
                                {"language", transcript.language},
                                {"duration", Seconds(transcript.duration_ms)},
                                {"text", text},
                                {"segments", segments}};
    if (options_.word_timestamps) json["words"] = WordsJson(words);
    json.update({{"file", options_.file},
                 {"runtime", RuntimeJson(options_)},
                 {"timings", TimingsJson(transcript.timings, transcript.duration_ms)},
                 {"warnings", transcript.warnings}});
    return DumpLine(json);
  }

 private:
  const WriterOptions options_;
};

}  // namespace

std::unique_ptr<Writer> MakeJsonWriter(const WriterOptions& options) {
  return std::make_unique<JsonWriter>(options);
}

}  // namespace espalier::cli
