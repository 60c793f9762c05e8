// Which of the broker's error codes each VkResult becomes, and how it is called. The table has
// those that the functions which we call may return.
#include "client/src/vulkan_status.h"

#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

struct Entry {
  VkResult result;
  const char* name;
  absl::StatusCode code;
};

#define VRAMD_ENTRY(result, code) \
  { result, #result, absl::StatusCode::code }
constexpr Entry kEntries[] = {
    VRAMD_ENTRY(VK_ERROR_OUT_OF_HOST_MEMORY, kResourceExhausted),
    VRAMD_ENTRY(VK_ERROR_OUT_OF_DEVICE_MEMORY, kResourceExhausted),
    VRAMD_ENTRY(VK_ERROR_TOO_MANY_OBJECTS, kResourceExhausted),
    VRAMD_ENTRY(VK_ERROR_DEVICE_LOST, kUnavailable),
    VRAMD_ENTRY(VK_ERROR_INVALID_EXTERNAL_HANDLE, kFailedPrecondition),
    VRAMD_ENTRY(VK_ERROR_FORMAT_NOT_SUPPORTED, kFailedPrecondition),
    VRAMD_ENTRY(VK_ERROR_FEATURE_NOT_PRESENT, kFailedPrecondition),
    VRAMD_ENTRY(VK_ERROR_INITIALIZATION_FAILED, kInternal),
    VRAMD_ENTRY(VK_ERROR_UNKNOWN, kInternal),
};
#undef VRAMD_ENTRY

}  // namespace

absl::Status VulkanStatus(VkResult result, absl::string_view what) {
  if (result == VK_SUCCESS) return absl::OkStatus();
  for (const Entry& entry : kEntries)
    if (entry.result == result)
      return absl::Status(entry.code, absl::StrCat("cannot ", what, ": ", entry.name));
  return absl::InternalError(
      absl::StrCat("cannot ", what, ": VkResult ", static_cast<int>(result)));
}

}  // namespace vramd
