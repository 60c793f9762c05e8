#include "tests/support/endpoint.h"

namespace vramd {

std::string TestEndpoint(const std::string& directory) { return directory + "/vramd.sock"; }

std::pair<vramd_handle_type, const char*> ForeignHandleType() {
  return {VRAMD_HANDLE_NV_WIN32, "nv_win32"};
}

}  // namespace vramd
