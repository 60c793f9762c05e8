#include <fcntl.h>
#include <unistd.h>

#include "base/os_error.h"
#include "base/os_handle.h"

namespace vramd {

void OsHandle::Reset(NativeHandle native) {
  // close() is not retried on EINTR: on Linux the descriptor is gone either way.
  if (valid()) close(native_);
  native_ = native;
}

absl::StatusOr<OsHandle> OsHandle::Duplicate() const {
  const int copy = fcntl(native_, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return LastOsError("duplicate a file descriptor");
  return OsHandle(copy);
}

}  // namespace vramd
