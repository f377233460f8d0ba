// A model on a device: weights, backend, and the plans compiled for it. Shared by sessions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/features/log_mel.h"
#include "runtime/model/gates.h"
#include "runtime/text/tokenizer.h"

namespace espalier {

struct EngineOptions {
  std::string model_folder;
  std::string device = "cpu";  // "cpu", "reference", "auto"
  int threads = 0;             // 0: one per core
  std::string gates = "auto";  // "auto" (the model's predictor), "all", or a gate file
  int beam_size_max = 8;       // hypotheses a decoder state holds
};

// Thread-safe after Open.
class Engine {
 public:
  // Errors: kNotFound, kCorrupt (model), kUnsupported (device, family), kInvalidArgument (gates).
  static Result<std::shared_ptr<Engine>> Open(const EngineOptions& options);
  virtual ~Engine() = default;

  virtual const ModelConfig& config() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  virtual const LogMel& log_mel() const = 0;
  virtual const DeviceInfo& device() const = 0;
  virtual int64_t parameter_count() const = 0;
  virtual int64_t weight_file_bytes() const = 0;
  virtual double load_seconds() const = 0;
};

// All devices that this build can use, whether or not a model is there.
std::vector<DeviceInfo> ListDevices();

}  // namespace espalier
