// A message of 512 bytes there and one back on a stream of gRPC, over a Unix socket that both sides
// were given, as the broker's own connections are.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "echo.grpc.pb.h"
#include "grpcpp/create_channel_posix.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/server_posix.h"
#include "tests/bench/stream/contender.h"

namespace vramd::bench {
namespace {

constexpr size_t kBytes = 512;

class EchoService final : public Echo::Service {
 public:
  grpc::Status Pass(grpc::ServerContext*,
                    grpc::ServerReaderWriter<FrameHeader, FrameHeader>* stream) override {
    for (FrameHeader header; stream->Read(&header);) stream->Write(header);
    return grpc::Status::OK;
  }
};

class GrpcStream : public Contender {
 public:
  GrpcStream() {
    constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    if (socketpair(AF_UNIX, kKind, 0, ends_.data()) != 0) std::abort();
  }
  ~GrpcStream() override {
    if (stream_ == nullptr) return;
    context_.TryCancel();
    (void)stream_->Finish();
  }
  std::string name() const override { return "gRPC stream, 512 bytes"; }

  void StartPing() override {
    close(ends_[1]);
    channel_ = grpc::CreateInsecureChannelFromFd("bench", ends_[0]);
    stub_ = Echo::NewStub(channel_);
    stream_ = stub_->Pass(&context_);
    header_.set_bytes(std::string(kBytes, 'x'));
  }
  void StartPong() override {
    close(ends_[0]);
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    grpc::AddInsecureChannelFromFd(server_.get(), ends_[1]);
  }
  void Ping() override {
    if (!stream_->Write(header_) || !stream_->Read(&header_)) std::abort();
  }
  // The call goes on, for which the server would wait.
  void EndPong() override { _exit(0); }
  void Pong() override {}  // a thread of the server's answers

 private:
  std::array<int, 2> ends_{};
  EchoService service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<Echo::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<FrameHeader, FrameHeader>> stream_;
  FrameHeader header_;
};

}  // namespace

std::unique_ptr<Contender> MakeGrpcStream() { return std::make_unique<GrpcStream>(); }

}  // namespace vramd::bench
