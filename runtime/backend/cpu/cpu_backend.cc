#include "runtime/backend/cpu/cpu_backend.h"

#include <utility>

#include "runtime/backend/cpu/isa.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/host/host_buffer.h"
#include "runtime/backend/host/host_state.h"
#include "runtime/base/env.h"
#include "runtime/base/string_format.h"
#include "runtime/base/thread_pool.h"

namespace espalier {
namespace {

using KernelList = std::vector<std::unique_ptr<cpu::Kernel>>;

class CpuExecutable;

class CpuState : public HostState {
 public:
  CpuState(std::shared_ptr<const CpuExecutable> executable, const Plan& plan,
           const KernelList& kernels, std::unique_ptr<Buffer> scratch,
           const cpu::Workspace& workspace)
      : HostState(plan),
        executable_(std::move(executable)),
        kernels_(kernels),
        scratch_(std::move(scratch)),
        workspace_(workspace) {}

 protected:
  void RunOp(size_t index) override { kernels_[index]->Run(operands(), workspace_); }

 private:
  std::shared_ptr<const CpuExecutable> executable_;  // owns the plan and the kernels
  const KernelList& kernels_;
  std::unique_ptr<Buffer> scratch_;
  cpu::Workspace workspace_;
};

class CpuExecutable : public Executable, public std::enable_shared_from_this<CpuExecutable> {
 public:
  CpuExecutable(std::shared_ptr<const Plan> plan, KernelList kernels, ThreadPool& pool)
      : plan_(std::move(plan)), kernels_(std::move(kernels)), pool_(pool) {
    for (const auto& kernel : kernels_) scratch_size_ = scratch_size_.Max(kernel->Scratch());
    constexpr int64_t kLine = 16;  // floats of a cache line
    scratch_size_.shared = cpu::RoundUp(scratch_size_.shared, kLine);
    scratch_size_.per_worker = cpu::RoundUp(scratch_size_.per_worker, kLine);
  }

  const Plan& plan() const override { return *plan_; }

  Result<std::unique_ptr<ExecutionState>> Bind(std::span<Buffer* const> externals) override {
    const int64_t floats =
        scratch_size_.shared + scratch_size_.per_worker * int64_t{pool_.thread_count()};
    ESP_ASSIGN_OR_RETURN(auto scratch,
                         AllocateHostBuffer(static_cast<size_t>(floats) * sizeof(float)));
    const cpu::Workspace workspace(pool_, reinterpret_cast<float*>(scratch->host()), scratch_size_);
    auto state = std::make_unique<CpuState>(shared_from_this(), *plan_, kernels_,
                                            std::move(scratch), workspace);
    ESP_RETURN_IF_ERROR(state->BindSlots(externals));
    return std::unique_ptr<ExecutionState>(std::move(state));
  }

 private:
  std::shared_ptr<const Plan> plan_;
  KernelList kernels_;
  ThreadPool& pool_;
  cpu::ScratchSize scratch_size_;
};

class CpuBackend : public Backend {
 public:
  CpuBackend(const cpu::Isa& isa, int threads) : isa_(isa), pool_(threads) {
    info_ = {
        .id = "cpu",
        .kind = "cpu",
        .name = "Vector kernels",
        .detail = StrFormat("%s, %d threads", std::string(isa.name).c_str(), pool_.thread_count()),
        .memory_bytes = HostMemoryBytes()};
  }

  const DeviceInfo& info() const override { return info_; }
  Result<std::unique_ptr<Buffer>> Allocate(size_t size_bytes) override {
    return AllocateHostBuffer(size_bytes);
  }
  Status Supports(const Plan& plan) const override { return CheckHostPlan(plan); }
  Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan> plan) override {
    ESP_RETURN_IF_ERROR(plan->Validate());
    ESP_RETURN_IF_ERROR(Supports(*plan));
    const cpu::Preparation preparation{
        .plan = *plan,
        .packed = packed_,
        .pool = pool_,
        .integer_products = isa_.integer_products,
        .rounded_factors = plan->of_i8_model ? isa_.rounded_factors : cpu::RoundedFactors::kNone};
    KernelList kernels;
    for (const Op& op : plan->ops) {
      ESP_ASSIGN_OR_RETURN(kernels.emplace_back(), isa_.make_kernel(op, preparation));
    }
    return std::shared_ptr<Executable>(
        std::make_shared<CpuExecutable>(std::move(plan), std::move(kernels), pool_));
  }

 private:
  const cpu::Isa& isa_;
  ThreadPool pool_;
  cpu::PackedCache packed_;
  DeviceInfo info_;
};

}  // namespace

Result<std::unique_ptr<Backend>> MakeCpuBackend(const CpuOptions& options) {
  std::string name = options.isa;
  const bool from_environment = name.empty();
  if (from_environment) name = GetEnv("ESPALIER_CPU_ISA").value_or("");
  const auto isa = cpu::ChooseIsa(name);
  if (!isa.ok()) {
    return from_environment ? isa.status().WithContext("ESPALIER_CPU_ISA") : isa.status();
  }
  return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(**isa, options.threads));
}

std::vector<std::string_view> CpuIsaNames() {
  std::vector<std::string_view> names;
  for (const cpu::Isa& isa : cpu::Isas()) names.push_back(isa.name);
  return names;
}

}  // namespace espalier
