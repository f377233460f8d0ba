// A model through the C interface.
//
// Goals (of this folder): owners and Status instead of handles and codes; nothing that espalier.h
// does not offer.
#pragma once

#include <memory>
#include <string>

#include "runtime/base/status.h"
#include "runtime/capi/espalier.h"

namespace espalier::cli {

struct ModelChoice {
  std::string folder = {};
  std::string device = "auto";
  std::string gates = "auto";
  int threads = 0;        // 0: one per core
  int beam_size_max = 1;  // the most hypotheses that will be asked for
};

// An open model. Shared by sessions, transcribers and gates, which keep what they need of it.
class Model {
 public:
  struct Device {
    std::string id, name, detail;
  };

  // Errors: those of esp_model_open.
  static Result<std::unique_ptr<Model>> Open(const ModelChoice& choice);
  ~Model() { esp_model_close(model_); }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  esp_model* get() const { return model_; }
  std::string name() const { return info_.name; }
  std::string family() const { return info_.family; }  // "whisper", "owsm"
  int sample_rate() const { return info_.sample_rate; }
  int64_t window_samples() const { return int64_t{info_.max_window_ms} * info_.sample_rate / 1000; }
  bool has_predictor() const { return info_.gate_count > 0; }
  int64_t parameter_count() const { return info_.parameter_count; }
  double load_seconds() const { return info_.load_s; }
  const Device& device() const { return device_; }

  // A line of JSON. Errors: those of esp_model_describe.
  Result<std::string> Describe() const;

 private:
  explicit Model(esp_model* model) : model_(model) {}

  esp_model* model_;
  esp_model_info info_ = {};
  Device device_;
};

}  // namespace espalier::cli
