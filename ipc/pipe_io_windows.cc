#include "ipc/pipe_io_windows.h"

#include <algorithm>
#include <utility>

#include "base/os_error.h"
#include "base/status_macros.h"

namespace vramd {

PipeOperation::PipeOperation() : event_(CreateEventW(nullptr, TRUE, FALSE, nullptr)) {
  overlapped_.hEvent = event_.get();
}

absl::Status PipeOperation::Started(bool done_at_once, const char* what) {
  if (done_at_once || GetLastError() == ERROR_IO_PENDING) return absl::OkStatus();
  pipe_ = nullptr;
  return LastOsError(what);
}

absl::Status PipeOperation::StartConnect(const OsHandle& pipe) {
  if (!event_.valid()) return absl::ResourceExhaustedError("no event object is to be had");
  pipe_ = pipe.get();
  if (ConnectNamedPipe(pipe_, &overlapped_)) return absl::OkStatus();
  if (GetLastError() == ERROR_PIPE_CONNECTED) {
    // A client came between the making of the instance and this call: that is a connection too.
    pipe_ = nullptr;
    SetEvent(event_.get());
    return absl::OkStatus();
  }
  return Started(false, "wait for a client");
}

absl::Status PipeOperation::StartRead(const OsHandle& pipe, void* bytes, size_t size) {
  if (!event_.valid()) return absl::ResourceExhaustedError("no event object is to be had");
  pipe_ = pipe.get();
  return Started(ReadFile(pipe_, bytes, static_cast<DWORD>(size), nullptr, &overlapped_) != FALSE,
                 "read from the pipe");
}

absl::Status PipeOperation::StartWrite(const OsHandle& pipe, const void* bytes, size_t size) {
  if (!event_.valid()) return absl::ResourceExhaustedError("no event object is to be had");
  pipe_ = pipe.get();
  return Started(WriteFile(pipe_, bytes, static_cast<DWORD>(size), nullptr, &overlapped_) != FALSE,
                 "write to the pipe");
}

absl::StatusOr<size_t> PipeOperation::Finish() {
  const HANDLE pipe = std::exchange(pipe_, nullptr);
  if (pipe == nullptr) return size_t{0};
  DWORD moved = 0;
  if (!GetOverlappedResult(pipe, &overlapped_, &moved, TRUE)) return LastOsError("use the pipe");
  return size_t{moved};
}

void PipeOperation::Cancel() {
  const HANDLE pipe = std::exchange(pipe_, nullptr);
  if (pipe == nullptr) return;
  CancelIoEx(pipe, &overlapped_);
  DWORD moved = 0;
  GetOverlappedResult(pipe, &overlapped_, &moved, TRUE);
}

DWORD MillisecondsUntil(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<DWORD>(std::clamp<int64_t>(left, 0, 24 * 3600 * 1000));
}

namespace {

absl::StatusOr<size_t> WaitAndFinish(PipeOperation& operation, Clock::time_point deadline) {
  if (WaitForSingleObject(operation.event(), MillisecondsUntil(deadline)) != WAIT_OBJECT_0)
    return absl::DeadlineExceededError("the other side did not answer the greeting in time");
  return operation.Finish();
}

}  // namespace

absl::Status ReadWhole(const OsHandle& pipe, void* bytes, size_t size, Clock::time_point deadline) {
  auto* next = static_cast<uint8_t*>(bytes);
  while (size > 0) {
    PipeOperation read;
    VRAMD_RETURN_IF_ERROR(read.StartRead(pipe, next, size));
    VRAMD_ASSIGN_OR_RETURN(const size_t got, WaitAndFinish(read, deadline));
    next += got;
    size -= got;
  }
  return absl::OkStatus();
}

absl::Status WriteWhole(const OsHandle& pipe, const void* bytes, size_t size,
                        Clock::time_point deadline) {
  const auto* next = static_cast<const uint8_t*>(bytes);
  while (size > 0) {
    PipeOperation write;
    VRAMD_RETURN_IF_ERROR(write.StartWrite(pipe, next, size));
    VRAMD_ASSIGN_OR_RETURN(const size_t moved, WaitAndFinish(write, deadline));
    next += moved;
    size -= moved;
  }
  return absl::OkStatus();
}

}  // namespace vramd
