// A whole broker in this process: null device, gRPC server and door in a directory of its own.
#ifndef VRAMD_TESTS_UNIT_BROKER_SERVER_LINUX_H_
#define VRAMD_TESTS_UNIT_BROKER_SERVER_LINUX_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/broker_rpc.h"
#include "daemon/event_call.h"
#include "daemon/front_door.h"
#include "daemon/watch_rpc.h"
#include "grpcpp/server_builder.h"
#include "ipc/dial.h"
#include "ipc/grpc_transport.h"
#include "tests/unit/broker_fakes.h"
#include "tests/unit/temporary_directory_linux.h"

namespace vramd {

class BrokerServer {
 public:
  explicit BrokerServer(const BrokerLimits& limits = {}) : broker_(&hub_, limits, OwnUserAlone()) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(64 << 10);
    events_ = std::make_unique<EventLoop>(builder.AddCompletionQueue());
    server_ = builder.BuildAndStart();
    events_->Start();
    AcceptWatches(&service_, &broker_, &front_door_, events_.get());
    front_door_.ServeWith(server_.get());
    auto door = Door::Open({.endpoint = endpoint_}, &front_door_);
    EXPECT_TRUE(door.ok()) << door.status();
    door_ = *std::move(door);
  }
  ~BrokerServer() {
    door_->StopListening();
    server_->Shutdown(std::chrono::system_clock::now());
  }

  Broker& broker() { return broker_; }
  FrontDoor& front_door() { return front_door_; }
  Door& door() { return *door_; }
  FaultyDevice& device() { return *device_; }
  const std::string& endpoint() const { return endpoint_; }

 private:
  static Policy OwnUserAlone() {
    Policy policy;
    policy.may_connect = {{Subject::Kind::kEveryone, ""}};
    return policy;
  }

  const TemporaryDirectory directory_;
  const std::string endpoint_ = directory_ / "vramd.sock";
  const std::shared_ptr<FaultyDevice> device_ = std::make_shared<FaultyDevice>();
  DeviceHub hub_{[this] { return std::vector<std::shared_ptr<Device>>{device_}; }};
  Broker broker_;
  FrontDoor front_door_{&broker_};
  BrokerRpc service_{&broker_, &front_door_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<EventLoop> events_;  // ends before the server, which its queue points into
  std::unique_ptr<Door> door_;
};

// A client that is free to lie about its token.
class RawClient {
 public:
  explicit RawClient(const std::string& endpoint) {
    auto line = Dial(endpoint, "", Clock::now() + std::chrono::seconds(20));
    EXPECT_TRUE(line.ok()) << line.status();
    session = line->session;
    token = std::string(line->token.begin(), line->token.end());
    lane = std::move(line->lane);
    channel = ChannelOnStream(std::move(line->stream), {});
    stub = v1::Broker::NewStub(channel.channel);
  }

  // A context with `with` as its token.
  static std::unique_ptr<grpc::ClientContext> Context(const std::string& with) {
    auto context = std::make_unique<grpc::ClientContext>();
    if (!with.empty()) context->AddMetadata(kTokenMetadata, with);
    context->set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    return context;
  }

  // One unary call with the given token, or the client's own.
  template <typename Request, typename Reply>
  grpc::Status Call(grpc::Status (v1::Broker::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Reply*),
                    const Request& request, Reply* reply) {
    const auto context = Context(token);
    return (stub.get()->*method)(context.get(), request, reply);
  }
  grpc::Status Ping(const std::string& with) {
    v1::PingReply reply;
    const auto context = Context(with);
    return stub->Ping(context.get(), {}, &reply);
  }
  grpc::Status Ping() { return Ping(token); }

  SessionId session;
  std::string token;
  std::unique_ptr<HandleReceiver> lane;
  StreamChannel channel;
  std::unique_ptr<v1::Broker::Stub> stub;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_BROKER_SERVER_LINUX_H_
