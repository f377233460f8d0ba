#include "apps/cli/writers/json_values.h"

#include "apps/cli/version.h"

namespace espalier::cli {

std::string Trimmed(const std::string& text) {
  constexpr char kBlanks[] = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

nlohmann::ordered_json RuntimeJson(const WriterOptions& options) {
  return {{"version", kVersion}, {"model", options.model}, {"backend", options.backend}};
}

nlohmann::ordered_json WordsJson(const std::vector<Word>& words) {
  auto json = nlohmann::ordered_json::array();
  for (const Word& word : words) {
    json.push_back({{"word", word.text},
                    {"start", Seconds(word.t0_ms)},
                    {"end", Seconds(word.t1_ms)},
                    {"probability", word.probability}});
  }
  return json;
}

nlohmann::ordered_json TimingsJson(const Timings& timings, int64_t duration_ms) {
  nlohmann::ordered_json json = {
      {"load_s", timings.load_s},       {"features_s", timings.features_s},
      {"gates_s", timings.gates_s},     {"plan_s", timings.plan_s},
      {"encoder_s", timings.encoder_s}, {"decoder_s", timings.decoder_s},
      {"search_s", timings.search_s},   {"total_s", timings.total_s},
  };
  const double audio_s = Seconds(duration_ms);
  json["real_time_factor"] = audio_s > 0 ? timings.total_s / audio_s : 0.0;
  json["windows"] = timings.window_count;
  json["decoder_steps"] = timings.token_count;
  json["encoder_multiply_adds"] = timings.encoder_multiply_adds;
  json["decoder_multiply_adds"] = timings.decoder_multiply_adds;
  json["weight_bytes_touched"] = timings.weight_bytes_touched;
  json["gates"] = timings.gate_count;
  json["closed_gates"] = timings.closed_gate_count;
  const esp_device_counters& device = timings.device;
  if (device.submits > 0) {
    json["device"] = {{"dispatches", device.dispatches},
                      {"barriers", device.barriers},
                      {"submits", device.submits},
                      {"command_buffers", device.command_buffers},
                      {"descriptor_writes", device.descriptor_writes},
                      {"written_bytes", device.written_bytes},
                      {"read_bytes", device.read_bytes},
                      {"memory_bytes", device.memory_bytes},
                      {"reserved_bytes", device.reserved_bytes}};
    const esp_device_counters& steps = timings.device_steps;
    json["device"]["decoder_steps"] = {{"dispatches", steps.dispatches},
                                       {"barriers", steps.barriers},
                                       {"submits", steps.submits},
                                       {"command_buffers", steps.command_buffers},
                                       {"descriptor_writes", steps.descriptor_writes},
                                       {"written_bytes", steps.written_bytes},
                                       {"read_bytes", steps.read_bytes}};
  }
  return json;
}

std::string DumpLine(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace espalier::cli
