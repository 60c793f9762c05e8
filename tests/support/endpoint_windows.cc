#include <algorithm>

#include "tests/support/endpoint.h"

namespace vramd {

std::string TestEndpoint(const std::string& directory) {
  std::string name = directory.substr(directory.find_last_of("\\/") + 1);
  return R"(\\.\pipe\)" + name;
}

std::pair<vramd_handle_type, const char*> ForeignHandleType() {
  return {VRAMD_HANDLE_OPAQUE_FD, "opaque_fd"};
}

}  // namespace vramd
