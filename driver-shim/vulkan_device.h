// The real Device: one VkDevice, used through its own volk table.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_DEVICE_H_
#define VRAMD_DRIVER_SHIM_VULKAN_DEVICE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "driver-shim/device.h"

namespace vramd {

struct VulkanOptions {
  // Selectors (UUID, LUID, index, part of a name) of the devices to open, in order of preference.
  // Empty: every device, discrete before integrated before virtual before CPU.
  std::vector<std::string> devices;
  // Only this exporter, instead of the ordered list. The daemon's --exporter.
  std::optional<HandleType> exporter;
};

// Opens a VkInstance and the devices. UNAVAILABLE, with what to install, where there is no Vulkan
// loader, no driver or no device. The devices share the instance; the last one destroys it.
absl::StatusOr<std::vector<std::shared_ptr<Device>>> OpenVulkanDevices(
    const VulkanOptions& options);

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_VULKAN_DEVICE_H_
