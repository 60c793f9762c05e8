#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/os_error.h"

namespace vramd {

absl::Status OsError(int code, absl::string_view what) {
  // EMFILE maps to RESOURCE_EXHAUSTED, ENOENT to NOT_FOUND, EACCES to PERMISSION_DENIED, ...
  return absl::ErrnoToStatus(code, absl::StrCat("cannot ", what));
}

absl::Status LastOsError(absl::string_view what) { return OsError(errno, what); }

}  // namespace vramd
