#include <cstdlib>

#include "daemon/systemd.h"

namespace vramd {

void SystemdNotify(const char*) {}

absl::StatusOr<OsHandle> SystemdListener() {
  if (std::getenv("LISTEN_FDS") == nullptr) return OsHandle();
  return absl::UnimplementedError(
      "systemd passed a socket, but this vramd was built without libsystemd: rebuild with it, or "
      "start the service without its socket unit");
}

}  // namespace vramd
