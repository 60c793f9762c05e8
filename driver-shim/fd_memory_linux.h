// What opaque_fd and dma_buf have in common: VK_KHR_external_memory_fd makes both.
#ifndef VRAMD_DRIVER_SHIM_FD_MEMORY_LINUX_H_
#define VRAMD_DRIVER_SHIM_FD_MEMORY_LINUX_H_

#include <memory>

#include "absl/status/statusor.h"
#include "driver-shim/exporter.h"

namespace vramd {

ExporterSupport FdSupport(const VulkanContext& context,
                          VkExternalMemoryHandleTypeFlagBits handle_bit);

absl::StatusOr<std::unique_ptr<DeviceMemory>> CreateFdMemory(const VulkanContext& context,
                                                             const AllocationPlan& plan);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_FD_MEMORY_LINUX_H_
