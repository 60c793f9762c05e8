// With which rights a handle leaves the broker. Windows only.
#ifndef VRAMD_IPC_OBJECT_RIGHTS_WINDOWS_H_
#define VRAMD_IPC_OBJECT_RIGHTS_WINDOWS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/os_handle.h"

namespace vramd {

// The access mask for a duplicate of `handle` in a client: what a user of such an object needs, and
// never more than `handle` itself has. INTERNAL for an object that must not be lent: a process, a
// thread, a token, a file.
absl::StatusOr<uint32_t> RightsToLend(const OsHandle& handle);

// What a handle of this process was granted.
absl::StatusOr<uint32_t> GrantedRights(const OsHandle& handle);

}  // namespace vramd

#endif  // VRAMD_IPC_OBJECT_RIGHTS_WINDOWS_H_
