// ByteStream: one connected stream that is read and written without blocking, and one place to wait
// for it. What differs between systems; one file for each.
#ifndef VRAMD_RPC_BYTE_STREAM_H_
#define VRAMD_RPC_BYTE_STREAM_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/environment.h"
#include "base/os_handle.h"

namespace vramd {

// Everything but Wait(), Wake() and hung_up() belongs to one thread at a time: whoever holds the
// lock of the owner. Wait() runs beside them, in one thread at a time.
class ByteStream {
 public:
  // Takes a connected stream socket, or an overlapped pipe.
  static absl::StatusOr<std::unique_ptr<ByteStream>> Adopt(OsHandle stream);

  // Ends the connection for both sides, whoever else has a copy of the handle.
  virtual ~ByteStream() = default;

  // Bytes moved; 0 if none can be now. UNAVAILABLE once the stream has ended.
  virtual absl::StatusOr<size_t> Read(char* into, size_t size) = 0;
  virtual absl::StatusOr<size_t> Write(absl::string_view bytes) = 0;

  // Around Wait(), in the thread that waits. `for_room`: there is something to write, too.
  virtual void BeginWait(bool for_room) = 0;
  virtual void EndWait() = 0;
  // Until the stream can be read, or written if BeginWait() asked for it, or Wake() was called
  // since BeginWait(), or `deadline`. May return earlier. Whoever owns the stream looks for
  // himself.
  virtual void Wait(Clock::time_point deadline) = 0;
  virtual void Wake() = 0;

  // The other side has closed its end; there may still be bytes to read.
  virtual bool hung_up() = 0;

  // What to poll to learn that there is something to read, or that news was set; made on first use.
  // The stream's until the end. kInvalidNativeHandle if the system has no room for it.
  virtual NativeHandle poll_handle() = 0;
  // Whether something that was read waits to be taken by the user of poll_handle().
  virtual void SetNews(bool news) = 0;
  // The connection is of no use any more: only news counts from now on.
  virtual void Abandon() = 0;

 protected:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
};

}  // namespace vramd

#endif  // VRAMD_RPC_BYTE_STREAM_H_
