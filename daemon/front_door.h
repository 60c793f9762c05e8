// The daemon's keeper of the door: sessions begin and end here, and calls prove here whose they
// are.
//
//   door thread:  Admit -> Enter (session, token) -> Serve (gRPC gets the connection) -> Left
//   reaper:       frees what a session that left had
//   gRPC threads: Authenticate (connection and token must belong together)
#ifndef VRAMD_DAEMON_FRONT_DOOR_H_
#define VRAMD_DAEMON_FRONT_DOOR_H_

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/environment.h"
#include "base/mutex.h"
#include "daemon/broker.h"
#include "daemon/reaper.h"
#include "grpcpp/server.h"
#include "grpcpp/server_context.h"
#include "ipc/door.h"
#include "ipc/handle_lane.h"

namespace vramd {

// Who makes a call.
struct Caller {
  SessionId session;
  Peer peer;
  std::shared_ptr<HandleSender> lane;
};

class FrontDoor final : public DoorKeeper {
 public:
  // `broker` must outlive this.
  explicit FrontDoor(Broker* broker, Environment environment = {})
      : broker_(broker), environment_(std::move(environment)) {}

  // Before the door opens. `server` must outlive the door.
  void ServeWith(grpc::Server* server) { server_ = server; }

  // UNAUTHENTICATED unless the call's token is the one that its own connection was given.
  absl::StatusOr<Caller> Authenticate(const grpc::ServerContextBase& context) const;

  absl::Status Admit(const Peer& peer) override;
  absl::StatusOr<SecretToken> Enter(SessionId session, const Peer& peer,
                                    std::shared_ptr<HandleSender> lane) override;
  void Serve(SessionId session, OsHandle stream, std::function<void()> hung_up) override;
  void Left(SessionId session, absl::string_view why) override;
  void Refused(const Peer& peer, const absl::Status& why) override;

 private:
  struct Entry {
    Caller caller;
    SecretToken token{};
    std::string connection;  // gRPC's name for it, once it is served
    mutable uint64_t wrong_tokens = 0;
  };

  Broker* const broker_;
  const Environment environment_;
  grpc::Server* server_ = nullptr;

  mutable Mutex mutex_;
  std::unordered_map<SessionId, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // A connection's name may be used again after it closed; the latest session that has it counts.
  std::unordered_map<std::string, SessionId> by_connection_ ABSL_GUARDED_BY(mutex_);

  Reaper reaper_;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_FRONT_DOOR_H_
