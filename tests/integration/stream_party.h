// A party of a stream that speaks raw gRPC and takes its handles from the lane itself: the service
// as the wire shows it, without the client library.
#ifndef VRAMD_TESTS_INTEGRATION_STREAM_PARTY_H_
#define VRAMD_TESTS_INTEGRATION_STREAM_PARTY_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "ipc/dial.h"
#include "ipc/grpc_transport.h"
#include "vramd/v1/broker.grpc.pb.h"
#include "vramd/v1/streams.grpc.pb.h"

namespace vramd {

class StreamParty {
 public:
  // Ends the test program if the broker refuses.
  explicit StreamParty(const std::string& endpoint);

  // Each returns the status and fills the reply. Request numbers are filled in.
  grpc::Status Create(v1::CreateStreamRequest request, v1::CreateStreamReply* reply);
  grpc::Status Open(v1::OpenStreamRequest request, v1::OpenStreamReply* reply);
  grpc::Status Resize(uint64_t part, uint32_t images, v1::ResizeStreamReply* reply);
  grpc::Status Start(uint64_t part);
  grpc::Status Retire(uint64_t part, uint32_t oldest);
  // Of a Resize whose reply did not come: redeems none of its handles, as nobody could.
  grpc::Status RetireByRequest(uint64_t part, uint64_t unheard);
  // Of a Resize whose reply came: its handles are this process's own.
  grpc::Status RetireUnused(uint64_t part, uint32_t generation);
  grpc::Status Leave(uint64_t part);
  grpc::Status LeaveByRequest(uint64_t request);
  v1::ListStreamsReply List();
  uint64_t QuotaUsed(const std::string& name);
  uint64_t last_request() const { return request_; }

  // The handle that a message names, or the reason why it does not come.
  absl::StatusOr<OsHandle> Redeem(const v1::HandleRef& handle);
  // All of them, so that the lane stays empty; how many there were.
  size_t RedeemAll(const v1::Generation& generation);

  // Created, its board sealed, started. Its handles are taken.
  uint64_t Produce(const std::string& name, uint32_t images = 3);
  // Opened, its handles taken.
  uint64_t Consume(const std::string& name);

  // One Follow call. Cancelled when it goes.
  class Followed {
   public:
    Followed(StreamParty& party, uint64_t part);
    ~Followed();
    // The next event; nullopt when the call has ended, see End().
    std::optional<v1::StreamEvent> Next();
    // The next event's kind and what matters of it: "FOLLOWING", "CONSUMER_LEFT 7 died".
    std::string NextWords();
    grpc::Status End();

   private:
    std::unique_ptr<grpc::ClientContext> context_;
    std::unique_ptr<grpc::ClientReader<v1::StreamEvent>> reader_;
    bool ended_ = false;
  };

 private:
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  grpc::Status Send(uint64_t part, v1::RetireRequest request);

  Line line_;
  StreamChannel channel_;
  std::unique_ptr<v1::Streams::Stub> streams_;
  std::unique_ptr<v1::Broker::Stub> broker_;
  uint64_t request_ = 0;
};

v1::CreateStreamRequest StreamOf(const std::string& name, uint32_t images = 3);
v1::OpenStreamRequest OpeningOf(const std::string& name);

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_STREAM_PARTY_H_
