#include <windows.h>

#include "base/os_error.h"
#include "base/os_handle.h"

namespace vramd {

void OsHandle::Reset(NativeHandle native) {
  if (valid()) CloseHandle(native_);
  native_ = native;
}

absl::StatusOr<OsHandle> OsHandle::Duplicate() const {
  HANDLE copy = nullptr;
  if (!DuplicateHandle(GetCurrentProcess(), native_, GetCurrentProcess(), &copy, 0, FALSE,
                       DUPLICATE_SAME_ACCESS))
    return LastOsError("duplicate a handle");
  return OsHandle(copy);
}

}  // namespace vramd
