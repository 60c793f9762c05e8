// Event objects for sleepers and for event loops: Windows waits on words within a process only.
//
// The events are reset by hand, so that an event loop sees a ring until SilenceDoorbell(), as it
// does with a pipe. An event that is still signalled from an earlier ring makes one Sleep() return
// early, no more. Both ends may signal and reset, which reaches nobody but the two of them.
#include <windows.h>

#include <algorithm>
#include <array>

#include "base/os_error.h"
#include "base/status_macros.h"
#include "base/stream/wait.h"

namespace vramd::stream {
namespace {

static_assert(kMaxBells <= MAXIMUM_WAIT_OBJECTS);

constexpr DWORD kRingOnly = EVENT_MODIFY_STATE;

// Rounded up, so that a wait does not end before its deadline.
DWORD Milliseconds(Deadline deadline) {
  const auto now = std::chrono::steady_clock::now();
  if (deadline <= now) return 0;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return static_cast<DWORD>(std::min<int64_t>(left, INFINITE - 1));
}

absl::StatusOr<OsHandle> Narrow(const OsHandle& event, DWORD rights) {
  HANDLE narrow = nullptr;
  if (!DuplicateHandle(GetCurrentProcess(), event.get(), GetCurrentProcess(), &narrow, rights,
                       FALSE, 0))
    return LastOsError("narrow the access to a doorbell");
  return OsHandle(narrow);
}

}  // namespace

absl::Status Sleep(absl::Span<const Bell> bells, Deadline deadline) {
  std::array<HANDLE, kMaxBells> events;
  if (bells.empty() || bells.size() > events.size())
    return absl::InternalError("no bell, or more than can be waited for at once");
  for (size_t i = 0; i < bells.size(); ++i) {
    if (bells[i].word->load(std::memory_order_relaxed) != kSleeping) return absl::OkStatus();
    events[i] = bells[i].doorbell;
  }
  const DWORD woken = WaitForMultipleObjects(static_cast<DWORD>(bells.size()), events.data(), FALSE,
                                             Milliseconds(deadline));
  if (woken == WAIT_FAILED) return LastOsError("wait for the other end of a stream");
  if (woken < WAIT_OBJECT_0 + bells.size()) ResetEvent(events[woken - WAIT_OBJECT_0]);
  return absl::OkStatus();
}

void WakeWaiter(const Bell& bell, uint32_t) {
  if (bell.doorbell != kInvalidNativeHandle) SetEvent(bell.doorbell);
}

bool SleepNeedsDoorbells() { return true; }

absl::StatusOr<Doorbell> CreateDoorbell() {
  const OsHandle event(CreateEventW(nullptr, TRUE, FALSE, nullptr));
  if (!event.valid()) return LastOsError("create a doorbell (event)");
  Doorbell doorbell;
  VRAMD_ASSIGN_OR_RETURN(doorbell.listen, Narrow(event, SYNCHRONIZE | EVENT_MODIFY_STATE));
  VRAMD_ASSIGN_OR_RETURN(doorbell.ring, Narrow(event, kRingOnly));
  return doorbell;
}

absl::StatusOr<OsHandle> OpenRinger(const OsHandle& listen) { return Narrow(listen, kRingOnly); }

void SilenceDoorbell(NativeHandle listen) { ResetEvent(listen); }

}  // namespace vramd::stream
