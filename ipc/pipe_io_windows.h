// Overlapped operations on a pipe, one at a time and with an end: by event or by deadline.
#ifndef VRAMD_IPC_PIPE_IO_WINDOWS_H_
#define VRAMD_IPC_PIPE_IO_WINDOWS_H_

#include <windows.h>

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/os_handle.h"

namespace vramd {

// One operation in flight. Its event is signalled when it completes. The destructor cancels and
// waits, so that the kernel never writes to memory that is gone. Not movable for the same reason.
class PipeOperation {
 public:
  PipeOperation();
  ~PipeOperation() { Cancel(); }
  PipeOperation(const PipeOperation&) = delete;
  PipeOperation& operator=(const PipeOperation&) = delete;

  // Each starts; the outcome comes from Finish(). An error tells that nothing was started.
  // `pipe` and the bytes must live until Finish() or Cancel().
  absl::Status StartConnect(const OsHandle& pipe);
  absl::Status StartRead(const OsHandle& pipe, void* bytes, size_t size);
  absl::Status StartWrite(const OsHandle& pipe, const void* bytes, size_t size);

  HANDLE event() const { return event_.get(); }
  // Bytes moved. Only after the event was signalled.
  absl::StatusOr<size_t> Finish();
  void Cancel();

 private:
  absl::Status Started(bool done_at_once, const char* what);

  OsHandle event_;
  OVERLAPPED overlapped_{};
  HANDLE pipe_ = nullptr;  // not null while something is in flight
};

// Whole, or an error: DEADLINE_EXCEEDED, or UNAVAILABLE when the other end closed.
absl::Status ReadWhole(const OsHandle& pipe, void* bytes, size_t size, Clock::time_point deadline);
absl::Status WriteWhole(const OsHandle& pipe, const void* bytes, size_t size,
                        Clock::time_point deadline);

// For the Wait functions: 0 when `deadline` has passed, rounded up otherwise.
DWORD MillisecondsUntil(Clock::time_point deadline);

}  // namespace vramd

#endif  // VRAMD_IPC_PIPE_IO_WINDOWS_H_
