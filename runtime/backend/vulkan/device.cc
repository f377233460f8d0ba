#include "runtime/backend/vulkan/device.h"

#include "runtime/base/string_format.h"

namespace espalier::vulkan {
namespace {

// Longer than any command buffer takes (PlaceBarriers cuts them), lavapipe on a busy machine
// included.
constexpr uint64_t kTimeoutNs = 120'000'000'000;

}  // namespace

Result<std::unique_ptr<Device>> Device::Create(std::shared_ptr<Instance> instance, size_t index) {
  const PhysicalDevice& physical = instance->devices()[index];
  if (!physical.refusal.empty()) {
    return Unsupported(StrFormat("vulkan:%zu (%s) cannot be used: %s", index, physical.name.c_str(),
                                 physical.refusal.c_str()));
  }
  std::unique_ptr<Device> device(new Device(std::move(instance), physical));  // NOLINT: private
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue = {};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = physical.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  CooperativeFeatures features(/*wanted=*/true);
  if (physical.cooperative.present()) {
    info.pNext = features.chain();
    info.enabledExtensionCount = kCooperativeExtensions.size();
    info.ppEnabledExtensionNames = kCooperativeExtensions.data();
  }
  Functions& vk = device->functions_;
  ESP_VK_RETURN_IF_ERROR(vk.CreateDevice(physical.handle, &info, nullptr, &device->handle_),
                         "Vulkan device");
  ESP_RETURN_IF_ERROR(LoadDeviceFunctions(device->handle_, &vk));
  vk.GetDeviceQueue(device->handle_, physical.queue_family, 0, &device->queue_);
  const auto& adjust = device->instance_->options().adjust_functions;
  if (adjust) adjust(&vk);
  return device;
}

Device::~Device() {
  if (silent()) {
    instance_->Keep();
  } else if (handle_ != VK_NULL_HANDLE && functions_.DestroyDevice != nullptr) {
    functions_.DestroyDevice(handle_, nullptr);
  }
}

Status Device::Fail(VkResult result, const char* what) {
  if (result == VK_ERROR_DEVICE_LOST || result == VK_TIMEOUT) {
    if (result == VK_TIMEOUT) silent_.store(true, std::memory_order_relaxed);
    lost_.store(true, std::memory_order_relaxed);
    return Status(StatusCode::kDeviceLost,
                  physical_.name + ": " + what + ": " + ResultName(result));
  }
  return ResultStatus(result, physical_.name + ": " + what);
}

Status Device::SubmitAndWait(VkCommandBuffer commands, VkFence fence) {
  ESP_RETURN_IF_ERROR(Submit(commands, fence));
  return Wait(fence);
}

Status Device::Submit(VkCommandBuffer commands, VkFence fence) {
  if (lost()) return Status(StatusCode::kDeviceLost, physical_.name + ": the device was lost");
  VkSubmitInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.commandBufferCount = 1;
  info.pCommandBuffers = &commands;
  VkResult result = VK_SUCCESS;
  {
    const std::lock_guard<std::mutex> lock(queue_mutex_);
    result = functions_.QueueSubmit(queue_, 1, &info, fence);
  }
  if (result != VK_SUCCESS) return Fail(result, "submit");
  ++counters_.submits;
  return OkStatus();
}

Status Device::Wait(VkFence fence) {
  if (silent()) return Status(StatusCode::kDeviceLost, physical_.name + ": gives no answer");
  VkResult result = functions_.WaitForFences(handle_, 1, &fence, VK_TRUE, kTimeoutNs);
  if (result != VK_SUCCESS) return Fail(result, "wait");
  result = functions_.ResetFences(handle_, 1, &fence);
  if (result != VK_SUCCESS) return Fail(result, "fence");
  return instance_->CheckValidation();
}

Result<VkFence> Device::MakeFence() {
  VkFenceCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  VkFence fence = VK_NULL_HANDLE;
  ESP_VK_RETURN_IF_ERROR(functions_.CreateFence(handle_, &info, nullptr, &fence), "fence");
  return fence;
}

Result<VkCommandPool> Device::MakeCommandPool() {
  VkCommandPoolCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  info.queueFamilyIndex = physical_.queue_family;
  VkCommandPool pool = VK_NULL_HANDLE;
  ESP_VK_RETURN_IF_ERROR(functions_.CreateCommandPool(handle_, &info, nullptr, &pool),
                         "command pool");
  return pool;
}

}  // namespace espalier::vulkan
