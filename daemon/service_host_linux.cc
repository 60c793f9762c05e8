// Signals, readiness and socket activation. Where libsystemd was not found at configure time, the
// file systemd_none.cc stands in for its few functions.
#include <unistd.h>
#include <csignal>

#include "daemon/service_host.h"
#include "daemon/systemd.h"

namespace vramd {
namespace {

class LinuxServiceHost final : public ServiceHost {
 public:
  LinuxServiceHost() {
    sigemptyset(&signals_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, signal);
    // Threads started later inherit the mask, so the signals reach Wait() alone.
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }

  absl::StatusOr<OsHandle> InheritedListener() override { return SystemdListener(); }

  void NotifyReady(int ready_fd) override {
    SystemdNotify("READY=1");
    if (ready_fd < 0) return;
    OsHandle pipe(ready_fd);
    [[maybe_unused]] const ssize_t written = write(pipe.get(), "ready\n", 6);
  }

  void NotifyStopping() override { SystemdNotify("STOPPING=1"); }

  Request Wait() override {
    int signal = 0;
    while (sigwait(&signals_, &signal) != 0) {
    }
    return signal == SIGHUP ? Request::kReload : Request::kStop;
  }

  // To the process and not to this thread: the signal stays pending until Wait() takes it.
  void RequestStop() override { kill(getpid(), SIGTERM); }

 private:
  sigset_t signals_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ServiceHost>> ServiceHost::Create(bool as_service) {
  if (as_service)
    return absl::InvalidArgumentError(
        "--service is for Windows' service manager: systemd needs no flag");
  return std::make_unique<LinuxServiceHost>();
}

}  // namespace vramd
