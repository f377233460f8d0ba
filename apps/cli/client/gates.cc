#include "apps/cli/client/gates.h"

#include "apps/cli/client/c_status.h"

namespace espalier::cli {

Result<std::unique_ptr<Gates>> Gates::OfContext(const Model& model, std::span<const float> samples,
                                                const std::string& language,
                                                const std::string& task,
                                                const std::stop_token& stop) {
  esp_gates_options options;
  esp_gates_options_init(&options);
  options.language = language.c_str();
  options.task = task.c_str();
  return Open(model, samples, options, stop);
}

Result<std::unique_ptr<Gates>> Gates::OfAllContexts(const Model& model,
                                                    std::span<const float> samples,
                                                    const std::stop_token& stop) {
  esp_gates_options options;
  esp_gates_options_init(&options);
  options.all_contexts = 1;
  return Open(model, samples, options, stop);
}

Result<std::unique_ptr<Gates>> Gates::Open(const Model& model, std::span<const float> samples,
                                           esp_gates_options options, const std::stop_token& stop) {
  std::stop_token asked = stop;
  options.abort_user = &asked;
  options.abort = [](void* user) {
    return static_cast<int>(static_cast<std::stop_token*>(user)->stop_requested());
  };
  esp_gates* opened = nullptr;
  ESP_RETURN_IF_ERROR(
      FromC(esp_gates_open(model.get(), samples.data(), samples.size(), &options, &opened)));
  return std::unique_ptr<Gates>(new Gates(opened));
}

Result<std::string> Gates::Write(esp_gates_format format, const std::string& title) const {
  const char* text = nullptr;
  ESP_RETURN_IF_ERROR(FromC(esp_gates_write(gates_, format, title.c_str(), &text)));
  return std::string(text);
}

Status Gates::Save(const std::string& path) const {
  return FromC(esp_gates_save(gates_, path.c_str()));
}

Result<esp_gate_worth> Gates::Worth(int64_t sample_count) const {
  esp_gate_worth worth;
  esp_gate_worth_init(&worth);
  ESP_RETURN_IF_ERROR(FromC(esp_gates_worth(gates_, 0, sample_count, &worth)));
  return worth;
}

Result<esp_gate_times> Gates::Times(int64_t sample_count, const std::string& cost_table) const {
  esp_gate_times times;
  esp_gate_times_init(&times);
  ESP_RETURN_IF_ERROR(FromC(esp_gates_times(gates_, 0, sample_count, cost_table.c_str(), &times)));
  return times;
}

}  // namespace espalier::cli
