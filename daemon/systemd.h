// What the daemon wants of libsystemd. Two sources: systemd.cc, and systemd_none.cc without it.
#ifndef VRAMD_DAEMON_SYSTEMD_H_
#define VRAMD_DAEMON_SYSTEMD_H_

#include "absl/status/statusor.h"
#include "base/os_handle.h"

namespace vramd {

// A no-op when not started by systemd.
void SystemdNotify(const char* state);

// Invalid when not socket-activated. INVALID_ARGUMENT for more than one socket.
absl::StatusOr<OsHandle> SystemdListener();

}  // namespace vramd

#endif  // VRAMD_DAEMON_SYSTEMD_H_
