#include "runtime/backend/reference/reference_backend.h"

#include <utility>

#include "runtime/backend/host/host_buffer.h"
#include "runtime/backend/host/host_state.h"
#include "runtime/backend/reference/kernels.h"

namespace espalier {
namespace {

class ReferenceState : public HostState {
 public:
  explicit ReferenceState(std::shared_ptr<const Plan> plan)
      : HostState(*plan), plan_(std::move(plan)) {}

 protected:
  void RunOp(size_t index) override {
    std::visit([this](const auto& op) { reference::Run(op, operands()); }, plan_->ops[index]);
  }

 private:
  std::shared_ptr<const Plan> plan_;
};

class ReferenceExecutable : public Executable {
 public:
  explicit ReferenceExecutable(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}
  const Plan& plan() const override { return *plan_; }
  Result<std::unique_ptr<ExecutionState>> Bind(std::span<Buffer* const> externals) override {
    auto state = std::make_unique<ReferenceState>(plan_);
    ESP_RETURN_IF_ERROR(state->BindSlots(externals));
    return std::unique_ptr<ExecutionState>(std::move(state));
  }

 private:
  std::shared_ptr<const Plan> plan_;
};

class ReferenceBackend : public Backend {
 public:
  const DeviceInfo& info() const override { return info_; }
  Result<std::unique_ptr<Buffer>> Allocate(size_t size_bytes) override {
    return AllocateHostBuffer(size_bytes);
  }
  Status Supports(const Plan& plan) const override { return CheckHostPlan(plan); }
  Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan> plan) override {
    ESP_RETURN_IF_ERROR(plan->Validate());
    ESP_RETURN_IF_ERROR(Supports(*plan));
    return std::shared_ptr<Executable>(std::make_shared<ReferenceExecutable>(std::move(plan)));
  }

 private:
  DeviceInfo info_{.id = "reference",
                   .kind = "cpu",
                   .name = "Reference loops",
                   .detail = "double accumulation, one thread",
                   .memory_bytes = HostMemoryBytes()};
};

}  // namespace

std::unique_ptr<Backend> MakeReferenceBackend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace espalier
