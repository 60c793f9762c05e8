#include "driver-shim/vulkan_result.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

std::string Name(VkResult result) {
  switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return "VK_ERROR_OUT_OF_HOST_MEMORY";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return "VK_ERROR_OUT_OF_DEVICE_MEMORY";
    case VK_ERROR_INITIALIZATION_FAILED:
      return "VK_ERROR_INITIALIZATION_FAILED";
    case VK_ERROR_DEVICE_LOST:
      return "VK_ERROR_DEVICE_LOST";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return "VK_ERROR_EXTENSION_NOT_PRESENT";
    case VK_ERROR_FEATURE_NOT_PRESENT:
      return "VK_ERROR_FEATURE_NOT_PRESENT";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
      return "VK_ERROR_INCOMPATIBLE_DRIVER";
    case VK_ERROR_TOO_MANY_OBJECTS:
      return "VK_ERROR_TOO_MANY_OBJECTS";
    case VK_ERROR_FORMAT_NOT_SUPPORTED:
      return "VK_ERROR_FORMAT_NOT_SUPPORTED";
    case VK_ERROR_INVALID_EXTERNAL_HANDLE:
      return "VK_ERROR_INVALID_EXTERNAL_HANDLE";
    default:
      return absl::StrCat("VkResult ", static_cast<int>(result));
  }
}

}  // namespace

absl::Status VulkanError(absl::string_view call, VkResult result) {
  const std::string what = absl::StrCat(call, " failed with ", Name(result));
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      return absl::UnavailableError(absl::StrCat(what, ": the device is lost"));
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return absl::ResourceExhaustedError(absl::StrCat(
          what, ": the device's memory is used up; release allocations and try again"));
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return absl::ResourceExhaustedError(absl::StrCat(what, ": the host's memory is used up"));
    case VK_ERROR_TOO_MANY_OBJECTS:
      return absl::ResourceExhaustedError(
          absl::StrCat(what, ": the driver's or the process's objects or handles are used up"));
    case VK_ERROR_FORMAT_NOT_SUPPORTED:
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
      return absl::FailedPreconditionError(what);
    default:
      return absl::InternalError(what);
  }
}

}  // namespace vramd
