// The handle lane: the path by which OS handles reach a client beside gRPC.
//
// The broker sends a handle and gets a number for it; the number travels in the gRPC reply; the
// client redeems it. On Linux the lane is a SOCK_SEQPACKET pair and SCM_RIGHTS, on Windows the
// broker duplicates into the client's process and the number is the HANDLE's value there.
//
// Both ends are thread-safe.
#ifndef VRAMD_IPC_HANDLE_LANE_H_
#define VRAMD_IPC_HANDLE_LANE_H_

#include <cstdint>
#include <deque>
#include <map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/os_handle.h"

namespace vramd {

// The broker's end.
class HandleSender {
 public:
  // Linux: `end` is the broker's end of the pair. Windows: the held client process.
  explicit HandleSender(OsHandle end) : end_(std::move(end)) {}

  // Gives the client a duplicate of `handle`, which stays the caller's. `request` says which call
  // it belongs to. Returns the number for the reply. Never blocks: RESOURCE_EXHAUSTED if the client
  // does not take its handles; UNAVAILABLE if it is gone.
  absl::StatusOr<uint64_t> Send(RequestId request, const OsHandle& handle);

  // Whether the client has taken so many of its handles that those of one more event fit. Always,
  // where a lane cannot fill up (Windows).
  bool HasRoom();

  // Takes back a handle whose reply will not be sent. A no-op on Linux, where the client drops what
  // it does not expect.
  void TakeBack(uint64_t number);

  // Takes back what was sent for a call whose reply the client says it never got. Only the latest
  // 1024 handles are remembered. A no-op on Linux, likewise.
  void TakeBackRequest(RequestId request);

 private:
  struct Sent {
    RequestId request;
    uint64_t number;
  };

  Mutex mutex_;
  OsHandle end_;
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 1;  // Linux
  std::deque<Sent> sent_ ABSL_GUARDED_BY(mutex_);     // Windows
};

// The client's end.
class HandleReceiver {
 public:
  explicit HandleReceiver(OsHandle end) : end_(std::move(end)) {}

  // The handle that bears `number`, owned by the caller and close-on-exec. DEADLINE_EXCEEDED,
  // UNAVAILABLE if the lane is closed, RESOURCE_EXHAUSTED if this process has no room for it.
  absl::StatusOr<OsHandle> Redeem(uint64_t number, Clock::time_point deadline);

  // No one will redeem what belongs to this call: closes it now or when it comes.
  void Abandon(RequestId request);

 private:
  struct Arrived {
    RequestId request;
    OsHandle handle;
  };
  // Reads one message if there is one. NOT_FOUND if there is none.
  absl::Status ReceiveOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  OsHandle end_;
  std::map<uint64_t, Arrived> arrived_ ABSL_GUARDED_BY(mutex_);
  std::deque<RequestId> abandoned_ ABSL_GUARDED_BY(mutex_);  // the latest 1024
};

}  // namespace vramd

#endif  // VRAMD_IPC_HANDLE_LANE_H_
