#include "apps/cli/timings_text.h"

#include <algorithm>

#include "apps/cli/writers/plain_text.h"
#include "runtime/base/string_format.h"

namespace espalier::cli {

namespace {

double Each(int64_t sum, int64_t count) {
  return static_cast<double>(sum) / static_cast<double>(std::max<int64_t>(count, 1));
}

// What the device did for one of `count` windows or decoder steps, on average.
std::string ShareText(const char* name, const esp_device_counters& sum, int64_t count) {
  return StrFormat(
      "  %-12s %9.1f dispatches, %.1f barriers, %.1f submits; %.1f kB written, "
      "%.1f kB read\n",
      name, Each(sum.dispatches, count), Each(sum.barriers, count), Each(sum.submits, count),
      Each(sum.written_bytes, count) / 1e3, Each(sum.read_bytes, count) / 1e3);
}

// Nothing for devices that do not count.
std::string DeviceText(const Timings& timings) {
  const esp_device_counters &device = timings.device, &steps = timings.device_steps;
  if (device.submits == 0) return "";
  esp_device_counters windows = device;  // what decoder steps are not
  windows.dispatches -= steps.dispatches;
  windows.barriers -= steps.barriers;
  windows.submits -= steps.submits;
  windows.written_bytes -= steps.written_bytes;
  windows.read_bytes -= steps.read_bytes;
  const auto megabytes = [](int64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  return StrFormat("  %-12s %9lld dispatches, %lld barriers, %lld submits\n", "device",
                   static_cast<long long>(device.dispatches),
                   static_cast<long long>(device.barriers),
                   static_cast<long long>(device.submits)) +
         ShareText("  a window", windows, timings.window_count) +
         ShareText("  a step", steps, timings.token_count) +
         StrFormat(
             "  %-12s %9lld command buffers, %lld descriptor sets; in decoder steps %lld, "
             "%lld\n",
             "recorded", static_cast<long long>(device.command_buffers),
             static_cast<long long>(device.descriptor_writes),
             static_cast<long long>(steps.command_buffers),
             static_cast<long long>(steps.descriptor_writes)) +
         StrFormat("  %-12s %9.1f MB written, %.1f MB read; %.1f MB in use of %.1f taken\n",
                   "memory", megabytes(device.written_bytes), megabytes(device.read_bytes),
                   megabytes(device.memory_bytes), megabytes(device.reserved_bytes));
}

}  // namespace

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
  text += StrFormat("  %-12s %9.1f M multiply-adds a window, %.1f M a decoder step\n", "work",
                    Each(timings.encoder_multiply_adds, timings.window_count) / 1e6,
                    Each(timings.decoder_multiply_adds, timings.token_count) / 1e6);
  return text + DeviceText(timings);
}

}  // namespace espalier::cli
