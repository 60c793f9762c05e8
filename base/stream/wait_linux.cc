// Futexes for sleepers, a pipe for event loops.
//
// Why a pipe and not an eventfd: both holders of an eventfd share one set of file flags, so a
// consumer could take O_NONBLOCK away, fill the counter, and so stop the producer in write(). The
// ends of a pipe are two files. The ringing end is opened for reading as well, so that a consumer
// that closes its end causes no SIGPIPE.
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "base/os_error.h"
#include "base/status_macros.h"
#include "base/stream/wait.h"

namespace vramd::stream {
namespace {

timespec ToTimespec(Deadline deadline) {
  const int64_t ns =
      std::max<int64_t>(0, std::chrono::nanoseconds(deadline.time_since_epoch()).count());
  return {ns / 1'000'000'000, ns % 1'000'000'000};
}

// None of these means that the wait went wrong: woken, changed before, timed out, interrupted.
absl::Status Judge(long result) {
  if (result >= 0 || errno == EAGAIN || errno == ETIMEDOUT || errno == EINTR)
    return absl::OkStatus();
  if (errno == ENOSYS || errno == EPERM)
    return absl::UnimplementedError(
        "this system cannot wait for several consumers at once (futex_waitv, Linux 5.16): let "
        "consumers drop frames instead of making the producer wait, or let it poll");
  return LastOsError("wait for the other end of a stream");
}

absl::Status SleepOnOne(const Bell& bell, const timespec& until) {
  return Judge(syscall(SYS_futex, bell.word, FUTEX_WAIT_BITSET, kSleeping, &until, nullptr,
                       FUTEX_BITSET_MATCH_ANY));
}

}  // namespace

absl::Status Sleep(absl::Span<const Bell> bells, Deadline deadline) {
  const timespec until = ToTimespec(deadline);
  if (bells.size() == 1) return SleepOnOne(bells[0], until);
  std::array<futex_waitv, kMaxBells> waiters{};
  if (bells.size() > waiters.size())
    return absl::InternalError("more bells than can be waited for at once");
  for (size_t i = 0; i < bells.size(); ++i)
    waiters[i] = {
        .val = kSleeping, .uaddr = reinterpret_cast<uintptr_t>(bells[i].word), .flags = FUTEX_32};
  return Judge(syscall(SYS_futex_waitv, waiters.data(), bells.size(), 0, &until, CLOCK_MONOTONIC));
}

void WakeWaiter(const Bell& bell, uint32_t how) {
  if (how != kPolling) {
    syscall(SYS_futex, bell.word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
    return;
  }
  // EAGAIN: it is full, and so readable already.
  const char ring = 1;
  if (bell.doorbell != kInvalidNativeHandle)
    while (write(bell.doorbell, &ring, 1) < 0 && errno == EINTR) continue;
}

bool SleepNeedsDoorbells() { return false; }

absl::StatusOr<Doorbell> CreateDoorbell() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return LastOsError("create a doorbell (pipe)");
  Doorbell doorbell;
  doorbell.listen.Reset(ends[0]);
  const OsHandle write_only(ends[1]);
  VRAMD_ASSIGN_OR_RETURN(doorbell.ring, OpenRinger(doorbell.listen));
  return doorbell;
}

// Opening a pipe anew through /proc makes another file, with flags of its own.
absl::StatusOr<OsHandle> OpenRinger(const OsHandle& listen) {
  const std::string path = "/proc/self/fd/" + std::to_string(listen.get());
  OsHandle ring(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!ring.valid()) return LastOsError("open the ringing end of a doorbell");
  return ring;
}

void SilenceDoorbell(NativeHandle listen) {
  char rings[64];
  for (;;) {
    const ssize_t got = read(listen, rings, sizeof(rings));
    if (got < static_cast<ssize_t>(sizeof(rings)) && !(got < 0 && errno == EINTR)) return;
  }
}

}  // namespace vramd::stream
