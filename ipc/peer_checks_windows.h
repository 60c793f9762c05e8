// Further looks at who holds the other end of a pipe, since a process number alone can come to mean
// another process. Windows only.
#ifndef VRAMD_IPC_PEER_CHECKS_WINDOWS_H_
#define VRAMD_IPC_PEER_CHECKS_WINDOWS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "base/os_handle.h"
#include "base/peer.h"

namespace vramd {

// 100 ns units of the system's clock, as in FILETIME.
uint64_t SystemTicks();

// UNAUTHENTICATED if the process began after `moment`: then it is not the one that had its number
// at that moment.
absl::Status CheckStartedBefore(const OsHandle& process, uint64_t moment);

// UNAUTHENTICATED if the other end is closed, as a dead process has left it.
absl::Status CheckStillConnected(const OsHandle& stream);

// Compares `peer` with who opened `stream`, the broker's end of a pipe from which something has
// been read (before that the system knows no client to impersonate). UNAUTHENTICATED if they
// differ, or if the client opened the pipe anonymously. The thread is itself again on return.
absl::Status CheckImpersonation(const OsHandle& stream, const Peer& peer);

}  // namespace vramd

#endif  // VRAMD_IPC_PEER_CHECKS_WINDOWS_H_
