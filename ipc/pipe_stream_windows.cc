#include "ipc/pipe_stream_windows.h"

#include <algorithm>
#include <utility>

#include "base/os_error.h"

namespace vramd {
namespace {

// A write takes kernel memory for as long as the peer has not read it: large ones go in pieces.
constexpr size_t kLargestWrite = 256 * 1024;

}  // namespace

absl::StatusOr<std::shared_ptr<PipeStream>> PipeStream::Adopt(OsHandle pipe,
                                                              std::function<void()> hung_up) {
  std::shared_ptr<PipeStream> stream(new PipeStream(std::move(pipe), std::move(hung_up)));
  stream->read_.is_read = true;
  stream->io_ =
      CreateThreadpoolIo(stream->pipe_.get(), &PipeStream::Completed, stream.get(), nullptr);
  if (stream->io_ == nullptr) return LastOsError("bind a pipe to the thread pool");
  return stream;
}

PipeStream::~PipeStream() {
  HangUp();
  // Nothing is in flight, so nothing can complete on the handle any more.
  pipe_.Reset();
  if (io_ != nullptr) CloseThreadpoolIo(io_);
}

DWORD PipeStream::Start(Operation& operation, void* bytes, size_t size) {
  MutexLock lock(mutex_);
  // Under the lock, so that Shutdown() either stops us here or finds something to cancel.
  if (shut_down_) return ERROR_OPERATION_ABORTED;
  static_cast<OVERLAPPED&>(operation) = OVERLAPPED{};
  operation.keep_alive = shared_from_this();
  StartThreadpoolIo(io_);
  const auto length = static_cast<DWORD>(std::min<size_t>(size, kLargestWrite));
  const BOOL done = operation.is_read ? ReadFile(pipe_.get(), bytes, length, nullptr, &operation)
                                      : WriteFile(pipe_.get(), bytes, length, nullptr, &operation);
  // A success at once is reported by the thread pool as well.
  const DWORD error = done ? ERROR_SUCCESS : GetLastError();
  if (error == ERROR_SUCCESS || error == ERROR_IO_PENDING) return ERROR_SUCCESS;
  CancelThreadpoolIo(io_);
  operation.keep_alive.reset();
  return error;
}

void CALLBACK PipeStream::Completed(PTP_CALLBACK_INSTANCE, void* self, void* overlapped,
                                    ULONG error, ULONG_PTR moved, PTP_IO) {
  auto* stream = static_cast<PipeStream*>(self);
  auto* operation = static_cast<Operation*>(static_cast<OVERLAPPED*>(overlapped));
  const std::shared_ptr<PipeStream> alive = std::move(operation->keep_alive);
  if (operation->is_read) {
    stream->FinishRead(error, moved);
  } else {
    stream->FinishWrite(error, moved);
  }
}

void PipeStream::Read(void* bytes, size_t size, ReadDone done) {
  read_done_ = std::move(done);
  const DWORD error = Start(read_, bytes, size);
  if (error != ERROR_SUCCESS) FinishRead(error, 0);
}

void PipeStream::FinishRead(DWORD error, size_t moved) {
  // The callback may start the next read, which needs the place of this one.
  const ReadDone done = std::exchange(read_done_, nullptr);
  if (error == ERROR_SUCCESS && moved > 0) return done(moved);
  HangUp();
  done(OsError(static_cast<int>(error == ERROR_SUCCESS ? ERROR_BROKEN_PIPE : error),
               "read from the pipe"));
}

void PipeStream::Write(std::string bytes, WriteDone done) {
  if (bytes.empty()) return done(absl::OkStatus());
  write_bytes_ = std::move(bytes);
  written_ = 0;
  write_done_ = std::move(done);
  StartWritingRest();
}

void PipeStream::StartWritingRest() {
  const DWORD error = Start(write_, write_bytes_.data() + written_, write_bytes_.size() - written_);
  if (error != ERROR_SUCCESS) FinishWrite(error, 0);
}

void PipeStream::FinishWrite(DWORD error, size_t moved) {
  written_ += moved;
  if (error == ERROR_SUCCESS && written_ < write_bytes_.size()) return StartWritingRest();
  const WriteDone done = std::exchange(write_done_, nullptr);
  if (error == ERROR_SUCCESS) return done(absl::OkStatus());
  HangUp();
  done(OsError(static_cast<int>(error), "write to the pipe"));
}

void PipeStream::Shutdown() {
  {
    MutexLock lock(mutex_);
    shut_down_ = true;
    CancelIoEx(pipe_.get(), nullptr);
  }
  HangUp();
}

void PipeStream::HangUp() {
  std::function<void()> notice;
  {
    MutexLock lock(mutex_);
    notice = std::exchange(hung_up_, nullptr);
  }
  if (notice) notice();
}

}  // namespace vramd
