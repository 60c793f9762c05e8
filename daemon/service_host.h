// Whoever started the daemon: a service manager, or a person at a terminal.
#ifndef VRAMD_DAEMON_SERVICE_HOST_H_
#define VRAMD_DAEMON_SERVICE_HOST_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/os_handle.h"

namespace vramd {

class ServiceHost {
 public:
  enum class Request { kStop, kReload };

  // Before any thread is started. Takes over the process's stop and reload requests. `as_service`:
  // Windows' service manager started it, and waits to be answered. INVALID_ARGUMENT elsewhere.
  static absl::StatusOr<std::unique_ptr<ServiceHost>> Create(bool as_service);
  virtual ~ServiceHost() = default;

  // The listening socket that the service manager passed, or an invalid handle.
  virtual absl::StatusOr<OsHandle> InheritedListener() = 0;

  // Connections are accepted from now on. `ready_fd` >= 0 also gets the line "ready".
  virtual void NotifyReady(int ready_fd) = 0;
  virtual void NotifyStopping() = 0;

  // Blocks until somebody wants something.
  virtual Request Wait() = 0;

  // Wait() returns kStop, now or when it is called next. From any thread.
  virtual void RequestStop() = 0;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_SERVICE_HOST_H_
