// A gate pack: gate predictors and weight changes for a model that people already have, as a folder
// of gate_pack.json and gate_pack.safetensors (docs/gates.md has the format).
//
// Goals: nothing of a pack is used before it was checked, against itself and against its base.
// Non-goals: training, choosing gates (session/gate_look.h).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/checkpoint/safetensors.h"

namespace espalier {

// The files of a pack, and the folder of a model's own one inside the model's.
inline constexpr char kGatePackConfigFile[] = "gate_pack.json";
inline constexpr char kGatePackTensorFile[] = "gate_pack.safetensors";
inline constexpr char kOwnGatePack[] = "gate_pack";

// One trained predictor: `value` of the gates (or of their cost) are meant to be closed.
struct GateBudget {
  std::string name;    // as written: "0.3"
  double value = 0.0;  // 0 to 1
  std::string prefix;  // of its tensors' names
};

struct GatePackConfig {
  ModelFamily family = ModelFamily::kWhisper;
  std::string base_name;            // for messages
  std::string fingerprint;          // of the base's weights
  GateConfig gate;                  // tensor_prefix: the default budget's
  std::vector<GateBudget> budgets;  // by ascending value, at least one
  size_t default_budget = 0;        // index into budgets
  std::optional<TrueLengthConfig> true_length;
  std::string license;  // may be empty, as recipe
  std::string recipe;
};

// gate_pack.json. Errors: kCorrupt, kUnsupported (another format or version, a variant that is not
// implemented); the message names file and field.
Result<GatePackConfig> ReadGatePackConfig(const JsonFields& root);

// The budget `value` (within 1e-6), or the default one. Errors: kInvalidArgument with the list.
Result<const GateBudget*> FindBudget(const GatePackConfig& config, std::optional<double> value);

// Whether `folder` is one.
bool IsGatePack(const std::string& folder);

// An open pack. Immutable.
class GatePack {
 public:
  // Errors: kNotFound (no folder, a file missing), those of ReadGatePackConfig and
  // SafetensorsFile::Open.
  static Result<std::unique_ptr<GatePack>> Open(const std::string& folder);

  const std::string& folder() const { return folder_; }
  const GatePackConfig& config() const { return config_; }
  const SafetensorsFile& tensors() const { return *tensors_; }

 private:
  GatePack() = default;

  std::string folder_;
  GatePackConfig config_;
  std::unique_ptr<SafetensorsFile> tensors_;
};

}  // namespace espalier
