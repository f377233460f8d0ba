// A model on a device: weights, tokenizer, backend, and the plans compiled for it. Shared by
// sessions.
//
// Goals: everything that is immutable or costly to make lives here once per process. Non-goals:
// anything of one stream (inference.h, transcriber.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/base/status.h"
#include "runtime/checkpoint/gate_pack_attach.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/checkpoint/model_files.h"
#include "runtime/features/log_mel.h"
#include "runtime/model/gate_file.h"
#include "runtime/model/plan_cache.h"
#include "runtime/session/gate_option.h"
#include "runtime/text/scripts.h"
#include "runtime/text/tokenizer.h"

namespace espalier {

struct EngineOptions {
  std::string model_folder = {};
  std::optional<ModelFiles> files = {};  // in place of a folder
  std::string device = "cpu";            // as OpenBackend takes it
  int threads = 0;                       // 0: one per core
  std::string gates = "auto";  // as gate_option.h has it: "auto", "all", "budget=0.3", a pack, ...
  std::string gate_pack = {};  // folder of a gate pack to attach; empty: as `gates` says
  std::optional<double> gate_budget = {};  // of the pack; empty: as `gates` says
  int beam_size_max = 8;                   // hypotheses a decoder state holds
  // Instead of `device`: how tests bring a backend of their own.
  std::function<Result<std::unique_ptr<Backend>>()> open_backend = {};
};

// Thread-safe after Open.
class Engine {
 public:
  // Errors: kNotFound, kCorrupt (model, gate pack), kUnsupported (device, family),
  // kInvalidArgument (gates).
  static Result<std::shared_ptr<Engine>> Open(const EngineOptions& options);

  // Did a call fail because the device went away or is full, where the CPU could go on?
  bool CpuMayGoOn(const Status& failure) const;
  // The same model on the CPU, for sessions whose device went away; made on first demand and
  // shared. Errors: kUnsupported when this engine computes on the CPU already.
  Result<std::shared_ptr<Engine>> OnCpu();

  const ModelConfig& config() const { return config_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const LogMel& log_mel() const { return *log_mel_; }
  Backend& backend() const { return *backend_; }
  const DeviceInfo& device() const { return backend_->info(); }
  PlanCache& plans() const { return *plans_; }
  int beam_size_max() const { return beam_size_max_; }
  // The gates the user forced for every context; empty when a gate file's contexts or the model's
  // predictor decide.
  const std::optional<GateMask>& forced_gates() const { return fixed_gates_.everywhere; }
  // The gates that are fixed for a context, forced_gates() among them; null when the predictor
  // decides. Names as Context::language and Context::gate_task_name.
  const GateMask* FindFixedGates(std::string_view language, std::string_view task) const {
    return fixed_gates_.Find(language, task);
  }
  // What a gate pack changed; empty without one.
  const std::optional<AttachedPack>& gate_pack() const { return gate_pack_; }
  // The fingerprint that a gate pack for this model names (checkpoint/fingerprint.h).
  std::string base_fingerprint() const;
  int64_t parameter_count() const { return weights_->parameter_count(); }
  double load_seconds() const { return load_seconds_; }

  // The tokens that texts in `language` are made of (text/scripts.h), for Inference::ScoreOnly;
  // null, which is all, where the scripts are not known or leave nothing out. Made once for each
  // set of scripts.
  std::shared_ptr<const TokenSubset> TokensOf(std::string_view language);
  // The same of Latin alone, which is among every language's: enough to hear a language by.
  std::shared_ptr<const TokenSubset> LatinTokens();

 private:
  Engine() = default;
  Status OpenModel(const EngineOptions& options, const ModelFiles& files);
  Status ChooseGates(const GateRequest& request);
  void UseBackend(std::unique_ptr<Backend> backend);
  std::shared_ptr<const TokenSubset> TokensOf(const Scripts& scripts);

  ModelConfig config_;
  std::shared_ptr<Weights> weights_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  std::shared_ptr<const LogMel> log_mel_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<PlanCache> plans_;
  FixedGates fixed_gates_;
  std::optional<AttachedPack> gate_pack_;
  int beam_size_max_ = 0;
  double load_seconds_ = 0;
  int threads_ = 0;
  std::mutex mutex_;
  std::shared_ptr<Engine> on_cpu_;  // guarded by mutex_
  // By Scripts::name; guarded by mutex_.
  std::map<std::string, std::shared_ptr<const TokenSubset>> token_subsets_;
};

// All devices that this build can use, whether or not a model is there.
std::vector<DeviceInfo> ListDevices();

}  // namespace espalier
