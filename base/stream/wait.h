// Waiting for the other end of a lane, without a system call unless somebody sleeps.
//
// Who waits arms a word in shared memory, looks once more for what it waits for, then sleeps while
// the word is armed. Who has news stores it, then disarms the word and, if it was armed, wakes the
// sleeper. No wake-up is lost: arming and disarming are both exchanges, so one comes first in the
// word's order. If the arming does, the ringer finds it and wakes. If the disarming does, the
// waiter's exchange reads what the ringer's wrote, and so everything that the ringer did before is
// visible to the look that follows. If the wake comes before the sleep, the sleep returns at once,
// because the word is no longer armed.
//
// The ringer's exchange touches a line that nobody else wants, unless somebody just went to sleep.
// So it costs little, and the news themselves are a plain store, which need not wait for it.
//
// A peer can write anything into the word. It can thereby keep its own waiter awake or asleep, and
// cost the ringer one system call per frame; it cannot reach anybody else's. Waiters count the
// rings that brought nothing and give up on such a peer.
#ifndef VRAMD_BASE_STREAM_WAIT_H_
#define VRAMD_BASE_STREAM_WAIT_H_

#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/os_handle.h"
#include "base/stream/control_layout.h"

namespace vramd::stream {

using Deadline = std::chrono::steady_clock::time_point;

// How long to wait, and how much of that by polling memory before the thread sleeps.
struct Patience {
  Deadline until;
  std::chrono::nanoseconds spin{0};

  static Patience None() { return {Deadline::min()}; }
  static Patience For(std::chrono::nanoseconds time) {
    return {std::chrono::steady_clock::now() + time};
  }
  static Patience SpinFor(std::chrono::nanoseconds time) {
    return {std::chrono::steady_clock::now() + time, time};
  }
};

// How a bell word is armed. Any other value comes from a broken peer and counts as kSleeping.
enum Waiter : uint32_t {
  kNobody = 0,
  kSleeping = 1,  // in Sleep()
  kPolling = 2,   // in an event loop, on the doorbell's handle
};

// A bell word and the ringing or the listening end of its doorbell, which may be absent. Refers to
// both without owning them.
struct Bell {
  BellWord* word = nullptr;
  NativeHandle doorbell = kInvalidNativeHandle;
};

// To be followed by a look for news. Acquire: the look comes after it, and sees what was stored
// before any ring that came earlier.
inline void Arm(const Bell& bell, Waiter how) {
  bell.word->exchange(how, std::memory_order_acquire);
}
// An exchange and no store, which would cut later arming off from the rings before it: a chain of
// exchanges carries the release of each ring on, a store in between would not.
inline void Disarm(const Bell& bell) { bell.word->exchange(kNobody, std::memory_order_acquire); }

void WakeWaiter(const Bell& bell, uint32_t how);

// To be called after the news are stored; any order of that store will do. Never blocks.
inline void Ring(const Bell& bell) {
  // Release: the news, for a waiter who arms later. No acquire: the ringer reads nothing of his.
  const uint32_t how = bell.word->exchange(kNobody, std::memory_order_release);
  if (how != kNobody) [[unlikely]]
    WakeWaiter(bell, how);
}

// Blocks until one of the bells is no longer kSleeping, or the deadline; may return early.
// At most kMaxBells. UNIMPLEMENTED, at once, when this system cannot wait for several.
absl::Status Sleep(absl::Span<const Bell> bells, Deadline deadline);
inline constexpr size_t kMaxBells = 64;

// Whether Sleep() works through doorbells here (Windows) and not through the words alone (Linux).
bool SleepNeedsDoorbells();

// What an event loop waits on: a pipe's two ends on Linux, an event object on Windows. Its two
// handles carry different rights: with `ring` one cannot poll, and with `listen` one cannot make
// ringing block; on Linux one cannot even ring with it.
struct Doorbell {
  OsHandle ring;
  OsHandle listen;
};
absl::StatusOr<Doorbell> CreateDoorbell();

// The listener's own ringing end, with which another thread of its process can wake it.
absl::StatusOr<OsHandle> OpenRinger(const OsHandle& listen);

// Takes back what has been rung so far, so that `listen` is readable only after the next ring.
void SilenceDoorbell(NativeHandle listen);

// Tells the processor that this is a loop that polls memory.
inline void RelaxCpu() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_WAIT_H_
