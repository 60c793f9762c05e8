// The plan: all that is decided about an allocation before the driver is asked for memory.
#ifndef VRAMD_DRIVER_SHIM_ALLOCATION_PLAN_H_
#define VRAMD_DRIVER_SHIM_ALLOCATION_PLAN_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "driver-shim/exporter.h"
#include "driver-shim/vulkan_context.h"

namespace vramd {

struct AllocationPlan {
  AllocationRequest request;
  const Exporter* exporter = nullptr;
  uint64_t size = 0;               // VkMemoryAllocateInfo::allocationSize, bytes
  uint32_t memory_type_bits = 0;   // allowed by the resource and by the request
  uint32_t memory_type_index = 0;  // the best of them; an exporter may have to take another
  bool dedicated = false;
};

// Plans a request that CheckRequest() accepted, for an exporter that is supported. Allocates
// nothing. FAILED_PRECONDITION where this exporter cannot do it, INVALID_ARGUMENT where none can.
absl::StatusOr<AllocationPlan> PlanAllocation(const VulkanContext& context,
                                              const AllocationRequest& request,
                                              const Exporter& exporter,
                                              const ExporterSupport& support);

// What the driver can do with a handle type for a plain buffer or a plain image, added up.
VkExternalMemoryFeatureFlags ProbeFeatures(const VulkanContext& context, ExternalHandle handle);

Recipe MakeRecipe(const VulkanContext& context, const AllocationPlan& plan,
                  uint32_t memory_type_index);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_ALLOCATION_PLAN_H_
