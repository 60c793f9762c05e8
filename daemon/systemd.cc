#include "daemon/systemd.h"

#include <systemd/sd-daemon.h>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"

namespace vramd {

void SystemdNotify(const char* state) { sd_notify(0, state); }

absl::StatusOr<OsHandle> SystemdListener() {
  // 1: unset the variables, so that they mean nothing to children.
  const int count = sd_listen_fds(1);
  if (count < 0) return OsError(-count, "take the sockets that systemd passed");
  if (count == 0) return OsHandle();
  if (count > 1)
    return absl::InvalidArgumentError(absl::StrCat(
        "systemd passed ", count, " sockets; vramd has one door: use one ListenStream="));
  return OsHandle(SD_LISTEN_FDS_START);
}

}  // namespace vramd
