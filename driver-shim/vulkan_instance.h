// The VkInstance that all devices of one opening share, and its functions.
//
// volk keeps instance functions in global variables. They are read only while devices are opened,
// under VolkMutex(); afterwards each object uses the copy in its own table.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_INSTANCE_H_
#define VRAMD_DRIVER_SHIM_VULKAN_INSTANCE_H_

#include <volk.h>

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace vramd {

// Held by whoever calls volk or reads its global variables.
Mutex& VolkMutex();

struct InstanceTable {
  PFN_vkDestroyInstance vkDestroyInstance;
  PFN_vkEnumeratePhysicalDevices vkEnumeratePhysicalDevices;
  PFN_vkEnumerateDeviceExtensionProperties vkEnumerateDeviceExtensionProperties;
  PFN_vkGetPhysicalDeviceProperties vkGetPhysicalDeviceProperties;
  PFN_vkGetPhysicalDeviceProperties2 vkGetPhysicalDeviceProperties2;
  PFN_vkGetPhysicalDeviceFeatures2 vkGetPhysicalDeviceFeatures2;
  PFN_vkGetPhysicalDeviceMemoryProperties2 vkGetPhysicalDeviceMemoryProperties2;
  PFN_vkGetPhysicalDeviceQueueFamilyProperties vkGetPhysicalDeviceQueueFamilyProperties;
  PFN_vkGetPhysicalDeviceImageFormatProperties2 vkGetPhysicalDeviceImageFormatProperties2;
  PFN_vkGetPhysicalDeviceExternalBufferProperties vkGetPhysicalDeviceExternalBufferProperties;
  PFN_vkGetPhysicalDeviceExternalSemaphoreProperties vkGetPhysicalDeviceExternalSemaphoreProperties;
  PFN_vkCreateDevice vkCreateDevice;
  PFN_vkGetDeviceProcAddr vkGetDeviceProcAddr;
  // Null without VK_NV_external_memory_capabilities.
  PFN_vkGetPhysicalDeviceExternalImageFormatPropertiesNV
      vkGetPhysicalDeviceExternalImageFormatPropertiesNV;
};

// One bit of one family of handle types: Vulkan's own, which VK_KHR_external_memory began, or that
// of VK_NV_external_memory. Their numbers and structures are never mixed.
struct ExternalHandle {
  constexpr ExternalHandle(VkExternalMemoryHandleTypeFlagBits own) : bit(own) {}  // NOLINT
  constexpr ExternalHandle(VkExternalMemoryHandleTypeFlagBitsNV nv)               // NOLINT
      : bit(nv), is_nv(true) {}
  VkFlags bit;
  bool is_nv = false;
};

class VulkanInstance {
 public:
  // Loads Vulkan and creates an instance of version 1.1 to 1.3. UNAVAILABLE, with what to install,
  // where there is no loader or no driver.
  static absl::StatusOr<std::shared_ptr<const VulkanInstance>> Open()
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(VolkMutex());

  ~VulkanInstance();
  VulkanInstance(const VulkanInstance&) = delete;
  VulkanInstance& operator=(const VulkanInstance&) = delete;

  const InstanceTable& vk() const { return table_; }
  absl::StatusOr<std::vector<VkPhysicalDevice>> PhysicalDevices() const;

  // No device's functions beyond this version may be used: the instance asked for no more.
  uint32_t api_version() const { return api_version_; }

 private:
  VulkanInstance(VkInstance instance, uint32_t api_version)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(VolkMutex());

  VkInstance instance_;
  uint32_t api_version_;
  InstanceTable table_;
};

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_INSTANCE_H_
