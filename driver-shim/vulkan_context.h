// One open VkDevice with all that its exporters need. Immutable after opening, except the count of
// live allocations; so it is shared between threads without a lock.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_CONTEXT_H_
#define VRAMD_DRIVER_SHIM_VULKAN_CONTEXT_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver-shim/vulkan_facts.h"
#include "driver-shim/vulkan_instance.h"

namespace vramd {

class VulkanContext {
 public:
  // Opens the device with those of `extensions` that it has.
  static absl::StatusOr<std::unique_ptr<VulkanContext>> Open(
      std::shared_ptr<const VulkanInstance> instance, VulkanFacts facts,
      const std::vector<const char*>& extensions) ABSL_EXCLUSIVE_LOCKS_REQUIRED(VolkMutex());

  ~VulkanContext();
  VulkanContext(const VulkanContext&) = delete;
  VulkanContext& operator=(const VulkanContext&) = delete;

  const VulkanFacts& facts() const { return facts_; }
  VkDevice device() const { return device_; }
  const VolkDeviceTable& vk() const { return table_; }
  uint32_t queue_family() const { return queue_family_; }  // of the device's one queue, index 0
  const InstanceTable& instance_vk() const { return instance_->vk(); }

  // Null without maintenance4. Core and extension have the same function under two names.
  PFN_vkGetDeviceBufferMemoryRequirements buffer_requirements() const {
    return table_.vkGetDeviceBufferMemoryRequirements != nullptr
               ? table_.vkGetDeviceBufferMemoryRequirements
               : table_.vkGetDeviceBufferMemoryRequirementsKHR;
  }
  PFN_vkGetDeviceImageMemoryRequirements image_requirements() const {
    return table_.vkGetDeviceImageMemoryRequirements != nullptr
               ? table_.vkGetDeviceImageMemoryRequirements
               : table_.vkGetDeviceImageMemoryRequirementsKHR;
  }

  // Counts one allocation against maxMemoryAllocationCount, which drivers do not check themselves.
  // RESOURCE_EXHAUSTED at the limit.
  absl::Status CountAllocation() const;
  void UncountAllocation() const { --allocation_count_; }

 private:
  VulkanContext(std::shared_ptr<const VulkanInstance> instance, VulkanFacts facts, VkDevice device,
                uint32_t queue_family) ABSL_EXCLUSIVE_LOCKS_REQUIRED(VolkMutex());

  std::shared_ptr<const VulkanInstance> instance_;
  VulkanFacts facts_;
  VkDevice device_;
  uint32_t queue_family_;
  VolkDeviceTable table_;
  mutable std::atomic<uint32_t> allocation_count_{0};
};

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_CONTEXT_H_
