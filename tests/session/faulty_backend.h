// The CPU backend under another name, one of whose runs or allocations fails.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "runtime/backend/cpu/cpu_backend.h"

namespace espalier {

// Shared by the backend, its executables and their states. Counts down to the call that fails.
struct Fault {
  int runs_left = -1;         // 0: the next run is the last thing the device does; below 0: never
  int allocations_left = -1;  // 0: the next allocation fails
  int run_count = 0;
  bool lost = false;
  std::function<void()> before_run = {};  // how tests stop what is being computed

  Status OnRun() {
    ++run_count;
    if (before_run) before_run();
    if (runs_left >= 0 && runs_left-- == 0) lost = true;
    return lost ? Status(StatusCode::kDeviceLost, "the faulty device is gone") : OkStatus();
  }
};

class FaultyState final : public ExecutionState {
 public:
  FaultyState(std::unique_ptr<ExecutionState> state, std::shared_ptr<Fault> fault)
      : state_(std::move(state)), fault_(std::move(fault)) {}
  Status Run(std::span<const int32_t> lengths, const std::stop_token& stop) override {
    ESP_RETURN_IF_ERROR(fault_->OnRun());
    return state_->Run(lengths, stop);
  }
  Result<std::vector<float>> ReadTap(const Tap& tap) const override { return state_->ReadTap(tap); }

 private:
  std::unique_ptr<ExecutionState> state_;
  std::shared_ptr<Fault> fault_;
};

class FaultyExecutable final : public Executable {
 public:
  FaultyExecutable(std::shared_ptr<Executable> executable, std::shared_ptr<Fault> fault)
      : executable_(std::move(executable)), fault_(std::move(fault)) {}
  const Plan& plan() const override { return executable_->plan(); }
  Result<std::unique_ptr<ExecutionState>> Bind(std::span<Buffer* const> externals) override {
    ESP_ASSIGN_OR_RETURN(auto state, executable_->Bind(externals));
    return std::unique_ptr<ExecutionState>(std::make_unique<FaultyState>(std::move(state), fault_));
  }

 private:
  std::shared_ptr<Executable> executable_;
  std::shared_ptr<Fault> fault_;
};

class FaultyBackend final : public Backend {
 public:
  // For EngineOptions::open_backend.
  static Result<std::unique_ptr<Backend>> Make(std::shared_ptr<Fault> fault) {
    ESP_ASSIGN_OR_RETURN(auto cpu, MakeCpuBackend({.threads = 1}));
    std::unique_ptr<FaultyBackend> backend(new FaultyBackend());  // NOLINT: private
    backend->cpu_ = std::move(cpu);
    backend->fault_ = std::move(fault);
    return std::unique_ptr<Backend>(std::move(backend));
  }

  const DeviceInfo& info() const override { return info_; }
  Result<std::unique_ptr<Buffer>> Allocate(size_t size_bytes) override {
    if (fault_->allocations_left >= 0 && fault_->allocations_left-- == 0) {
      return Exhausted("the faulty device is full");
    }
    return cpu_->Allocate(size_bytes);
  }
  Status Supports(const Plan& plan) const override { return cpu_->Supports(plan); }
  Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan> plan) override {
    ESP_ASSIGN_OR_RETURN(auto executable, cpu_->Compile(std::move(plan)));
    return std::shared_ptr<Executable>(
        std::make_shared<FaultyExecutable>(std::move(executable), fault_));
  }

 private:
  FaultyBackend() = default;

  std::unique_ptr<Backend> cpu_;
  std::shared_ptr<Fault> fault_;
  DeviceInfo info_{.id = "faulty:0", .kind = "gpu", .name = "Faulty", .detail = ""};
};

}  // namespace espalier
