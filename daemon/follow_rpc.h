// Follow: what the stream broker tells of one part, with the handles that belong to it.
#ifndef VRAMD_DAEMON_FOLLOW_RPC_H_
#define VRAMD_DAEMON_FOLLOW_RPC_H_

#include "absl/status/status.h"
#include "daemon/event_call.h"
#include "daemon/front_door.h"
#include "daemon/handle_batch.h"
#include "daemon/stream_broker.h"
#include "vramd/v1/streams.grpc.pb.h"

namespace vramd {

// The service with Follow on an EventLoop and everything else synchronous.
using StreamsService = v1::Streams::WithAsyncMethod_Follow<v1::Streams::Service>;

// Waits for clients that call Follow, until the server stops. All must outlive the loop.
void AcceptFollows(StreamsService* service, StreamBroker* streams, const FrontDoor* front_door,
                   EventLoop* loop);

// For replies and events: sends the handles, and names them in the message.
absl::Status SendRing(const StreamRing& ring, uint32_t number, HandleBatch& handles,
                      v1::Generation* out);
v1::StreamMode ToProto(stream::LaneMode mode);

}  // namespace vramd

#endif  // VRAMD_DAEMON_FOLLOW_RPC_H_
