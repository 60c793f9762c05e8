// gRPC on a connection that exists already. No listening port, no second connection.
#ifndef VRAMD_IPC_GRPC_TRANSPORT_H_
#define VRAMD_IPC_GRPC_TRANSPORT_H_

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

// Serves calls that come in on `stream`. gRPC closes it when the connection ends.
void ServeOnStream(grpc::Server* server, OsHandle stream);

// A channel that speaks on `stream` and does not reconnect: when it breaks, calls answer
// UNAVAILABLE.
std::shared_ptr<grpc::Channel> ChannelOnStream(OsHandle stream,
                                               const grpc::ChannelArguments& arguments);

}  // namespace vramd

#endif  // VRAMD_IPC_GRPC_TRANSPORT_H_
