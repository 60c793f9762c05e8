// What a physical device is and what it can import, and the public vramd_vk_device.
#ifndef VRAMD_CLIENT_SRC_VULKAN_DEVICE_H_
#define VRAMD_CLIENT_SRC_VULKAN_DEVICE_H_

#include <vulkan/vulkan_core.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/recipe.h"
#include "client/src/fork_check.h"
#include "client/src/vulkan_functions.h"
#include "client/src/vulkan_import.h"
#include "client/src/vulkan_timeline.h"
#include "vramd/vramd_vulkan.h"

namespace vramd {

struct ImporterDescription {
  std::string name;
  uint32_t api_version = 0;
  DeviceIdentity identity;
  std::vector<const ImportVariant*> variants;  // that the device can import
  VkPhysicalDeviceMemoryProperties memory{};
  uint64_t host_pointer_alignment = 0;  // bytes; 0 without VK_EXT_external_memory_host
  bool timelines = false;               // timeline semaphores of other processes can be imported
  bool format_list_extension = false;   // an image's list of view formats needs it
};

absl::StatusOr<std::vector<VkPhysicalDevice>> ListPhysicalDevices(const InstanceFunctions& vk,
                                                                  VkInstance instance);

// FAILED_PRECONDITION for a device below Vulkan 1.1.
absl::StatusOr<ImporterDescription> DescribePhysicalDevice(const InstanceFunctions& vk,
                                                           VkPhysicalDevice device);

// Equal UUIDs, and equal LUIDs where both have one: UUIDs alone do not tell all devices apart.
bool IsSameDevice(const DeviceIdentity& a, const DeviceIdentity& b);

// FAILED_PRECONDITION, with the reason, if the described device cannot use the recipe.
absl::Status CheckImportable(const ImporterDescription& device, const Recipe& recipe);

}  // namespace vramd

// Immutable once created, so that any thread may use it.
struct vramd_vk_device {
  VkDevice device = VK_NULL_HANDLE;
  vramd::DeviceFunctions vk;
  vramd::ImporterDescription description;
  std::map<vramd_handle_type, std::unique_ptr<vramd::Importer>> importers;
  // NULL if the VkDevice was created without the extensions.
  std::unique_ptr<vramd::TimelineImporter> timelines;
  vramd::Birth birth;
};

#endif  // VRAMD_CLIENT_SRC_VULKAN_DEVICE_H_
