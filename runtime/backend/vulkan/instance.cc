#include "runtime/backend/vulkan/instance.h"

#include <array>
#include <cstring>

#include "runtime/base/string_format.h"

namespace espalier::vulkan {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

VKAPI_ATTR VkBool32 VKAPI_CALL OnMessage(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                         VkDebugUtilsMessageTypeFlagsEXT,
                                         const VkDebugUtilsMessengerCallbackDataEXT* data,
                                         void* instance) {
  static_cast<Instance*>(instance)->AddValidationMessage(data->pMessage);
  return VK_FALSE;
}

bool HasLayer(const Functions& vk, const char* name) {
  uint32_t count = 0;
  if (vk.EnumerateInstanceLayerProperties(&count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkLayerProperties> layers(count);
  if (vk.EnumerateInstanceLayerProperties(&count, layers.data()) != VK_SUCCESS) return false;
  for (const VkLayerProperties& layer : layers) {
    if (std::strcmp(layer.layerName, name) == 0) return true;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<Instance>> Instance::Create(const InstanceOptions& options) {
  std::shared_ptr<Instance> instance(new Instance(options));  // NOLINT: the constructor is private
  ESP_RETURN_IF_ERROR(LoadGlobalFunctions(options.loader, &instance->functions_));
  ESP_RETURN_IF_ERROR(instance->CreateHandle());
  ESP_RETURN_IF_ERROR(LoadInstanceFunctions(instance->handle_, &instance->functions_));
  ESP_RETURN_IF_ERROR(instance->FindDevices());
  return instance;
}

Instance::~Instance() {
  if (handle_ == VK_NULL_HANDLE || functions_.DestroyInstance == nullptr || kept_) return;
  if (messenger_ != VK_NULL_HANDLE) {
    const auto destroy = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
        functions_.GetInstanceProcAddr(handle_, "vkDestroyDebugUtilsMessengerEXT"));
    if (destroy != nullptr) destroy(handle_, messenger_, nullptr);
  }
  functions_.DestroyInstance(handle_, nullptr);
}

Status Instance::CreateHandle() {
  uint32_t version = VK_API_VERSION_1_0;
  ESP_VK_RETURN_IF_ERROR(functions_.EnumerateInstanceVersion(&version), "Vulkan version");
  if (version < VK_API_VERSION_1_1) return Unsupported("the Vulkan loader knows only Vulkan 1.0");
  VkApplicationInfo application = {};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "espalier";
  application.apiVersion = version < VK_API_VERSION_1_2 ? VK_API_VERSION_1_1 : VK_API_VERSION_1_2;

  const bool validate = options_.validation && HasLayer(functions_, kValidationLayer);
  const std::array layers{kValidationLayer};
  const std::array extensions{VK_EXT_DEBUG_UTILS_EXTENSION_NAME};
  const std::array enabled{VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT};
  VkValidationFeaturesEXT features = {};
  features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
  features.enabledValidationFeatureCount = enabled.size();
  features.pEnabledValidationFeatures = enabled.data();

  VkInstanceCreateInfo info = {};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  if (validate) {
    info.pNext = &features;
    info.enabledLayerCount = layers.size();
    info.ppEnabledLayerNames = layers.data();
    info.enabledExtensionCount = extensions.size();
    info.ppEnabledExtensionNames = extensions.data();
  }
  const VkResult result = functions_.CreateInstance(&info, nullptr, &handle_);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) return Unsupported("no Vulkan driver is installed");
  ESP_VK_RETURN_IF_ERROR(result, "Vulkan instance");
  return validate ? CreateMessenger() : OkStatus();
}

Status Instance::CreateMessenger() {
  const auto create = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      functions_.GetInstanceProcAddr(handle_, "vkCreateDebugUtilsMessengerEXT"));
  if (create == nullptr) return Unsupported("the validation layer has no debug messenger");
  VkDebugUtilsMessengerCreateInfoEXT info = {};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
  // "General" is the loader's: which driver files it could not open.
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = OnMessage;
  info.pUserData = this;
  ESP_VK_RETURN_IF_ERROR(create(handle_, &info, nullptr, &messenger_), "debug messenger");
  return OkStatus();
}

Status Instance::FindDevices() {
  uint32_t count = 0;
  ESP_VK_RETURN_IF_ERROR(functions_.EnumeratePhysicalDevices(handle_, &count, nullptr),
                         "Vulkan devices");
  std::vector<VkPhysicalDevice> handles(count);
  ESP_VK_RETURN_IF_ERROR(functions_.EnumeratePhysicalDevices(handle_, &count, handles.data()),
                         "Vulkan devices");
  for (uint32_t i = 0; i < count; ++i) {
    devices_.push_back(DescribeDevice(functions_, handles[i]));
  }
  if (devices_.empty()) return Unsupported("the Vulkan drivers found no device");
  return OkStatus();
}

void Instance::AddValidationMessage(const char* message) {
  if (options_.on_message) options_.on_message(message);
  const std::lock_guard<std::mutex> lock(mutex_);
  if (first_message_.empty()) first_message_ = message;
}

Status Instance::CheckValidation() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (first_message_.empty()) return OkStatus();
  return Internal("Vulkan validation: " + first_message_);
}

}  // namespace espalier::vulkan
