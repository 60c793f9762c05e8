#include "tests/integration/pixels_types.h"

namespace vramd {

// The NV extension shares no buffers.
std::vector<std::pair<vramd_handle_type, const char*>> PixelsHandleTypes(bool is_buffer) {
  if (is_buffer) return {{VRAMD_HANDLE_HOST_SECTION, "HostSection"}};
  return {{VRAMD_HANDLE_NV_WIN32, "NvWin32"}, {VRAMD_HANDLE_HOST_SECTION, "HostSection"}};
}

}  // namespace vramd
