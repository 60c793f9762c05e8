// Watch: the broker's events, through a bounded queue, to a client that may be slow.
#ifndef VRAMD_DAEMON_WATCH_RPC_H_
#define VRAMD_DAEMON_WATCH_RPC_H_

#include "daemon/broker.h"
#include "daemon/event_call.h"
#include "daemon/front_door.h"
#include "vramd/v1/broker.grpc.pb.h"

namespace vramd {

// The service with Watch on an EventLoop and everything else synchronous.
using BrokerService = v1::Broker::WithAsyncMethod_Watch<v1::Broker::Service>;

// How many events a slow watcher may be behind, the names that it began with apart. Then they are
// dropped and it is told to list again.
inline constexpr size_t kMaxQueuedEvents = 1024;

// Waits for clients that call Watch, until the server stops. All must outlive the loop.
void AcceptWatches(BrokerService* service, Broker* broker, const FrontDoor* front_door,
                   EventLoop* loop);

}  // namespace vramd

#endif  // VRAMD_DAEMON_WATCH_RPC_H_
