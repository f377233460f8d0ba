#include "runtime/search/whisper_fallback.h"

#include <zlib.h>

#include "runtime/base/string_format.h"

namespace espalier {

namespace {

std::string Stripped(const std::string& text) {
  constexpr char kSpace[] = " \t\n\v\f\r";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

bool NeedsFallback(const FallbackResult& result, const FallbackThresholds& thresholds) {
  const WhisperResult& decoding = result.decoding;
  const bool improbable = decoding.avg_log_prob < thresholds.log_prob;
  if (improbable && decoding.no_speech_prob > thresholds.no_speech) return false;
  return improbable || result.compression_ratio > thresholds.compression_ratio ||
         decoding.outcome == DecodeOutcome::kRepetition;
}

}  // namespace

Result<FallbackResult> DecodeWithFallback(TokenScorer& scorer, const WhisperRules& rules,
                                          std::span<const int> prompt,
                                          const FallbackOptions& options,
                                          FunctionRef<std::string(std::span<const int>)> text_of,
                                          SampleGenerator& generator, const std::stop_token& stop) {
  if (options.temperatures.empty()) return InvalidArgument("temperatures: expected at least one");
  FallbackResult result;
  for (const double temperature : options.temperatures) {
    ESP_ASSIGN_OR_RETURN(result.decoding, WhisperSearch(scorer, rules, prompt, options.decode,
                                                        temperature, generator, stop));
    ESP_ASSIGN_OR_RETURN(result.compression_ratio,
                         CompressionRatio(Stripped(text_of(result.decoding.tokens))));
    if (!NeedsFallback(result, options.thresholds)) break;
  }
  return result;
}

bool IsSilentWindow(double no_speech_prob, double avg_log_prob,
                    const FallbackThresholds& thresholds) {
  return no_speech_prob > thresholds.no_speech && !(avg_log_prob > thresholds.log_prob);
}

Result<double> CompressionRatio(const std::string& text) {
  const auto size = static_cast<uLong>(text.size());
  uLongf compressed_size = compressBound(size);
  std::vector<Bytef> compressed(compressed_size);
  const int code = compress2(compressed.data(), &compressed_size,
                             reinterpret_cast<const Bytef*>(text.data()), size, 6);
  if (code != Z_OK) return Exhausted(StrFormat("zlib could not compress a text (code %d)", code));
  return static_cast<double>(size) / static_cast<double>(compressed_size);
}

}  // namespace espalier
