#include "runtime/session/gate_look.h"

#include "runtime/session/context.h"
#include "runtime/session/inference.h"
#include "runtime/session/window.h"

namespace espalier {

Result<GateMask> PredictGates(std::shared_ptr<Engine> engine, std::span<const float> samples,
                              const std::string& language, const std::string& task,
                              const std::stop_token& stop) {
  if (engine->forced_gates()) return *engine->forced_gates();
  ESP_ASSIGN_OR_RETURN(const Context context, ResolveContext(*engine, language, task));
  Inference inference(engine, InferenceOptions{});
  inference.set_stop(stop);
  ESP_RETURN_IF_ERROR(inference.Embed(WindowFeatures(*engine, samples)));
  return inference.LookAtGates(context.gate_language, context.gate_task);
}

}  // namespace espalier
