// gRPC on a connection that exists already. No listening port, no second connection.
#ifndef VRAMD_IPC_GRPC_TRANSPORT_H_
#define VRAMD_IPC_GRPC_TRANSPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "base/environment.h"
#include "base/os_handle.h"
#include "grpcpp/channel.h"
#include "grpcpp/server.h"
#include "grpcpp/support/channel_arguments.h"

namespace vramd {

// Metadata key of the session token that every call carries.
inline constexpr char kTokenMetadata[] = "vramd-token-bin";

// What handlers will see as context->peer() for calls on `stream`. Unique while it is open.
std::string GrpcPeerName(const OsHandle& stream);

// Serves calls that come in on `stream`. gRPC closes it when the connection ends. `hung_up`, which
// may be empty, runs once when that happens, where the system tells it to the stream's reader alone
// (Windows); on Linux it is not used.
void ServeOnStream(grpc::Server* server, OsHandle stream, std::function<void()> hung_up);

// A channel on a connection. It does not reconnect: when the connection breaks, calls answer
// UNAVAILABLE. gRPC does not tell the state of such a channel, so `broken` does: true, for good,
// as soon as gRPC has given the connection up. Thread-safe.
struct StreamChannel {
  std::shared_ptr<grpc::Channel> channel;
  std::function<bool()> broken;
};

StreamChannel ChannelOnStream(OsHandle stream, const grpc::ChannelArguments& arguments);

}  // namespace vramd

#endif  // VRAMD_IPC_GRPC_TRANSPORT_H_
