// The handle lane: the path by which OS handles reach a client beside gRPC.
//
// The broker sends a handle and gets a number for it; the number travels in the gRPC reply; the
// client redeems it. On Linux the lane is a SOCK_SEQPACKET pair and SCM_RIGHTS, on Windows the
// broker duplicates into the client's process and the number is the HANDLE's value there.
//
// Who closes what was duplicated into a client (Windows)? A value that the client has closed may
// mean something else there a moment later, so exactly one side may close it, at most once:
// - Whoever can read the number owns the handle. A reply comes whole or not at all. If it came, the
//   client owns every handle that it names, those that it never redeems included.
// - Of a call whose reply did not come the client cannot know a number, so nothing there can have
//   closed the handles: the broker takes them back, when it sends no reply or when the client says
//   that none came. A client whose reply came gives back by lease, part or generation instead.
// - The broker takes a handle back once, whoever asks first.
//
// Both ends are thread-safe.
#ifndef VRAMD_IPC_HANDLE_LANE_H_
#define VRAMD_IPC_HANDLE_LANE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

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

  // Takes back a handle of that call, whose reply will not be sent. A no-op on Linux, where the
  // client drops what it does not expect.
  void TakeBack(RequestId request, uint64_t number);

  // Takes back what was sent for a call whose reply the client says it never got. Only the latest
  // 1024 handles are remembered. A no-op on Linux, likewise.
  void TakeBackRequest(RequestId request);

 private:
  void CloseInClient(uint64_t number);  // Windows

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

  // A reply or an event of this call has come and names these handles: they belong to this end now,
  // which closes those that nobody redeems, at the latest with itself. A no-op on Linux, where a
  // handle belongs to this end when it is read from the lane.
  void Own(RequestId request, const std::vector<uint64_t>& numbers);

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
