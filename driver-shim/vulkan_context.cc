#include "driver-shim/vulkan_context.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

// A VkDevice must have a queue. Every family that can draw or compute can also copy.
uint32_t ChooseQueueFamily(const VulkanInstance& instance, VkPhysicalDevice device) {
  uint32_t count = 0;
  instance.vk().vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  instance.vk().vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  constexpr VkQueueFlags kCanCopy =
      VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT;
  for (uint32_t i = 0; i < count; ++i)
    if ((families[i].queueFlags & kCanCopy) != 0) return i;
  return 0;
}

absl::StatusOr<VkDevice> CreateDevice(const VulkanInstance& instance, const VulkanFacts& facts,
                                      uint32_t queue_family,
                                      const std::vector<const char*>& extensions) {
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDeviceMaintenance4Features maintenance4 = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_4_FEATURES};
  maintenance4.maintenance4 = VK_TRUE;
  VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  if (facts.maintenance4) info.pNext = &maintenance4;
  VkPhysicalDeviceTimelineSemaphoreFeatures timelines = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES, const_cast<void*>(info.pNext)};
  timelines.timelineSemaphore = VK_TRUE;
  if (facts.timelines) info.pNext = &timelines;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  VkDevice device = VK_NULL_HANDLE;
  VRAMD_RETURN_IF_VULKAN_ERROR("vkCreateDevice",
                               instance.vk().vkCreateDevice(facts.handle, &info, nullptr, &device));
  return device;
}

}  // namespace

absl::StatusOr<std::unique_ptr<VulkanContext>> VulkanContext::Open(
    std::shared_ptr<const VulkanInstance> instance, VulkanFacts facts,
    const std::vector<const char*>& extensions) {
  std::vector<const char*> enabled;
  for (const char* extension : extensions)
    if (facts.Has(extension)) enabled.push_back(extension);
  const uint32_t core = std::min(facts.info.api_version, instance->api_version());
  if (facts.maintenance4 && core < VK_API_VERSION_1_3)
    enabled.push_back(VK_KHR_MAINTENANCE_4_EXTENSION_NAME);
  if (facts.timelines && core < VK_API_VERSION_1_2)
    enabled.push_back(VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME);
  if (core < VK_API_VERSION_1_2 && facts.Has(VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME))
    enabled.push_back(VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME);
  facts.format_lists =
      core >= VK_API_VERSION_1_2 || facts.Has(VK_KHR_IMAGE_FORMAT_LIST_EXTENSION_NAME);
  const uint32_t queue_family = ChooseQueueFamily(*instance, facts.handle);
  const absl::StatusOr<VkDevice> device = CreateDevice(*instance, facts, queue_family, enabled);
  if (!device.ok()) return device.status();
  return std::unique_ptr<VulkanContext>(
      new VulkanContext(std::move(instance), std::move(facts), *device, queue_family));
}

VulkanContext::VulkanContext(std::shared_ptr<const VulkanInstance> instance, VulkanFacts facts,
                             VkDevice device, uint32_t queue_family)
    : instance_(std::move(instance)),
      facts_(std::move(facts)),
      device_(device),
      queue_family_(queue_family) {
  volkLoadDeviceTable(&table_, device_);
}

VulkanContext::~VulkanContext() { table_.vkDestroyDevice(device_, nullptr); }

absl::Status VulkanContext::CountAllocation() const {
  if (allocation_count_++ < facts_.max_allocation_count) return absl::OkStatus();
  UncountAllocation();
  return absl::ResourceExhaustedError(
      absl::StrCat(facts_.info.name, " allows ", facts_.max_allocation_count,
                   " allocations at a time, and all are in use; release some"));
}

}  // namespace vramd
