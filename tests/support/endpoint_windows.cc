#include <algorithm>

#include "tests/support/endpoint.h"

namespace vramd {

std::string TestEndpoint(const std::string& directory) {
  std::string name = directory.substr(directory.find_last_of("\\/") + 1);
  return R"(\\.\pipe\)" + name;
}

}  // namespace vramd
