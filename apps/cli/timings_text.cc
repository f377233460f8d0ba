#include "apps/cli/timings_text.h"

#include "apps/cli/writers/plain_text.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {

std::string TimingsText(const std::string& name, const Timings& timings, int64_t duration_ms) {
  std::string text = "timings of " + SingleLine(name) + "\n";
  const struct {
    const char* name;
    double seconds;
  } stages[] = {{"features", timings.features_s}, {"gates", timings.gates_s},
                {"plan", timings.plan_s},         {"encoder", timings.encoder_s},
                {"decoder", timings.decoder_s},   {"search", timings.search_s},
                {"total", timings.total_s},       {"load (once)", timings.load_s}};
  for (const auto& stage : stages) {
    text += StrFormat("  %-12s %9.3f s\n", stage.name, stage.seconds);
  }
  const double audio_s = static_cast<double>(duration_ms) / 1000;
  text += StrFormat("  %-12s %9.3f s, %.3f of real time\n", "audio", audio_s,
                    audio_s > 0 ? timings.total_s / audio_s : 0.0);
  text += StrFormat("  %-12s %9lld, %lld decoder steps\n", "windows",
                    static_cast<long long>(timings.window_count),
                    static_cast<long long>(timings.token_count));
  text += StrFormat("  %-12s %9d of %d closed\n", "gates", timings.closed_gate_count,
                    timings.gate_count);
  if (timings.weight_bytes_touched > 0) {
    text += StrFormat("  %-12s %9.1f MB touched\n", "weights",
                      static_cast<double>(timings.weight_bytes_touched) / 1e6);
  }
  return text;
}

}  // namespace espalier::cli
