// The handle gets the access that the driver gives by default, which is what an import asks for.
#include <windows.h>

#include "base/status_macros.h"
#include "driver-shim/vulkan_result.h"
#include "driver-shim/vulkan_timeline.h"

namespace vramd {
namespace {

absl::StatusOr<OsHandle> GetHandle(const VulkanContext& context, VkSemaphore semaphore) {
  VkSemaphoreGetWin32HandleInfoKHR info = {VK_STRUCTURE_TYPE_SEMAPHORE_GET_WIN32_HANDLE_INFO_KHR};
  info.semaphore = semaphore;
  info.handleType = kTimelineExport.handle_type;
  HANDLE handle = nullptr;
  VRAMD_RETURN_IF_VULKAN_ERROR(
      "vkGetSemaphoreWin32HandleKHR",
      context.vk().vkGetSemaphoreWin32HandleKHR(context.device(), &info, &handle));
  return OsHandle(handle);
}

}  // namespace

constinit const TimelineExport kTimelineExport = {
    VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_WIN32_BIT,
    VK_KHR_EXTERNAL_SEMAPHORE_WIN32_EXTENSION_NAME,
    &GetHandle,
};

}  // namespace vramd
