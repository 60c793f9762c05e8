#include "tests/integration/pixels_types.h"

namespace vramd {

std::vector<std::pair<vramd_handle_type, const char*>> PixelsHandleTypes(bool) {
  return {{VRAMD_HANDLE_OPAQUE_FD, "OpaqueFd"}, {VRAMD_HANDLE_HOST_SECTION, "HostSection"}};
}

bool CpuDriverMayLack(vramd_handle_type) { return false; }

}  // namespace vramd
