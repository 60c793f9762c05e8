// A unary call by gRPC's own client and by our channel, against the same gRPC server.
//
//   rpc_bench [calls]
//
// Prints the median of each and their ratio. The two take turns, so that a busy machine is as busy
// for both.
#include <cstdio>
#include <cstdlib>

#include "grpcpp/server_builder.h"
#include "ipc/grpc_transport.h"
#include "rpc/channel.h"
#include "tests/bench/stopwatch.h"
#include "vramd/v1/broker.grpc.pb.h"

#include <sys/socket.h>

namespace vramd {
namespace {

class PingService final : public v1::Broker::Service {
  grpc::Status Ping(grpc::ServerContext*, const v1::PingRequest*, v1::PingReply*) override {
    return grpc::Status::OK;
  }
};

OsHandle Connect(grpc::Server* server) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) abort();
  ServeOnStream(server, OsHandle(ends[1]), nullptr);
  return OsHandle(ends[0]);
}

int Main(int calls) {
  PingService service;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const StreamChannel stock = ChannelOnStream(Connect(server.get()), {});
  const auto stub = v1::Broker::NewStub(stock.channel);
  const auto made = Channel::Create(Connect(server.get()), {});
  if (!made.ok()) return 1;
  bool all_well = true;
  Samples theirs, ours;
  for (int i = 0; i < calls; ++i) {
    v1::PingReply reply;
    theirs.Time([&] {
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
      all_well = stub->Ping(&context, {}, &reply).ok() && all_well;
    });
    ours.Time([&] {
      all_well = (*made)
                     ->Call("/vramd.v1.Broker/Ping", v1::PingRequest(), &reply,
                            Clock::now() + std::chrono::seconds(20))
                     .ok() &&
                 all_well;
    });
  }
  std::printf("gRPC's client  p50 %6.1f us  p99 %6.1f us\n", theirs.p50(), theirs.p99());
  std::printf("our channel    p50 %6.1f us  p99 %6.1f us\n", ours.p50(), ours.p99());
  std::printf("ratio of p50   %.2f\n", ours.p50() / theirs.p50());
  server->Shutdown(std::chrono::system_clock::now());
  return all_well ? 0 : 1;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) { return vramd::Main(argc > 1 ? std::atoi(argv[1]) : 5000); }
