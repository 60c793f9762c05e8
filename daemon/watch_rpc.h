// One Watch call: a bounded queue between the broker and a client that may be slow.
#ifndef VRAMD_DAEMON_WATCH_RPC_H_
#define VRAMD_DAEMON_WATCH_RPC_H_

#include <string>

#include "absl/status/statusor.h"
#include "daemon/broker.h"
#include "daemon/front_door.h"
#include "grpcpp/support/server_callback.h"
#include "vramd/v1/broker.pb.h"

namespace vramd {

// How many events a slow watcher may be behind. Then they are dropped and it is told to list again.
inline constexpr size_t kMaxQueuedEvents = 1024;

// The reactor deletes itself when gRPC is done with the call. `broker` must outlive the server.
grpc::ServerWriteReactor<v1::WatchEvent>* StartWatch(Broker* broker, absl::StatusOr<Caller> caller,
                                                     const std::string& prefix);

}  // namespace vramd

#endif  // VRAMD_DAEMON_WATCH_RPC_H_
