#include "driver-shim/vulkan_instance.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "driver-shim/vulkan_loader.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

// Once per process: each call would load the library again.
absl::Status LoadVulkan() {
  static const VkResult loaded = LoadVulkanLibrary();
  if (loaded != VK_SUCCESS || vkCreateInstance == nullptr)
    return absl::UnavailableError(
        "there is no Vulkan loader; install it (libvulkan1 on Debian and Ubuntu, vulkan-loader or "
        "vulkan-icd-loader elsewhere) together with a driver for the GPU");
  if (const std::string why = WhyNoDriver(); !why.empty()) return absl::UnavailableError(why);
  if (volkGetInstanceVersion() < VK_API_VERSION_1_1)
    return absl::UnavailableError(
        "the Vulkan loader is of version 1.0; vramd needs 1.1 or later: update the loader");
  return absl::OkStatus();
}

bool HasInstanceExtension(const char* name) {
  uint32_t count = 0;
  if (vkEnumerateInstanceExtensionProperties(nullptr, &count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkExtensionProperties> list(count);
  if (vkEnumerateInstanceExtensionProperties(nullptr, &count, list.data()) != VK_SUCCESS)
    return false;
  list.resize(count);
  return std::any_of(list.begin(), list.end(), [name](const VkExtensionProperties& extension) {
    return absl::string_view(extension.extensionName) == name;
  });
}

}  // namespace

Mutex& VolkMutex() {
  static Mutex mutex;
  return mutex;
}

absl::StatusOr<std::shared_ptr<const VulkanInstance>> VulkanInstance::Open() {
  if (absl::Status loaded = LoadVulkan(); !loaded.ok()) return loaded;
  VkApplicationInfo application = {VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "vramd";
  application.apiVersion = std::min<uint32_t>(volkGetInstanceVersion(), VK_API_VERSION_1_3);
  VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  const char* const nv_capabilities = VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME;
  if (HasInstanceExtension(nv_capabilities)) {
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &nv_capabilities;
  }
  VkInstance instance = VK_NULL_HANDLE;
  const VkResult created = vkCreateInstance(&info, nullptr, &instance);
  if (created != VK_SUCCESS)
    return absl::UnavailableError(absl::StrCat(
        VulkanError("vkCreateInstance", created).message(),
        "; install a Vulkan driver for the GPU (mesa-vulkan-drivers, or the vendor's)"));
  volkLoadInstanceOnly(instance);
  return std::shared_ptr<const VulkanInstance>(
      new VulkanInstance(instance, application.apiVersion));
}

VulkanInstance::VulkanInstance(VkInstance instance, uint32_t api_version)
    : instance_(instance),
      api_version_(api_version),
      table_{::vkDestroyInstance,
             ::vkEnumeratePhysicalDevices,
             ::vkEnumerateDeviceExtensionProperties,
             ::vkGetPhysicalDeviceProperties,
             ::vkGetPhysicalDeviceProperties2,
             ::vkGetPhysicalDeviceFeatures2,
             ::vkGetPhysicalDeviceMemoryProperties2,
             ::vkGetPhysicalDeviceQueueFamilyProperties,
             ::vkGetPhysicalDeviceImageFormatProperties2,
             ::vkGetPhysicalDeviceExternalBufferProperties,
             ::vkGetPhysicalDeviceExternalSemaphoreProperties,
             ::vkCreateDevice,
             ::vkGetDeviceProcAddr,
             ::vkGetPhysicalDeviceExternalImageFormatPropertiesNV} {}

VulkanInstance::~VulkanInstance() { table_.vkDestroyInstance(instance_, nullptr); }

absl::StatusOr<std::vector<VkPhysicalDevice>> VulkanInstance::PhysicalDevices() const {
  std::vector<VkPhysicalDevice> devices;
  VkResult result;
  do {  // a device may come between the two calls
    uint32_t count = 0;
    VRAMD_RETURN_IF_VULKAN_ERROR("vkEnumeratePhysicalDevices",
                                 table_.vkEnumeratePhysicalDevices(instance_, &count, nullptr));
    devices.resize(count);
    result = table_.vkEnumeratePhysicalDevices(instance_, &count, devices.data());
    devices.resize(count);
  } while (result == VK_INCOMPLETE);
  VRAMD_RETURN_IF_VULKAN_ERROR("vkEnumeratePhysicalDevices", result);
  return devices;
}

}  // namespace vramd
