// The client's side of the door: connects, checks who serves, greets.
#ifndef VRAMD_IPC_DIAL_H_
#define VRAMD_IPC_DIAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/ids.h"
#include "base/os_handle.h"
#include "base/peer.h"
#include "ipc/handle_lane.h"

namespace vramd {

// A connection that was welcomed. `stream` is for gRPC.
struct Line {
  std::string endpoint;
  OsHandle stream;
  std::unique_ptr<HandleReceiver> lane;
  SessionId session;
  SecretToken token{};
  Peer server;
};

// Blocks until `deadline` at most. NOT_FOUND or UNAVAILABLE if nobody listens; PERMISSION_DENIED if
// a user who is not trusted serves the endpoint; the broker's own code and words if it refuses.
absl::StatusOr<Line> Dial(const std::string& endpoint, const std::string& trusted_user,
                          Clock::time_point deadline);

}  // namespace vramd

#endif  // VRAMD_IPC_DIAL_H_
