// gRPC's own server on a socket pair: what our channel is compared with.
#ifndef VRAMD_TESTS_UNIT_RPC_GRPC_SERVER_LINUX_H_
#define VRAMD_TESTS_UNIT_RPC_GRPC_SERVER_LINUX_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "grpcpp/server_builder.h"
#include "ipc/grpc_transport.h"
#include "rpc/channel.h"
#include "vramd/v1/broker.grpc.pb.h"

namespace vramd {

inline std::pair<OsHandle, OsHandle> SocketPair() {
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  return {OsHandle(ends[0]), OsHandle(ends[1])};
}

// Answers as the request says.
class ScriptedService final : public v1::Broker::Service {
 public:
  // An error, its code and its words.
  grpc::Status Withdraw(grpc::ServerContext*, const v1::WithdrawRequest* request,
                        v1::WithdrawReply*) override {
    int code = 0;
    EXPECT_TRUE(absl::SimpleAtoi(request->name().substr(0, 2), &code));
    return grpc::Status(static_cast<grpc::StatusCode>(code), request->name().substr(2));
  }
  // A name of as many bytes as the prefix says, or the prefix.
  grpc::Status List(grpc::ServerContext*, const v1::ListRequest* request,
                    v1::ListReply* reply) override {
    size_t size = 0;
    *reply->add_published()->mutable_name() =
        absl::SimpleAtoi(request->prefix(), &size) ? std::string(size, 'x') : request->prefix();
    return grpc::Status::OK;
  }
  // The token of the caller.
  grpc::Status Publish(grpc::ServerContext* context, const v1::PublishRequest*,
                       v1::PublishReply* reply) override {
    const auto token = context->client_metadata().find(kTokenMetadata);
    for (const char c : std::string(token->second.data(), token->second.size()))
      absl::StrAppend(reply->mutable_name(), static_cast<int>(static_cast<unsigned char>(c)), " ");
    return grpc::Status::OK;
  }
  // Never, until the call is cancelled.
  grpc::Status Describe(grpc::ServerContext* context, const v1::DescribeRequest*,
                        v1::DescribeReply*) override {
    ++waiting;
    waiting.notify_all();
    while (!context->IsCancelled()) usleep(1000);
    ++cancelled;
    cancelled.notify_all();
    return grpc::Status::CANCELLED;
  }
  grpc::Status Release(grpc::ServerContext*, const v1::ReleaseRequest*,
                       v1::ReleaseReply*) override {
    ++released;
    released.notify_all();
    return grpc::Status::OK;
  }
  // As many events as the prefix says, each of 1,000 bytes or so.
  grpc::Status Watch(grpc::ServerContext*, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchEvent>* writer) override {
    int count = 0;
    EXPECT_TRUE(absl::SimpleAtoi(request->prefix(), &count));
    for (int i = 0; i < count; ++i) {
      v1::WatchEvent event;
      event.set_reason(absl::StrCat(std::string(1000, 'e'), i));
      if (!writer->Write(event)) break;
      ++written;
    }
    return grpc::Status::OK;
  }

  std::atomic<int> waiting = 0, cancelled = 0, released = 0, written = 0;
};

class GrpcServer {
 public:
  GrpcServer() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    builder.SetMaxReceiveMessageSize(-1);
    server_ = builder.BuildAndStart();
  }
  ~GrpcServer() { Stop(); }
  void Stop() { server_->Shutdown(std::chrono::system_clock::now()); }

  OsHandle Connect() {
    auto [ours, theirs] = SocketPair();
    ServeOnStream(server_.get(), std::move(theirs), nullptr);
    return std::move(ours);
  }
  std::shared_ptr<Channel> NewChannel() {
    auto channel = Channel::Create(Connect(), {{kTokenMetadata, std::string("\0\xff\x10", 3)}});
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *std::move(channel);
  }
  ScriptedService& service() { return service_; }

 private:
  ScriptedService service_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_RPC_GRPC_SERVER_LINUX_H_
