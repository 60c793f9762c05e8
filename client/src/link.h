// Link: one live connection to a broker, from greeting to break. Never reconnects; the client core
// makes a new one. Leases keep the link that they came by. Thread-safe.
#ifndef VRAMD_CLIENT_SRC_LINK_H_
#define VRAMD_CLIENT_SRC_LINK_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/environment.h"
#include "base/ids.h"
#include "client/src/errands.h"
#include "grpcpp/client_context.h"
#include "ipc/dial.h"
#include "ipc/grpc_transport.h"
#include "ipc/handle_lane.h"
#include "vramd/v1/broker.grpc.pb.h"
#include "vramd/v1/streams.grpc.pb.h"

namespace vramd {

class Link {
 public:
  explicit Link(Line line);

  // A context that carries the session's token.
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  std::unique_ptr<grpc::ClientContext> NewContext(std::chrono::milliseconds timeout) const;

  v1::Broker::Stub& stub() { return *stub_; }
  v1::Streams::Stub& streams() { return *streams_; }
  HandleReceiver& lane() { return *lane_; }
  const std::string& endpoint() const { return endpoint_; }

  // What a finished call says about the link, as a status for the caller.
  absl::Status Conclude(const grpc::Status& status);

  // True once the connection is gone for good.
  bool broken() const;

  RequestId NextRequest() { return RequestId{next_request_.fetch_add(1)}; }

  // To be called with every reply and every event that names handles, before one is redeemed.
  void Own(RequestId request, const google::protobuf::Message& message);

  // The reply to a call that was to make a lease did not come, but the broker may have made it: has
  // the broker take back handle and lease, without waiting for it.
  void GiveUp(RequestId request);
  // The same for a part of a stream, and for a new ring of this part's stream.
  void GiveUpPart(RequestId request);
  void GiveUpRing(uint64_t part, RequestId request);

  // The reply came, but cannot be used: closes the handles that nobody has redeemed, and has the
  // broker end the lease, the part or the ring. See ipc/handle_lane.h on why these differ.
  void GiveBack(RequestId request, LeaseId lease);
  void GiveBackPart(RequestId request, uint64_t part);
  void GiveBackRing(RequestId request, uint64_t part, uint32_t generation);

  // Says without waiting for the answer that a part's older generations are not used any more.
  void Retire(uint64_t part, uint32_t oldest_generation);
  // Offers images of a ring that grows, likewise: the answer comes as events.
  void ReturnImages(uint64_t part, uint32_t generation, absl::Span<const uint16_t> images);

 private:
  void Send(const v1::ReleaseRequest& release);
  void Send(const v1::LeaveStreamRequest& leave);
  void Send(const v1::RetireRequest& retire);

  const std::string endpoint_;
  const std::string token_;
  const std::unique_ptr<HandleReceiver> lane_;
  const StreamChannel channel_;
  const std::unique_ptr<v1::Broker::Stub> stub_;
  const std::unique_ptr<v1::Streams::Stub> streams_;
  std::atomic<bool> ended_ = false;  // the broker no longer knows the session
  std::atomic<uint64_t> next_request_ = 1;
  Errands errands_;  // ends before what its calls use
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_LINK_H_
