// A logical device with its one queue: submits, waits, and remembers when the device was lost.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "runtime/backend/vulkan/counters.h"
#include "runtime/backend/vulkan/instance.h"

namespace espalier::vulkan {

// Thread-safe. Everything made from it must be gone before it.
class Device {
 public:
  // Errors: kUnsupported (the device's refusal), kExhausted, kDeviceLost.
  static Result<std::unique_ptr<Device>> Create(std::shared_ptr<Instance> instance, size_t index);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const Functions& functions() const { return functions_; }
  const Instance& instance() const { return *instance_; }
  const PhysicalDevice& physical() const { return physical_; }
  VkDevice handle() const { return handle_; }
  Counters& counters() { return counters_; }

  // True from the first VK_ERROR_DEVICE_LOST or unanswered wait on; every later submit fails.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }

  // Calls a vkDestroy or vkFree function unless the handle is null or the device owes an answer: it
  // may still be at work on what it was given, which is then left to it for good.
  template <typename Handle>
  void Destroy(void(VKAPI_PTR* function)(VkDevice, Handle, const VkAllocationCallbacks*),
               Handle handle) const {
    if (handle != VK_NULL_HANDLE && !silent()) function(handle_, handle, nullptr);
  }

  // Runs the command buffer. `fence`: the caller's, unsignalled before Submit and after Wait, which
  // waits until the work is done. Errors: kDeviceLost, also when the device gives no answer in
  // kTimeout; kExhausted.
  Status Submit(VkCommandBuffer commands, VkFence fence);
  Status Wait(VkFence fence);
  Status SubmitAndWait(VkCommandBuffer commands, VkFence fence);

  Result<VkFence> MakeFence();
  Result<VkCommandPool> MakeCommandPool();

 private:
  Device(std::shared_ptr<Instance> instance, const PhysicalDevice& physical)
      : instance_(std::move(instance)), functions_(instance_->functions()), physical_(physical) {}
  Status Fail(VkResult result, const char* what);
  // True from the first unanswered wait on.
  bool silent() const { return silent_.load(std::memory_order_relaxed); }

  std::shared_ptr<Instance> instance_;
  Functions functions_;
  PhysicalDevice physical_;
  VkDevice handle_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  std::mutex queue_mutex_;
  std::atomic<bool> lost_ = false;
  std::atomic<bool> silent_ = false;
  Counters counters_;
};

}  // namespace espalier::vulkan
