// A VkResult as a status with words.
#ifndef VRAMD_CLIENT_SRC_VULKAN_STATUS_H_
#define VRAMD_CLIENT_SRC_VULKAN_STATUS_H_

#include <vulkan/vulkan_core.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vramd {

// `what` completes "cannot ...". OK for VK_SUCCESS.
absl::Status VulkanStatus(VkResult result, absl::string_view what);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_VULKAN_STATUS_H_
