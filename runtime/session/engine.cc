#include "runtime/session/engine.h"

#include "runtime/backend/registry.h"
#include "runtime/base/clock.h"
#include "runtime/checkpoint/tensor_store.h"
#include "runtime/text/sentencepiece_tokenizer.h"
#include "runtime/text/whisper_tokenizer.h"

namespace espalier {
namespace {

// Plans of a handful of contexts; each is a few kilobytes beside its packed weights.
constexpr size_t kPlanCacheCapacity = 64;
constexpr size_t kMaxTokenizerBytes = 64 << 20;

// The mel filterbank: OWSM stores its own, Whisper's is Slaney's.
Result<std::unique_ptr<LogMel>> MakeLogMel(const ModelConfig& config, const Weights& weights) {
  const FrontendConfig& f = config.frontend;
  const bool owsm = config.family == ModelFamily::kOwsm;
  LogMelConfig mel;
  mel.sample_rate = f.sample_rate;
  mel.n_fft = f.n_fft;
  mel.win_length = f.win_length;
  mel.hop_length = f.hop_length;
  mel.mel_count = f.mel_count;
  mel.scale = owsm ? LogMelScale::kNaturalLog : LogMelScale::kLog10;
  if (!owsm) return LogMel::Create(mel, SlaneyMelFilterbank(f.sample_rate, f.n_fft, f.mel_count));
  ESP_ASSIGN_OR_RETURN(const Weight stored,
                       weights.Matrix("frontend.logmel.melmat", f.n_fft / 2 + 1, f.mel_count));
  return LogMel::Create(mel, Weights::Values(stored));
}

Result<std::unique_ptr<Tokenizer>> MakeTokenizer(const ModelConfig& config,
                                                 const ModelFiles& files) {
  const bool whisper = config.family == ModelFamily::kWhisper;
  const std::string& file =
      whisper ? config.whisper->tokenizer_file : config.owsm->sentencepiece_file;
  ESP_ASSIGN_OR_RETURN(const std::string bytes, files.Read(file, kMaxTokenizerBytes));
  if (whisper) return ParseWhisperTokenizer(bytes, files.PathOf(file));
  return ParseSentencePieceTokenizer(bytes, files.PathOf(file), config.owsm->token_list,
                                     config.owsm->unk_id);
}

}  // namespace

Result<std::shared_ptr<Engine>> Engine::Open(const EngineOptions& options) {
  const Stopwatch watch;
  std::shared_ptr<Engine> engine(new Engine());
  const ModelFiles files =
      options.files ? *options.files : ModelFiles::OfFolder(options.model_folder);
  ESP_RETURN_IF_ERROR(engine->OpenModel(options, files));
  ESP_ASSIGN_OR_RETURN(engine->log_mel_, MakeLogMel(engine->config_, *engine->weights_));
  ESP_ASSIGN_OR_RETURN(engine->tokenizer_, MakeTokenizer(engine->config_, files));
  if (engine->tokenizer_->vocabulary_size() > engine->config_.vocabulary_size) {
    return Corrupt(files.place() + ": the tokenizer has more tokens than the model");
  }
  ESP_ASSIGN_OR_RETURN(
      std::unique_ptr<Backend> backend,
      options.open_backend ? options.open_backend() : OpenBackend(options.device, options.threads));
  engine->threads_ = options.threads;
  engine->UseBackend(std::move(backend));
  engine->beam_size_max_ = options.beam_size_max;
  engine->load_seconds_ = watch.Seconds();
  return engine;
}

// Configuration and weights, as the model's files and a gate pack say, and which gates.
Status Engine::OpenModel(const EngineOptions& options, const ModelFiles& files) {
  ESP_ASSIGN_OR_RETURN(config_, LoadModelConfig(files));
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<TensorStore> store, TensorStore::Open(files));
  ESP_ASSIGN_OR_RETURN(GateRequest request, ReadGateOption(options.gates, options.model_folder));
  if (!options.gate_pack.empty()) request.pack = options.gate_pack;
  if (options.gate_budget) request.budget = options.gate_budget;
  if (!request.pack.empty()) {
    ESP_ASSIGN_OR_RETURN(const std::unique_ptr<GatePack> pack, GatePack::Open(request.pack));
    ESP_ASSIGN_OR_RETURN(
        gate_pack_, AttachGatePack(*pack, {.budget = request.budget, .threads = options.threads},
                                   &config_, store.get()));
  }
  weights_ = std::make_shared<Weights>(std::move(store));
  return ChooseGates(request);
}

Status Engine::ChooseGates(const GateRequest& request) {
  if (!request.file.empty()) {
    ESP_ASSIGN_OR_RETURN(fixed_gates_, LoadGateFile(request.file, config_));
  } else if (request.all_open || !config_.gate) {
    fixed_gates_.everywhere = AllOpen(config_);
  }
  return OkStatus();
}

std::string Engine::base_fingerprint() const { return weights_->BaseFingerprint(config_); }

void Engine::UseBackend(std::unique_ptr<Backend> backend) {
  backend_ = std::move(backend);
  plans_ = std::make_unique<PlanCache>(&config_, weights_, backend_.get(), kPlanCacheCapacity);
}

bool Engine::CpuMayGoOn(const Status& failure) const {
  const bool device_failed =
      failure.code() == StatusCode::kDeviceLost || failure.code() == StatusCode::kExhausted;
  return device_failed && device().id != "cpu";
}

Result<std::shared_ptr<Engine>> Engine::OnCpu() {
  if (device().id == "cpu") return Unsupported("this engine computes on the CPU already");
  const std::lock_guard<std::mutex> lock(mutex_);
  if (on_cpu_ != nullptr) return on_cpu_;
  std::shared_ptr<Engine> engine(new Engine());
  engine->config_ = config_;
  engine->weights_ = weights_;
  engine->tokenizer_ = tokenizer_;
  engine->log_mel_ = log_mel_;
  engine->fixed_gates_ = fixed_gates_;
  engine->gate_pack_ = gate_pack_;
  engine->beam_size_max_ = beam_size_max_;
  engine->load_seconds_ = load_seconds_;
  engine->threads_ = threads_;
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<Backend> backend, OpenBackend("cpu", threads_));
  engine->UseBackend(std::move(backend));
  on_cpu_ = engine;
  return engine;
}

std::shared_ptr<const TokenSubset> Engine::TokensOf(std::string_view language) {
  const std::optional<Scripts> scripts = Scripts::Of(language);
  return scripts ? TokensOf(*scripts) : nullptr;
}

std::shared_ptr<const TokenSubset> Engine::LatinTokens() { return TokensOf(Scripts()); }

std::shared_ptr<const TokenSubset> Engine::TokensOf(const Scripts& scripts) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [found, is_new] = token_subsets_.try_emplace(scripts.name());
  if (is_new) {
    std::vector<int32_t> ids = TokensIn(scripts, *tokenizer_, config_.vocabulary_size);
    if (std::ssize(ids) < config_.vocabulary_size) {
      found->second =
          std::make_shared<const TokenSubset>(TokenSubset{scripts.name(), std::move(ids)});
    }
  }
  return found->second;
}

std::vector<DeviceInfo> ListDevices() { return ListBackendDevices(); }

}  // namespace espalier
