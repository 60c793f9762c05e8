// The wire's side of streams: parses requests, asks the stream broker, sends handles, fills
// replies. Follow is in follow_rpc.h.
#ifndef VRAMD_DAEMON_STREAMS_RPC_H_
#define VRAMD_DAEMON_STREAMS_RPC_H_

#include "daemon/follow_rpc.h"
#include "daemon/front_door.h"
#include "daemon/stream_broker.h"
#include "vramd/v1/streams.grpc.pb.h"

namespace vramd {

class StreamsRpc final : public StreamsService {
 public:
  // Both must outlive the server that this is registered with.
  StreamsRpc(StreamBroker* streams, const FrontDoor* front_door)
      : streams_(streams), front_door_(front_door) {}

  grpc::Status Create(grpc::ServerContext* context, const v1::CreateStreamRequest* request,
                      v1::CreateStreamReply* reply) override;
  grpc::Status Start(grpc::ServerContext* context, const v1::StartStreamRequest* request,
                     v1::StartStreamReply* reply) override;
  grpc::Status Resize(grpc::ServerContext* context, const v1::ResizeStreamRequest* request,
                      v1::ResizeStreamReply* reply) override;
  grpc::Status ReturnImages(grpc::ServerContext* context, const v1::ReturnImagesRequest* request,
                            v1::ReturnImagesReply* reply) override;
  grpc::Status Retire(grpc::ServerContext* context, const v1::RetireRequest* request,
                      v1::RetireReply* reply) override;
  grpc::Status Open(grpc::ServerContext* context, const v1::OpenStreamRequest* request,
                    v1::OpenStreamReply* reply) override;
  grpc::Status Leave(grpc::ServerContext* context, const v1::LeaveStreamRequest* request,
                     v1::LeaveStreamReply* reply) override;
  grpc::Status List(grpc::ServerContext* context, const v1::ListStreamsRequest* request,
                    v1::ListStreamsReply* reply) override;

 private:
  absl::Status HandleCreate(const Caller& caller, const grpc::ServerContext& context,
                            const v1::CreateStreamRequest& request, v1::CreateStreamReply* reply);
  absl::Status HandleResize(const Caller& caller, const grpc::ServerContext& context,
                            const v1::ResizeStreamRequest& request, v1::ResizeStreamReply* reply);
  absl::Status MakeRing(const Caller& caller, const grpc::ServerContext& context, PartId part,
                        RequestId id, const RingRequest& what, v1::Generation* generation);
  absl::Status HandleOpen(const Caller& caller, const grpc::ServerContext& context,
                          const v1::OpenStreamRequest& request, v1::OpenStreamReply* reply);

  StreamBroker* const streams_;
  const FrontDoor* const front_door_;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_STREAMS_RPC_H_
