// The edge of the C interface: statuses become result codes and the thread's last error, and
// exceptions end here.
#ifndef VRAMD_CLIENT_SRC_LAST_ERROR_H_
#define VRAMD_CLIENT_SRC_LAST_ERROR_H_

#include <exception>

#include "absl/status/status.h"
#include "vramd/vramd.h"

namespace vramd {

// The code of `status`, whose message becomes what vramd_last_error() tells the calling thread.
// An OK status gives VRAMD_OK and leaves the message of an earlier failure alone.
vramd_result Fail(const absl::Status& status);

// Runs the body of a C function, which returns absl::Status. No exception passes.
template <typename Body>
vramd_result RunCall(Body body) noexcept {
  try {
    return Fail(body());
  } catch (const std::exception& problem) {
    return Fail(absl::ResourceExhaustedError(problem.what()));
  }
}

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_LAST_ERROR_H_
