#include "runtime/backend/vulkan/vulkan_backend.h"

#include <charconv>
#include <utility>

#include "runtime/backend/host/host_state.h"
#include "runtime/backend/vulkan/cache_file.h"
#include "runtime/backend/vulkan/cooperative_check.h"
#include "runtime/backend/vulkan/executable.h"
#include "runtime/base/env.h"
#include "runtime/base/string_format.h"

namespace espalier {
namespace {

using vulkan::PhysicalDevice;

// Buffers up to this size are host memory that shaders reach over the bus: what a decoder step is
// given and what it finds, a few kilobytes, which would otherwise be a staged copy each.
constexpr size_t kMappedBytes = size_t{64} << 10;

const char* KindOf(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "gpu";
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "igpu";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "software";
    default:
      return "other";
  }
}

DeviceInfo InfoOf(const PhysicalDevice& device, size_t index) {
  std::string detail = StrFormat(
      "Vulkan %u.%u, %s, %u KiB shared memory, subgroups of %u",
      VK_API_VERSION_MAJOR(device.api_version), VK_API_VERSION_MINOR(device.api_version),
      device.driver.c_str(), device.limits.maxComputeSharedMemorySize / 1024, device.subgroup_size);
  const vulkan::CooperativeShape& shape = device.cooperative;
  if (shape.present()) {
    detail += StrFormat(", matrix units of %ux%ux%u", shape.m, shape.n, shape.k);
  }
  return {.id = "vulkan:" + std::to_string(index),
          .kind = KindOf(device.type),
          .name = device.name,
          .detail = std::move(detail),
          .uuid = device.uuid,
          .refusal = device.refusal,
          .memory_bytes = device.memory_bytes};
}

// The device that `name` means, as VulkanOptions::device.
Result<size_t> FindDevice(const vulkan::Instance& instance, const std::string& name) {
  const std::string which = name.size() > 7 ? name.substr(7) : "0";  // behind "vulkan:"
  const size_t count = instance.devices().size();
  for (size_t i = 0; i < count; ++i) {
    if (which == instance.devices()[i].uuid) return i;
  }
  size_t index = 0;
  const auto [end, error] = std::from_chars(which.data(), which.data() + which.size(), index);
  if (error == std::errc() && end == which.data() + which.size() && index < count) return index;
  return Unsupported(
      StrFormat("no device %s; there %s vulkan:0%s", name.c_str(), count == 1 ? "is" : "are",
                count == 1 ? "" : (" to vulkan:" + std::to_string(count - 1)).c_str()));
}

// What VulkanOptions::gemm asks for, or the environment.
Result<vulkan::GemmKind> GemmKindOf(VulkanOptions::Gemm wanted) {
  if (wanted != VulkanOptions::Gemm::kByDevice) return static_cast<vulkan::GemmKind>(wanted);
  const std::string name = GetEnv("ESPALIER_VULKAN_PRODUCTS").value_or("");
  if (name.empty()) return vulkan::GemmKind::kByDevice;
  if (name == "direct") return vulkan::GemmKind::kDirect;
  if (name == "tiled") return vulkan::GemmKind::kTiled;
  if (name == "cooperative") return vulkan::GemmKind::kCooperative;
  return InvalidArgument("ESPALIER_VULKAN_PRODUCTS is '" + name +
                         "'; direct, tiled and cooperative are known");
}

class VulkanBackend final : public Backend {
 public:
  static Result<std::unique_ptr<Backend>> Make(const VulkanOptions& options) {
    const bool validation =
        options.validation || GetEnv("ESPALIER_VULKAN_VALIDATION").value_or("0") != "0";
    ESP_ASSIGN_OR_RETURN(auto instance,
                         vulkan::Instance::Create({.loader = options.loader,
                                                   .validation = validation,
                                                   .on_message = options.on_validation_message,
                                                   .adjust_functions = options.adjust_functions}));
    ESP_ASSIGN_OR_RETURN(const size_t index, FindDevice(*instance, options.device));
    std::unique_ptr<VulkanBackend> backend(new VulkanBackend());  // NOLINT: private
    backend->info_ = InfoOf(instance->devices()[index], index);
    ESP_ASSIGN_OR_RETURN(backend->device_, vulkan::Device::Create(std::move(instance), index));
    ESP_RETURN_IF_ERROR(backend->MakeParts(options));
    return std::unique_ptr<Backend>(std::move(backend));
  }

  const DeviceInfo& info() const override { return info_; }

  Result<std::unique_ptr<Buffer>> Allocate(size_t size_bytes) override {
    const auto use =
        size_bytes <= kMappedBytes ? vulkan::MemoryUse::kHost : vulkan::MemoryUse::kDevice;
    ESP_ASSIGN_OR_RETURN(auto memory, memory_->Allocate(size_bytes, use));
    ESP_RETURN_IF_ERROR(transfer_->Clear(memory));
    return std::unique_ptr<Buffer>(
        std::make_unique<vulkan::DeviceBuffer>(std::move(memory), transfer_.get()));
  }

  Status Supports(const Plan& plan) const override {
    const int64_t largest = device_->physical().limits.maxStorageBufferRange;
    for (const Slot& slot : plan.slots) {
      if (plan.MaxBytes(slot) <= largest) continue;
      return Unsupported(StrFormat("%s: slot %s has %lld bytes, a storage buffer holds %lld",
                                   plan.name.c_str(), slot.name.c_str(),
                                   static_cast<long long>(plan.MaxBytes(slot)),
                                   static_cast<long long>(largest)));
    }
    return CheckHostPlan(plan);  // the same storage types of weights
  }

  Result<std::shared_ptr<Executable>> Compile(std::shared_ptr<const Plan> plan) override {
    ESP_RETURN_IF_ERROR(plan->Validate());
    ESP_RETURN_IF_ERROR(Supports(*plan));
    return vulkan::VulkanExecutable::Compile(context(), std::move(plan));
  }

  DeviceCounters counters() const override {
    const vulkan::Counters& counters = device_->counters();
    return {.dispatches = counters.dispatches,
            .barriers = counters.barriers,
            .submits = counters.submits,
            .command_buffers = counters.command_buffers,
            .descriptor_writes = counters.descriptor_writes,
            .written_bytes = counters.written_bytes,
            .read_bytes = counters.read_bytes,
            .memory_bytes = counters.memory_bytes,
            .reserved_bytes = counters.reserved_bytes};
  }

 private:
  VulkanBackend() = default;

  vulkan::Context context() const {
    return {.device = *device_,
            .memory = *memory_,
            .transfer = *transfer_,
            .pipelines = *pipelines_,
            .weights = *weights_,
            .tuning = tuning_};
  }

  Status MakeParts(const VulkanOptions& options) {
    const PhysicalDevice& physical = device_->physical();
    memory_ = std::make_unique<vulkan::MemoryPool>(device_.get(), options.separate_memory);
    ESP_ASSIGN_OR_RETURN(transfer_, vulkan::Transfer::Create(device_.get(), memory_.get()));
    const std::string folder =
        options.cache_folder.empty() ? vulkan::CacheFolder() : options.cache_folder;
    ESP_ASSIGN_OR_RETURN(pipelines_, vulkan::Pipelines::Create(device_.get(), folder));
    const int64_t largest_bytes = options.largest_weight_bytes > 0
                                      ? options.largest_weight_bytes
                                      : physical.limits.maxStorageBufferRange;
    weights_ = std::make_unique<vulkan::WeightStore>(memory_.get(), transfer_.get(), largest_bytes);
    ESP_ASSIGN_OR_RETURN(const vulkan::GemmKind gemm, GemmKindOf(options.gemm));
    tuning_ = vulkan::TuningOf(physical, gemm);
    if (tuning_.cooperative.present()) UseCooperativeIfRight();
    return OkStatus();
  }

  void UseCooperativeIfRight() {
    const std::string wrong = vulkan::CheckCooperative(context());
    info_.detail += wrong.empty() ? " in use" : " not used: " + wrong;
    if (!wrong.empty()) tuning_.cooperative = {};
  }

  // In the order in which they are made; destroyed in reverse.
  std::unique_ptr<vulkan::Device> device_;
  std::unique_ptr<vulkan::MemoryPool> memory_;
  std::unique_ptr<vulkan::Transfer> transfer_;
  std::unique_ptr<vulkan::Pipelines> pipelines_;
  std::unique_ptr<vulkan::WeightStore> weights_;
  vulkan::Tuning tuning_;
  DeviceInfo info_;
};

}  // namespace

Result<std::unique_ptr<Backend>> MakeVulkanBackend(const VulkanOptions& options) {
  return VulkanBackend::Make(options);
}

std::vector<DeviceInfo> ListVulkanDevices(const std::string& loader) {
  const auto instance = vulkan::Instance::Create({.loader = loader});
  if (!instance.ok()) {
    return {{.id = "vulkan",
             .kind = "gpu",
             .name = "Vulkan",
             .detail = "",
             .refusal = instance.status().message()}};
  }
  std::vector<DeviceInfo> devices;
  for (size_t i = 0; i < (*instance)->devices().size(); ++i) {
    devices.push_back(InfoOf((*instance)->devices()[i], i));
  }
  return devices;
}

}  // namespace espalier
