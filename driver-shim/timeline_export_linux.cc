#include <fcntl.h>

#include "base/os_error.h"
#include "base/status_macros.h"
#include "driver-shim/vulkan_result.h"
#include "driver-shim/vulkan_timeline.h"

namespace vramd {
namespace {

absl::StatusOr<OsHandle> GetFd(const VulkanContext& context, VkSemaphore semaphore) {
  VkSemaphoreGetFdInfoKHR info = {VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR};
  info.semaphore = semaphore;
  info.handleType = kTimelineExport.handle_type;
  int fd = -1;
  VRAMD_RETURN_IF_VULKAN_ERROR("vkGetSemaphoreFdKHR",
                               context.vk().vkGetSemaphoreFdKHR(context.device(), &info, &fd));
  OsHandle handle(fd);
  if (!handle.valid())
    return absl::ResourceExhaustedError(
        "vkGetSemaphoreFdKHR gave no descriptor: the process has too many open files; raise its "
        "limit (ulimit -n, LimitNOFILE=) or end streams");
  if (fcntl(handle.get(), F_SETFD, FD_CLOEXEC) != 0)
    return LastOsError("set close-on-exec on an exported semaphore");
  return handle;
}

}  // namespace

constinit const TimelineExport kTimelineExport = {
    VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT,
    VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME,
    &GetFd,
};

}  // namespace vramd
