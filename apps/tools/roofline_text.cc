#include "apps/tools/roofline_text.h"

#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

std::string Line(const StageLimit& stage) {
  return StrFormat("  %-11s %4lld ops %9.2f GFLOP %9.1f MB of weights %9.1f MB moved %9.3f ms\n",
                   stage.stage.c_str(), static_cast<long long>(stage.ops), stage.flops / 1e9,
                   stage.weight_bytes / 1e6, stage.bytes / 1e6, 1e3 * stage.seconds);
}

nlohmann::ordered_json Json(const StageLimit& stage) {
  return {{"stage", stage.stage}, {"ops", stage.ops},
          {"flops", stage.flops}, {"weight_bytes", stage.weight_bytes},
          {"bytes", stage.bytes}, {"seconds", stage.seconds}};
}

double Sum(const Roofline& roofline, int tokens) {
  return roofline.WindowSeconds() + tokens * roofline.step.seconds;
}

}  // namespace

std::string RooflineText(const Roofline& roofline, int tokens) {
  std::string text;
  for (const StageLimit& stage : roofline.window) text += Line(stage);
  text += Line(roofline.step);
  if (roofline.ctc_step) text += Line(*roofline.ctc_step);
  text += StrFormat(
      "  window of %.0f s: %.2f ms once, %.3f ms a step (beam %d, %d tokens behind), %d tokens: "
      "%.2f ms\n",
      roofline.input_s, 1e3 * roofline.WindowSeconds(), 1e3 * roofline.step.seconds,
      roofline.beam_size, roofline.cached_positions, tokens, 1e3 * Sum(roofline, tokens));
  return text;
}

nlohmann::ordered_json RooflineJson(const Roofline& roofline, int tokens) {
  auto window = nlohmann::ordered_json::array();
  for (const StageLimit& stage : roofline.window) window.push_back(Json(stage));
  nlohmann::ordered_json json = {{"input_s", roofline.input_s},
                                 {"beam_size", roofline.beam_size},
                                 {"cached_positions", roofline.cached_positions},
                                 {"window", window},
                                 {"step", Json(roofline.step)}};
  if (roofline.ctc_step) json["ctc_step"] = Json(*roofline.ctc_step);
  json["window_s"] = roofline.WindowSeconds();
  json["tokens"] = tokens;
  json["sum_s"] = Sum(roofline, tokens);
  return json;
}

}  // namespace espalier::cli
