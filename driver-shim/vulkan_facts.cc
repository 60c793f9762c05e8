#include "driver-shim/vulkan_facts.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

// Some drivers report 2^64-1 as limit; below this, rounding up cannot overflow.
constexpr uint64_t kMostBytes = uint64_t{1} << 48;

// Property structures that are chained where the device knows them.
struct Properties {
  VkPhysicalDeviceProperties2 base = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
  VkPhysicalDeviceIDProperties id = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
  VkPhysicalDeviceMaintenance3Properties maintenance3 = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES};
  VkPhysicalDeviceMaintenance4Properties maintenance4 = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_PROPERTIES};
  VkPhysicalDeviceDriverProperties driver = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
  VkPhysicalDeviceTimelineSemaphoreProperties timelines = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_PROPERTIES};
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};

  template <typename Structure>
  void Chain(Structure& structure) {
    structure.pNext = base.pNext;
    base.pNext = &structure;
  }
};

absl::Status ReadExtensions(const VulkanInstance& instance, VulkanFacts& facts) {
  uint32_t count = 0;
  VRAMD_RETURN_IF_VULKAN_ERROR(
      "vkEnumerateDeviceExtensionProperties",
      instance.vk().vkEnumerateDeviceExtensionProperties(facts.handle, nullptr, &count, nullptr));
  std::vector<VkExtensionProperties> list(count);
  VRAMD_RETURN_IF_VULKAN_ERROR("vkEnumerateDeviceExtensionProperties",
                               instance.vk().vkEnumerateDeviceExtensionProperties(
                                   facts.handle, nullptr, &count, list.data()));
  list.resize(count);
  for (const VkExtensionProperties& extension : list)
    facts.extensions.insert(extension.extensionName);
  return absl::OkStatus();
}

bool ReadTimelines(const VulkanInstance& instance, VkPhysicalDevice device) {
  VkPhysicalDeviceTimelineSemaphoreFeatures timelines = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
  VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &timelines};
  instance.vk().vkGetPhysicalDeviceFeatures2(device, &features);
  return timelines.timelineSemaphore == VK_TRUE;
}

bool ReadMaintenance4(const VulkanInstance& instance, VkPhysicalDevice device) {
  VkPhysicalDeviceMaintenance4Features maintenance4 = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES};
  VkPhysicalDeviceFeatures2 features = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                        &maintenance4};
  instance.vk().vkGetPhysicalDeviceFeatures2(device, &features);
  return maintenance4.maintenance4 == VK_TRUE;
}

DeviceIdentity ToIdentity(const VkPhysicalDeviceIDProperties& id) {
  DeviceIdentity identity;
  std::memcpy(identity.device_uuid.data(), id.deviceUUID, VK_UUID_SIZE);
  std::memcpy(identity.driver_uuid.data(), id.driverUUID, VK_UUID_SIZE);
  identity.luid_valid = id.deviceLUIDValid == VK_TRUE;
  if (!identity.luid_valid) return identity;
  std::memcpy(identity.luid.data(), id.deviceLUID, VK_LUID_SIZE);
  identity.node_mask = id.deviceNodeMask;
  return identity;
}

DeviceInfo ToInfo(const Properties& properties) {
  const VkPhysicalDeviceProperties& base = properties.base.properties;
  DeviceInfo info;
  info.name = base.deviceName;
  info.driver_name = properties.driver.driverName;
  info.driver_version = properties.driver.driverInfo;
  if (info.driver_name.empty()) info.driver_name = "unknown";
  if (info.driver_version.empty())  // each vendor packs this number in its own way
    info.driver_version = absl::StrFormat("0x%08x", base.driverVersion);
  info.api_version = base.apiVersion;
  info.device_type = base.deviceType;
  info.identity = ToIdentity(properties.id);
  return info;
}

RequestLimits ToLimits(const Properties& properties, bool maintenance4) {
  const VkPhysicalDeviceLimits& base = properties.base.properties.limits;
  RequestLimits limits;
  limits.max_dimension_1d = base.maxImageDimension1D;
  limits.max_dimension_2d = base.maxImageDimension2D;
  limits.max_dimension_3d = base.maxImageDimension3D;
  limits.max_array_layers = base.maxImageArrayLayers;
  limits.max_framebuffer_width = base.maxFramebufferWidth;
  limits.max_framebuffer_height = base.maxFramebufferHeight;
  limits.max_allocation_size =
      std::min<uint64_t>(properties.maintenance3.maxMemoryAllocationSize, kMostBytes);
  limits.max_buffer_size =
      maintenance4 ? properties.maintenance4.maxBufferSize : limits.max_allocation_size;
  return limits;
}

void ReadMemory(const VulkanInstance& instance, VulkanFacts& facts) {
  VkPhysicalDeviceMemoryProperties2 memory = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  instance.vk().vkGetPhysicalDeviceMemoryProperties2(facts.handle, &memory);
  facts.memory = memory.memoryProperties;
  facts.limits.memory_type_count = facts.memory.memoryTypeCount;
  for (uint32_t i = 0; i < facts.memory.memoryTypeCount; ++i) {
    const VkMemoryType& type = facts.memory.memoryTypes[i];
    facts.info.memory_types.push_back(
        {type.propertyFlags, type.heapIndex, facts.memory.memoryHeaps[type.heapIndex].size});
  }
}

}  // namespace

absl::StatusOr<VulkanFacts> ReadFacts(const VulkanInstance& instance, VkPhysicalDevice device) {
  VulkanFacts facts;
  facts.handle = device;
  Properties properties;
  instance.vk().vkGetPhysicalDeviceProperties(device, &properties.base.properties);
  const uint32_t version = properties.base.properties.apiVersion;
  if (version < VK_API_VERSION_1_1)
    return absl::FailedPreconditionError(
        absl::StrCat(properties.base.properties.deviceName,
                     " has Vulkan 1.0 only; vramd needs 1.1 or later: update its driver"));
  VRAMD_RETURN_IF_ERROR(ReadExtensions(instance, facts));
  const uint32_t usable = std::min(version, instance.api_version());
  if (usable >= VK_API_VERSION_1_3 || facts.Has(VK_KHR_MAINTENANCE_4_EXTENSION_NAME))
    facts.maintenance4 = ReadMaintenance4(instance, device);
  if (usable >= VK_API_VERSION_1_2 || facts.Has(VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME))
    facts.timelines = ReadTimelines(instance, device);

  properties.Chain(properties.id);
  properties.Chain(properties.maintenance3);
  if (facts.maintenance4) properties.Chain(properties.maintenance4);
  if (facts.timelines) properties.Chain(properties.timelines);
  if (usable >= VK_API_VERSION_1_2 || facts.Has(VK_KHR_DRIVER_PROPERTIES_EXTENSION_NAME))
    properties.Chain(properties.driver);
  if (facts.Has(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)) properties.Chain(properties.host);
  instance.vk().vkGetPhysicalDeviceProperties2(device, &properties.base);

  facts.info = ToInfo(properties);
  facts.limits = ToLimits(properties, facts.maintenance4);
  facts.max_allocation_count = properties.base.properties.limits.maxMemoryAllocationCount;
  facts.max_timeline_difference = properties.timelines.maxTimelineSemaphoreValueDifference;
  facts.host_pointer_alignment = properties.host.minImportedHostPointerAlignment;
  ReadMemory(instance, facts);
  return facts;
}

}  // namespace vramd
