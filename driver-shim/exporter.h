// An exporter is how one handle type is made by one driver. It says two things: is it supported on
// this device, and create memory. exporters_<os>.cc holds the ordered list.
#ifndef VRAMD_DRIVER_SHIM_EXPORTER_H_
#define VRAMD_DRIVER_SHIM_EXPORTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "driver-shim/device.h"
#include "driver-shim/vulkan_context.h"

namespace vramd {

struct AllocationPlan;

struct ExporterSupport {
  bool can_export = false;
  bool can_import = false;
  std::string reason;                        // in words, where one of them is false
  uint64_t size_granularity = 1;             // bytes; allocation sizes are multiples of it
  bool can_dedicate = true;                  // VkMemoryDedicatedAllocateInfo works with it
  uint32_t memory_type_bits = ~uint32_t{0};  // the memory types that it can use
};

struct Exporter {
  HandleType type;
  ExternalHandle handle;
  // Of VkExternalMemoryFeatureFlags: what the driver must be able to do with each resource.
  VkExternalMemoryFeatureFlags needed_features;
  // Enabled on every device that has them. One that is missing means: not supported.
  absl::Span<const char* const> extensions;

  // Called once for a device, and only if it has all extensions.
  ExporterSupport (*supported)(const VulkanContext& context);

  // Called for plans with this handle type. The memory must not outlive the context.
  absl::StatusOr<std::unique_ptr<DeviceMemory>> (*create)(const VulkanContext& context,
                                                          const AllocationPlan& plan);
};

// Those of this operating system, the preferred first.
absl::Span<const Exporter* const> Exporters();

// The same, in the order to try them on a device of that VkPhysicalDeviceType.
std::vector<const Exporter*> ExportersFor(uint32_t device_type);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_EXPORTER_H_
