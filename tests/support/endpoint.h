// An endpoint that no other test has.
#ifndef VRAMD_TESTS_SUPPORT_ENDPOINT_H_
#define VRAMD_TESTS_SUPPORT_ENDPOINT_H_

#include <string>
#include <utility>

#include "vramd/vramd.h"

namespace vramd {

// `directory` is the test's own: a socket in it, or a pipe named after it.
std::string TestEndpoint(const std::string& directory);

// A handle type that only other systems have, and its name.
std::pair<vramd_handle_type, const char*> ForeignHandleType();

}  // namespace vramd

#endif  // VRAMD_TESTS_SUPPORT_ENDPOINT_H_
