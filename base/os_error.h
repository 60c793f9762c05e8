// Turns the operating system's error of the calling thread into a status with words.
#ifndef VRAMD_BASE_OS_ERROR_H_
#define VRAMD_BASE_OS_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace vramd {

// `what` completes "cannot ...": LastOsError("open /run/x") gives
// "cannot open /run/x: No such file or directory" with the code that fits.
absl::Status LastOsError(absl::string_view what);
absl::Status OsError(int code, absl::string_view what);

}  // namespace vramd

#endif  // VRAMD_BASE_OS_ERROR_H_
