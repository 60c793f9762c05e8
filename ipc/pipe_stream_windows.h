// PipeStream: one connected pipe, read and written without a thread of its own.
//
// Knows nothing of gRPC: whatever speaks on the pipe is a thin adapter over this class. Completions
// come on the process's thread pool, or inside Read() or Write() if the operation could not even be
// started; so a caller holds no lock that its callbacks take.
//
// Thread-safe. One read and one write may be in flight at a time. An operation in flight keeps the
// stream alive; letting go of the last reference otherwise closes the pipe.
#ifndef VRAMD_IPC_PIPE_STREAM_WINDOWS_H_
#define VRAMD_IPC_PIPE_STREAM_WINDOWS_H_

#include <windows.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "base/os_handle.h"

namespace vramd {

class PipeStream : public std::enable_shared_from_this<PipeStream> {
 public:
  using ReadDone = std::function<void(absl::StatusOr<size_t>)>;  // bytes, at least 1
  using WriteDone = std::function<void(absl::Status)>;

  // Takes a connected overlapped pipe. `hung_up` runs once, on any thread, when either side has
  // ended the connection, by Shutdown() or by an error; at the latest in the destructor.
  static absl::StatusOr<std::shared_ptr<PipeStream>> Adopt(OsHandle pipe,
                                                           std::function<void()> hung_up);
  ~PipeStream();

  // Reads what there is, `size` bytes at most. `bytes` must live until `done` runs.
  void Read(void* bytes, size_t size, ReadDone done);

  // Writes all of `bytes`, in as many pieces as the pipe wants.
  void Write(std::string bytes, WriteDone done);

  // Ends both directions: what is in flight, and every later call, ends with an error. Idempotent.
  void Shutdown();

 private:
  struct Operation : OVERLAPPED {
    bool is_read = false;
    std::shared_ptr<PipeStream> keep_alive;  // while in flight
  };

  PipeStream(OsHandle pipe, std::function<void()> hung_up)
      : pipe_(std::move(pipe)), hung_up_(std::move(hung_up)) {}

  static void CALLBACK Completed(PTP_CALLBACK_INSTANCE, void* self, void* overlapped, ULONG error,
                                 ULONG_PTR moved, PTP_IO);
  // ERROR_SUCCESS if the operation's completion will come.
  DWORD Start(Operation& operation, void* bytes, size_t size);
  void StartWritingRest();
  void FinishRead(DWORD error, size_t moved);
  void FinishWrite(DWORD error, size_t moved);
  void HangUp();

  OsHandle pipe_;
  PTP_IO io_ = nullptr;

  Mutex mutex_;
  bool shut_down_ ABSL_GUARDED_BY(mutex_) = false;
  std::function<void()> hung_up_ ABSL_GUARDED_BY(mutex_);

  // Touched by whoever has the one read, or the one write, in flight.
  Operation read_;
  ReadDone read_done_;
  Operation write_;
  std::string write_bytes_;
  size_t written_ = 0;
  WriteDone write_done_;
};

}  // namespace vramd

#endif  // VRAMD_IPC_PIPE_STREAM_WINDOWS_H_
