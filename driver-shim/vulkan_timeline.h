// Timeline semaphores that other processes can import. What differs between systems is in
// timeline_export_<os>.cc.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_TIMELINE_H_
#define VRAMD_DRIVER_SHIM_VULKAN_TIMELINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "driver-shim/device.h"
#include "driver-shim/vulkan_context.h"

namespace vramd {

// How this system gives a semaphore away.
struct TimelineExport {
  VkExternalSemaphoreHandleTypeFlagBits handle_type;
  const char* extension;
  // Called once for a semaphore that was created for `handle_type`.
  absl::StatusOr<OsHandle> (*get)(const VulkanContext& context, VkSemaphore semaphore);
};
extern const TimelineExport kTimelineExport;

// Whether the device can, and if not, why.
TimelineSupport AskTimelines(const VulkanContext& context);

// After AskTimelines() said yes. Must not outlive the context.
absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateVulkanTimeline(const VulkanContext& context);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_TIMELINE_H_
