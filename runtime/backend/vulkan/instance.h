// The Vulkan loader and what it finds: physical devices, each checked against what the shaders
// need.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "runtime/backend/vulkan/functions.h"
#include "runtime/backend/vulkan/physical_device.h"

namespace espalier::vulkan {

struct InstanceOptions {
  std::string loader = "libvulkan.so.1";
  // Loads the validation layer with synchronisation validation when it is installed. Its messages
  // are kept; the backend turns them into errors.
  bool validation = false;
  std::function<void(const std::string&)> on_message = {};  // of the validation layer
  std::function<void(Functions*)> adjust_functions = {};    // called when all are loaded
};

// Thread-safe.
class Instance {
 public:
  // Errors: kUnsupported (no loader, no driver), kExhausted.
  static Result<std::shared_ptr<Instance>> Create(const InstanceOptions& options);
  ~Instance();
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  const Functions& functions() const { return functions_; }
  VkInstance handle() const { return handle_; }
  std::span<const PhysicalDevice> devices() const { return devices_; }
  const InstanceOptions& options() const { return options_; }
  // True when the validation layer was asked for and is there.
  bool validates() const { return messenger_ != VK_NULL_HANDLE; }

  // kInternal with the first message of the validation layer, if it said anything yet.
  Status CheckValidation() const;
  void AddValidationMessage(const char* message);  // for the layer's callback
  // Never destroys the handle: a device of it may still be at work.
  void Keep() { kept_.store(true, std::memory_order_relaxed); }

 private:
  explicit Instance(InstanceOptions options) : options_(std::move(options)) {}
  Status CreateHandle();
  Status CreateMessenger();
  Status FindDevices();

  InstanceOptions options_;
  Functions functions_;
  VkInstance handle_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  std::vector<PhysicalDevice> devices_;
  std::atomic<bool> kept_ = false;
  mutable std::mutex mutex_;
  std::string first_message_;  // guarded by mutex_
};

}  // namespace espalier::vulkan
