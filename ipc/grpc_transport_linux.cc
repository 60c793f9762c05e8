#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/server_posix.h"
#include "ipc/grpc_transport.h"

namespace vramd {

// gRPC names a connection that it was given by its descriptor.
std::string GrpcPeerName(const OsHandle& stream) { return absl::StrCat("fd:", stream.get()); }

void ServeOnStream(grpc::Server* server, OsHandle stream) {
  grpc::AddInsecureChannelFromFd(server, stream.Release());
}

std::shared_ptr<grpc::Channel> ChannelOnStream(OsHandle stream,
                                               const grpc::ChannelArguments& arguments) {
  return grpc::CreateCustomInsecureChannelFromFd("vramd", stream.Release(), arguments);
}

}  // namespace vramd
