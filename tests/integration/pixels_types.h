// The handle types that the pixels test goes through on this operating system.
#ifndef VRAMD_TESTS_INTEGRATION_PIXELS_TYPES_H_
#define VRAMD_TESTS_INTEGRATION_PIXELS_TYPES_H_

#include <utility>
#include <vector>

#include "vramd/vramd.h"

namespace vramd {

// With the suffix that names the test's case.
std::vector<std::pair<vramd_handle_type, const char*>> PixelsHandleTypes(bool is_buffer);

// Whether the CPU driver of this project's own test machines may lack it. It must have the others,
// so that no case is skipped unseen. VRAMD_TEST_KHR_WIN32=1 says that this one is there, too.
bool CpuDriverMayLack(vramd_handle_type type);

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_PIXELS_TYPES_H_
