#include "tests/integration/pixels_types.h"

#include <cstdlib>

namespace vramd {

// The NV extension shares no buffers.
std::vector<std::pair<vramd_handle_type, const char*>> PixelsHandleTypes(bool is_buffer) {
  if (is_buffer)
    return {{VRAMD_HANDLE_KHR_WIN32, "KhrWin32"}, {VRAMD_HANDLE_HOST_SECTION, "HostSection"}};
  return {{VRAMD_HANDLE_NV_WIN32, "NvWin32"},
          {VRAMD_HANDLE_KHR_WIN32, "KhrWin32"},
          {VRAMD_HANDLE_HOST_SECTION, "HostSection"}};
}

// Debian's Wine has no VK_KHR_external_memory_win32.
bool CpuDriverMayLack(vramd_handle_type type) {
  return type == VRAMD_HANDLE_KHR_WIN32 && std::getenv("VRAMD_TEST_KHR_WIN32") == nullptr;
}

}  // namespace vramd
