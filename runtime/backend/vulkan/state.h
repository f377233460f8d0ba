// One session's run of a Vulkan executable: recorded when it is made, submitted again ever after.
#pragma once

#include <memory>
#include <vector>

#include "runtime/backend/vulkan/executable.h"
#include "runtime/backend/vulkan/recorder.h"

namespace espalier::vulkan {

class VulkanState final : public ExecutionState {
 public:
  // Errors: kInternal (a buffer is missing, too small or another backend's), kExhausted.
  static Result<std::unique_ptr<ExecutionState>> Create(
      std::shared_ptr<const VulkanExecutable> executable, std::span<Buffer* const> externals);

  Status Run(std::span<const int32_t> lengths, const std::stop_token& stop) override;
  Result<std::vector<float>> ReadTap(const Tap& tap) const override;

 private:
  struct Recording {
    std::vector<VkCommandBuffer> segments;
    size_t groups_offset = 0;  // of its group counts in parameters_
  };

  VulkanState(std::shared_ptr<const VulkanExecutable> executable,
              std::span<Buffer* const> externals);
  Status CheckExternals() const;
  Status AllocateMemory();
  Status RecordAll();
  BufferRange RangeOf(const Binding& binding) const;
  std::vector<SetContents> ContentsOf(const Program& program) const;
  void WriteParameters(const Program& program, const Recording& recording);
  const Allocation& MemoryOf(int32_t external) const;

  std::shared_ptr<const VulkanExecutable> executable_;  // owns the plan and the weights
  std::vector<DeviceBuffer*> externals_;                // null: missing or another backend's
  std::vector<int32_t> lengths_;
  Allocation arena_;
  Allocation parameters_;  // the lengths, then every program's group counts
  std::unique_ptr<DescriptorSets> sets_;
  std::unique_ptr<Recorder> recorder_;
  std::vector<Recording> recordings_;  // by program
  struct FenceOwner {
    Device* device = nullptr;
    VkFence fence = VK_NULL_HANDLE;
    ~FenceOwner();
  } fence_;
};

}  // namespace espalier::vulkan
