// The broker's one door: listens, learns from the kernel who knocks, greets, and tells who left.
//
// For each connection, in this order:
//   1. identity from the kernel, before a byte is read; the process is held
//   2. DoorKeeper::Admit, on the identity alone
//   3. ClientHello, within a deadline
//   4. DoorKeeper::Enter, which makes the session
//   5. ServerHello with the token and the handle lane
//   6. DoorKeeper::Serve, which hands the very same connection to gRPC
// and later, once the connection is closed by either side or the process has ended:
//   7. DoorKeeper::Left
//
// One thread of the door's own does all this; it never waits for a single peer, so silent and slow
// ones cost a slot until their deadline and nothing else.
#ifndef VRAMD_IPC_DOOR_H_
#define VRAMD_IPC_DOOR_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/environment.h"
#include "base/ids.h"
#include "base/os_handle.h"
#include "base/peer.h"
#include "ipc/handle_lane.h"

namespace vramd {

// Decides at the door. Called on the door's thread; must not block.
class DoorKeeper {
 public:
  virtual ~DoorKeeper() = default;

  // May this peer talk to us at all?
  virtual absl::Status Admit(const Peer& peer) = 0;

  // A valid greeting. The token answers it. An error refuses the peer with its words.
  virtual absl::StatusOr<SecretToken> Enter(SessionId session, const Peer& peer,
                                            std::shared_ptr<HandleSender> lane) = 0;

  // The greeting is over: `stream` is for gRPC. Only after a successful Enter(). `hung_up` goes to
  // ServeOnStream(); it may be called on any thread, also after the door is gone.
  virtual void Serve(SessionId session, OsHandle stream, std::function<void()> hung_up) = 0;

  // The connection or its process has ended. Once for each successful Enter().
  virtual void Left(SessionId session, absl::string_view why) = 0;

  // A peer was turned away, by Admit(), Enter() or the greeting. For the log.
  virtual void Refused(const Peer& peer, const absl::Status& why) = 0;
};

struct DoorOptions {
  std::string endpoint;      // path of the socket or pipe
  std::string access_group;  // members may connect too; empty: the owner alone
  // A socket that the service manager listens on already, instead of `endpoint`.
  OsHandle inherited;
  std::chrono::milliseconds greeting_timeout{2000};
  size_t max_greetings = 64;           // in progress at once, all users
  size_t max_greetings_per_user = 32;  // likewise, one user
};

class Door {
 public:
  // Starts to listen. ALREADY_EXISTS if a live broker serves the endpoint; what a dead one left
  // behind is replaced. `keeper` must outlive the door.
  static absl::StatusOr<std::unique_ptr<Door>> Open(DoorOptions options, DoorKeeper* keeper);

  // Closes every connection, tells the keeper, and stops the thread.
  virtual ~Door() = default;
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  virtual const std::string& endpoint() const = 0;

  // No new connection from now on; those that exist stay. Thread-safe.
  virtual void StopListening() = 0;

  // Closes one connection; Left() follows on the door's thread. Thread-safe, idempotent.
  virtual void Disconnect(SessionId session) = 0;

 protected:
  Door() = default;
};

}  // namespace vramd

#endif  // VRAMD_IPC_DOOR_H_
