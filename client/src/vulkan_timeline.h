// Timeline semaphores of other processes, on one VkDevice. What the operating system decides stands
// in vulkan_timeline_<os>.cc: the kind of handle, and who closes it.
#ifndef VRAMD_CLIENT_SRC_VULKAN_TIMELINE_H_
#define VRAMD_CLIENT_SRC_VULKAN_TIMELINE_H_

#include <vulkan/vulkan_core.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "base/os_handle.h"

namespace vramd {

// Device extensions that must all be enabled.
const std::vector<const char*>& TimelineExtensions();
VkExternalSemaphoreHandleTypeFlagBits TimelineHandleType();

// Immutable, so any thread may call it.
class TimelineImporter {
 public:
  virtual ~TimelineImporter() = default;
  TimelineImporter(const TimelineImporter&) = delete;
  TimelineImporter& operator=(const TimelineImporter&) = delete;

  // NULL if `device` was created without the extensions.
  static std::unique_ptr<TimelineImporter> Make(VkDevice device, PFN_vkGetDeviceProcAddr get);

  // Makes `semaphore`, a new timeline of this device, the one that `handle` stands for. Closes the
  // handle, or hands it to the driver.
  virtual absl::Status Import(VkSemaphore semaphore, OsHandle handle) const = 0;

  // How far it has come. UINT64_MAX if the device is lost: nothing is to be waited for.
  uint64_t ValueOf(VkSemaphore semaphore) const {
    uint64_t value = 0;
    const VkResult result = get_value_(device_, semaphore, &value);
    return result == VK_SUCCESS ? value : UINT64_MAX;
  }

 protected:
  TimelineImporter(VkDevice device, PFN_vkGetSemaphoreCounterValue get_value)
      : device_(device), get_value_(get_value) {}

  const VkDevice device_;

 private:
  const PFN_vkGetSemaphoreCounterValue get_value_;
};

// vkGetSemaphoreCounterValue under either of its names; NULL if there is none.
PFN_vkGetSemaphoreCounterValue FindGetCounterValue(VkDevice device, PFN_vkGetDeviceProcAddr get);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_VULKAN_TIMELINE_H_
