#include "apps/cli/client/model.h"

#include "apps/cli/client/c_status.h"

namespace espalier::cli {

Result<std::unique_ptr<Model>> Model::Open(const ModelChoice& choice) {
  esp_model_options options;
  esp_model_options_init(&options);
  options.device = choice.device.c_str();
  options.threads = choice.threads;
  options.gates = choice.gates.c_str();
  options.beam_size_max = choice.beam_size_max;
  esp_model* opened = nullptr;
  ESP_RETURN_IF_ERROR(FromC(esp_model_open(choice.folder.c_str(), &options, &opened)));
  std::unique_ptr<Model> model(new Model(opened));
  esp_model_info_init(&model->info_);
  ESP_RETURN_IF_ERROR(FromC(esp_model_get_info(opened, &model->info_)));
  model->device_ = {.id = model->info_.device,
                    .name = model->info_.device_name,
                    .detail = model->info_.device_detail};
  return model;
}

Result<std::string> Model::Describe() const {
  const char* text = nullptr;
  ESP_RETURN_IF_ERROR(FromC(esp_model_describe(model_, &text)));
  return std::string(text);
}

}  // namespace espalier::cli
