#include "driver-shim/vulkan_memory.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

absl::Status CheckHeap(const VulkanContext& context, uint64_t size, uint32_t memory_type_index) {
  const VkPhysicalDeviceMemoryProperties& memory = context.facts().memory;
  const uint64_t heap = memory.memoryHeaps[memory.memoryTypes[memory_type_index].heapIndex].size;
  if (size <= heap) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat("the allocation needs ", size,
                                                   " bytes, but memory type ", memory_type_index,
                                                   " is in a heap of ", heap));
}

absl::StatusOr<VulkanResource> ResourceFor(const VulkanContext& context,
                                           const AllocationPlan& plan) {
  if (!plan.dedicated) return VulkanResource();
  return VulkanResource::Create(context, plan.request, plan.exporter->handle);
}

}  // namespace

absl::StatusOr<VulkanMemory> VulkanMemory::AllocateChained(const VulkanContext& context,
                                                           const AllocationPlan& plan,
                                                           uint32_t memory_type_index,
                                                           const void* how) {
  VRAMD_RETURN_IF_ERROR(CheckHeap(context, plan.size, memory_type_index));
  VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, how};
  info.allocationSize = plan.size;
  info.memoryTypeIndex = memory_type_index;
  VkMemoryDedicatedAllocateInfo dedicated = {VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, how};
  VRAMD_ASSIGN_OR_RETURN(VulkanResource resource, ResourceFor(context, plan));
  if (plan.dedicated) {
    dedicated.buffer = resource.buffer();
    dedicated.image = resource.image();
    info.pNext = &dedicated;
  }
  VRAMD_RETURN_IF_ERROR(context.CountAllocation());
  VkDeviceMemory memory = VK_NULL_HANDLE;
  const VkResult result = context.vk().vkAllocateMemory(context.device(), &info, nullptr, &memory);
  if (result != VK_SUCCESS) {
    context.UncountAllocation();
    return VulkanError(absl::StrCat("vkAllocateMemory of ", plan.size, " bytes"), result);
  }
  return VulkanMemory(context, std::move(resource), memory);
}

VulkanMemory::VulkanMemory(const VulkanContext& context, VulkanResource resource,
                           VkDeviceMemory memory)
    : context_(&context), resource_(std::move(resource)), memory_(memory) {}

VulkanMemory::VulkanMemory(VulkanMemory&& other) noexcept
    : context_(other.context_),
      resource_(std::move(other.resource_)),
      memory_(std::exchange(other.memory_, VK_NULL_HANDLE)) {}

// The memory goes first: what it is dedicated to must outlive it.
VulkanMemory::~VulkanMemory() {
  if (memory_ == VK_NULL_HANDLE) return;
  context_->vk().vkFreeMemory(context_->device(), memory_, nullptr);
  context_->UncountAllocation();
}

}  // namespace vramd
