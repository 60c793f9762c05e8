// Turns a VkResult into a status that names the call.
#ifndef VRAMD_DRIVER_SHIM_VULKAN_RESULT_H_
#define VRAMD_DRIVER_SHIM_VULKAN_RESULT_H_

#include <vulkan/vulkan_core.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vramd {

// UNAVAILABLE for a lost device, RESOURCE_EXHAUSTED for memory or objects used up,
// FAILED_PRECONDITION for what the driver does not have, else INTERNAL. `result` is an error.
absl::Status VulkanError(absl::string_view call, VkResult result);

}  // namespace vramd

// The function returns a status; `call` is the name of the Vulkan command, for the message.
#define VRAMD_RETURN_IF_VULKAN_ERROR(call, expression)                      \
  do {                                                                      \
    if (const VkResult vk_result_ = (expression); vk_result_ != VK_SUCCESS) \
      return ::vramd::VulkanError(call, vk_result_);                        \
  } while (false)

#endif  // VRAMD_DRIVER_SHIM_VULKAN_RESULT_H_
