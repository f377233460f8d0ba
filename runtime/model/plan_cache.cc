#include "runtime/model/plan_cache.h"

#include <algorithm>

namespace espalier {
namespace {

void AppendGates(const GateTable& table, std::string* key) {
  for (const uint8_t open : table.open) *key += open != 0 ? '1' : '0';
}

// Only what the stage's plan depends on: the stem is the same for all gates.
std::string KeyOf(Stage stage, const StageOptions& options) {
  std::string key = std::to_string(static_cast<int>(stage)) + (options.taps ? "t" : "-");
  if (stage == Stage::kEncoder) AppendGates(options.gates.encoder, &key);
  if (stage == Stage::kSource || stage == Stage::kDecoder) AppendGates(options.gates.decoder, &key);
  if (stage == Stage::kDecoder) {
    key += "x" + std::to_string(options.lane_count) + (options.all_logits ? "a" : "-") +
           (options.alignment ? "w" : "-") + "c" + std::to_string(options.ctc_candidates) + "h";
    for (const auto& [layer, head] : options.alignment_heads) {
      key += std::to_string(layer) + "." + std::to_string(head) + ",";
    }
    if (options.tokens != nullptr) key += "o" + options.tokens->name;
  }
  return key;
}

}  // namespace

PlanCache::PlanCache(const ModelConfig* config, std::shared_ptr<const Weights> weights,
                     Backend* backend, size_t capacity)
    : config_(config), weights_(std::move(weights)), backend_(backend), capacity_(capacity) {}

Result<std::shared_ptr<Executable>> PlanCache::Get(Stage stage, const StageOptions& options) {
  const std::string key = KeyOf(stage, options);
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(recent_.begin(), recent_.end(),
                                  [&key](const auto& entry) { return entry.first == key; });
  if (found != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, found);
    return recent_.front().second;
  }
  ESP_ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan, Build(stage, options));
  ESP_RETURN_IF_ERROR(backend_->Supports(*plan));
  ESP_ASSIGN_OR_RETURN(std::shared_ptr<Executable> executable, backend_->Compile(plan));
  ++compile_count_;
  recent_.emplace_front(key, executable);
  if (recent_.size() > capacity_) recent_.pop_back();
  return executable;
}

Result<std::shared_ptr<const Plan>> PlanCache::Build(Stage stage,
                                                     const StageOptions& options) const {
  return BuildStage(stage, *config_, weights_, options);
}

size_t PlanCache::size() const {
  const std::lock_guard lock(mutex_);
  return recent_.size();
}

int64_t PlanCache::compile_count() const {
  const std::lock_guard lock(mutex_);
  return compile_count_;
}

}  // namespace espalier
