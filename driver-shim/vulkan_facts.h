// What a physical device says about itself, in the terms of the rest of vramd.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_FACTS_H_
#define VRAMD_DRIVER_SHIM_VULKAN_FACTS_H_

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/recipe.h"
#include "driver-shim/request_check.h"
#include "driver-shim/vulkan_instance.h"

namespace vramd {

struct VulkanFacts {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  DeviceInfo info;  // without `handles`
  RequestLimits limits;
  VkPhysicalDeviceMemoryProperties memory = {};
  std::set<std::string, std::less<>> extensions;
  uint32_t max_allocation_count = 0;
  uint64_t host_pointer_alignment = 0;  // bytes; 0 without VK_EXT_external_memory_host
  bool maintenance4 = false;            // feature of Vulkan 1.3 or of the extension
  bool format_lists = false;            // Vulkan 1.2 or VK_KHR_image_format_list; set with the device
  bool timelines = false;               // feature of Vulkan 1.2 or of the extension
  uint64_t max_timeline_difference = 0;

  bool Has(absl::string_view extension) const {
    return extensions.find(std::string(extension)) != extensions.end();
  }
};

// FAILED_PRECONDITION for a device of Vulkan 1.0.
absl::StatusOr<VulkanFacts> ReadFacts(const VulkanInstance& instance, VkPhysicalDevice device);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_FACTS_H_
