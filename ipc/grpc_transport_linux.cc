#include <poll.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/server_posix.h"
#include "ipc/grpc_transport.h"

namespace vramd {

// gRPC names a connection that it was given by its descriptor.
std::string GrpcPeerName(const OsHandle& stream) { return absl::StrCat("fd:", stream.get()); }

void ServeOnStream(grpc::Server* server, OsHandle stream, std::function<void()>) {
  grpc::AddInsecureChannelFromFd(server, stream.Release());
}

// Both sides' ends show as a hang-up on a duplicate: the broker's when it closes or dies, gRPC's
// because it shuts a socket down before it closes it.
StreamChannel ChannelOnStream(OsHandle stream, const grpc::ChannelArguments& arguments) {
  auto watched = std::make_shared<OsHandle>();
  if (auto copy = stream.Duplicate(); copy.ok()) *watched = *std::move(copy);
  StreamChannel made;
  made.broken = [watched] {
    pollfd end = {watched->get(), POLLRDHUP, 0};
    return !watched->valid() || poll(&end, 1, 0) != 0;
  };
  made.channel = grpc::CreateCustomInsecureChannelFromFd("vramd", stream.Release(), arguments);
  return made;
}

}  // namespace vramd
