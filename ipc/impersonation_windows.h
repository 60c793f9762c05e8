// The broker's second look at a client, by the token that came with the pipe. Windows only.
#ifndef VRAMD_IPC_IMPERSONATION_WINDOWS_H_
#define VRAMD_IPC_IMPERSONATION_WINDOWS_H_

#include "absl/status/status.h"
#include "base/os_handle.h"
#include "base/peer.h"

namespace vramd {

// Compares `peer` with who opened `stream`, the broker's end of a pipe from which something has
// been read (before that the system knows no client to impersonate). UNAUTHENTICATED if they
// differ, or if the client opened the pipe anonymously. The thread is itself again on return.
absl::Status CheckImpersonation(const OsHandle& stream, const Peer& peer);

}  // namespace vramd

#endif  // VRAMD_IPC_IMPERSONATION_WINDOWS_H_
