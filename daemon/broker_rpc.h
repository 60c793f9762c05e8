// The wire's side of the broker: parses requests, asks the broker, fills replies. Decides nothing.
//
// Plain calls are synchronous, which reads best and lets a handler wait for a driver. Watch, which
// would hold a thread for its whole life, is in watch_rpc.h.
#ifndef VRAMD_DAEMON_BROKER_RPC_H_
#define VRAMD_DAEMON_BROKER_RPC_H_

#include "daemon/broker.h"
#include "daemon/front_door.h"
#include "daemon/watch_rpc.h"
#include "vramd/v1/broker.grpc.pb.h"

namespace vramd {

class BrokerRpc final : public BrokerService {
 public:
  // Both must outlive the server that this is registered with.
  BrokerRpc(Broker* broker, const FrontDoor* front_door)
      : broker_(broker), front_door_(front_door) {}

  grpc::Status Ping(grpc::ServerContext* context, const v1::PingRequest* request,
                    v1::PingReply* reply) override;
  grpc::Status Describe(grpc::ServerContext* context, const v1::DescribeRequest* request,
                        v1::DescribeReply* reply) override;
  grpc::Status Allocate(grpc::ServerContext* context, const v1::AllocateRequest* request,
                        v1::LeaseReply* reply) override;
  grpc::Status Open(grpc::ServerContext* context, const v1::OpenRequest* request,
                    v1::LeaseReply* reply) override;
  grpc::Status Release(grpc::ServerContext* context, const v1::ReleaseRequest* request,
                       v1::ReleaseReply* reply) override;
  grpc::Status Publish(grpc::ServerContext* context, const v1::PublishRequest* request,
                       v1::PublishReply* reply) override;
  grpc::Status Withdraw(grpc::ServerContext* context, const v1::WithdrawRequest* request,
                        v1::WithdrawReply* reply) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListRequest* request,
                    v1::ListReply* reply) override;
  grpc::Status CheckShare(grpc::ServerContext* context, const v1::CheckShareRequest* request,
                          v1::CheckShareReply* reply) override;

 private:
  // Sends the handle down the lane and fills the reply. What cannot be delivered is released.
  absl::Status Deliver(const Caller& caller, grpc::ServerContext& context, RequestId request,
                       absl::StatusOr<Grant> grant, v1::LeaseReply* reply);

  Broker* const broker_;
  const FrontDoor* const front_door_;
};

// For replies and events.
void ToProto(const Listing& listing, v1::Published* out);

}  // namespace vramd

#endif  // VRAMD_DAEMON_BROKER_RPC_H_
