#include "tests/support/endpoint.h"

namespace vramd {

std::string TestEndpoint(const std::string& directory) { return directory + "/vramd.sock"; }

}  // namespace vramd
