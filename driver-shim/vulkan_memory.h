// One VkDeviceMemory, with the resource that it is dedicated to.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_MEMORY_H_
#define VRAMD_DRIVER_SHIM_VULKAN_MEMORY_H_

#include "absl/status/statusor.h"
#include "driver-shim/allocation_plan.h"
#include "driver-shim/vulkan_context.h"
#include "driver-shim/vulkan_resource.h"

namespace vramd {

// Owns the memory. Move-only; must not outlive its context.
//
// A resource exists only for a dedicated allocation, and stays until the memory is freed; otherwise
// the importers' resources are the only ones.
class VulkanMemory {
 public:
  // `how` is the exporter's extension of VkMemoryAllocateInfo, a structure with sType and pNext.
  // RESOURCE_EXHAUSTED when the heap, or the number of allocations, is used up.
  template <typename Structure>
  static absl::StatusOr<VulkanMemory> Allocate(const VulkanContext& context,
                                               const AllocationPlan& plan,
                                               uint32_t memory_type_index, const Structure& how) {
    return AllocateChained(context, plan, memory_type_index, &how);
  }

  VulkanMemory(VulkanMemory&& other) noexcept;
  VulkanMemory& operator=(VulkanMemory&&) = delete;
  ~VulkanMemory();

  VkDeviceMemory handle() const { return memory_; }

 private:
  VulkanMemory(const VulkanContext& context, VulkanResource resource, VkDeviceMemory memory);
  static absl::StatusOr<VulkanMemory> AllocateChained(const VulkanContext& context,
                                                      const AllocationPlan& plan,
                                                      uint32_t memory_type_index, const void* how);

  const VulkanContext* context_;
  VulkanResource resource_;
  VkDeviceMemory memory_;
};

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_MEMORY_H_
