// A plan compiled for a Vulkan device: pipelines made, weights uploaded, dispatches listed.
#pragma once

#include <memory>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/backend/vulkan/device_buffer.h"
#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

// What an executable and its states use; the backend owns it and outlives them.
struct Context {
  Device& device;
  MemoryPool& memory;
  Transfer& transfer;
  Pipelines& pipelines;
  WeightStore& weights;
  Tuning tuning;
};

class VulkanExecutable final : public Executable,
                               public std::enable_shared_from_this<VulkanExecutable> {
 public:
  // Errors: kUnsupported, kExhausted, kDeviceLost.
  static Result<std::shared_ptr<Executable>> Compile(const Context& context,
                                                     std::shared_ptr<const Plan> plan);

  const Plan& plan() const override { return *plan_; }
  Result<std::unique_ptr<ExecutionState>> Bind(std::span<Buffer* const> externals) override;

  const Context& context() const { return context_; }
  // By rising row counts; the last one fits every run.
  const std::vector<Program>& programs() const { return programs_; }

 private:
  VulkanExecutable(const Context& context, std::shared_ptr<const Plan> plan)
      : context_(context), plan_(std::move(plan)) {}
  Status AddProgram(std::vector<int32_t> most_rows);

  Context context_;
  std::shared_ptr<const Plan> plan_;
  std::vector<std::shared_ptr<const DeviceWeight>> weights_;
  std::vector<Program> programs_;
};

}  // namespace espalier::vulkan
