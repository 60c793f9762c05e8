#include "daemon/streams_rpc.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "daemon/rpc_call.h"
#include "proto/convert.h"

namespace vramd {
namespace {

absl::StatusOr<StreamRequest> ParseCreate(const v1::CreateStreamRequest& in) {
  StreamRequest out;
  VRAMD_ASSIGN_OR_RETURN(out.ring.image, ParseMemory(in.resource(), in.intent(), in.handle_type(), in.memory_type_bits()));
  VRAMD_RETURN_IF_ERROR(CheckSelector(in.device()));
  out.ring.count = in.image_count();
  out.ring.min_count = in.min_image_count();
  out.ring.max_count = in.max_image_count();
  out.keep_last = !in.forget_last();
  out.overcommit = in.overcommit();
  out.name = in.name();
  out.device = in.device();
  out.consumer_limit = in.consumer_limit();
  out.allow_waiting = in.allow_waiting();
  out.label = in.label();
  return out;
}

absl::StatusOr<ConsumerTerms> ParseTerms(const v1::OpenStreamRequest& in) {
  if (!v1::StreamMode_IsValid(in.mode()))
    return absl::InvalidArgumentError(
        absl::StrCat("mode ", static_cast<int>(in.mode()), " is unknown to this broker"));
  if (!v1::WhenFull_IsValid(in.when_full()))
    return absl::InvalidArgumentError(
        absl::StrCat("when_full ", static_cast<int>(in.when_full()), " is unknown to this broker"));
  ConsumerTerms out;
  if (in.mode() == v1::STREAM_MODE_FIFO) out.lane.mode = stream::LaneMode::kFifo;
  out.lane.limit = in.limit();
  out.wait_when_full = in.when_full() == v1::WHEN_FULL_WAIT;
  return out;
}

// A client that gave up also leaves by request, but it may not come to that: see here too.
absl::Status CheckWaiting(const grpc::ServerContext& context) {
  if (!context.IsCancelled()) return absl::OkStatus();
  return absl::CancelledError("the client gave up waiting");
}

absl::Status Fill(const CreatedStream& created, HandleBatch& handles,
                  v1::CreateStreamReply* reply) {
  reply->set_part_id(created.part.value);
  reply->set_name(created.name);
  VRAMD_RETURN_IF_ERROR(handles.Send(created.board, reply->mutable_board()));
  VRAMD_RETURN_IF_ERROR(
      SendRing(*created.ring, created.generation, handles, reply->mutable_generation()));
  reply->mutable_generation()->set_grows(created.request.grows());
  reply->mutable_generation()->set_min_image_count(created.request.floor());
  if (created.frames == nullptr) return absl::OkStatus();
  return handles.Send(created.frames->handle, reply->mutable_frames()->mutable_handle());
}

absl::Status Fill(const OpenedStream& opened, HandleBatch& handles, v1::OpenStreamReply* reply) {
  const ConsumerLink& link = *opened.link;
  reply->set_part_id(opened.part.value);
  reply->set_name(opened.name);
  reply->set_mode(ToProto(opened.terms.lane.mode));
  reply->set_limit(opened.terms.lane.limit);
  ToProto(opened.producer, reply->mutable_producer());
  VRAMD_RETURN_IF_ERROR(handles.Send(opened.board, reply->mutable_board()));
  VRAMD_RETURN_IF_ERROR(handles.Send(link.lane, reply->mutable_lane()));
  v1::Doorbells* bells = reply->mutable_doorbells();
  VRAMD_RETURN_IF_ERROR(handles.Send(link.frames.listen, bells->mutable_listen()));
  VRAMD_RETURN_IF_ERROR(handles.Send(link.releases.ring, bells->mutable_ring()));
  VRAMD_RETURN_IF_ERROR(
      SendRing(*opened.ring, opened.generation, handles, reply->mutable_generation()));
  reply->mutable_generation()->set_grows(opened.grows);
  // Either both sides have one or none has.
  if (opened.frames == nullptr) return absl::OkStatus();
  VRAMD_RETURN_IF_ERROR(
      handles.Send(opened.frames->handle, reply->mutable_frames()->mutable_handle()));
  return handles.Send(link.timeline->handle, reply->mutable_releases()->mutable_handle());
}

void Fill(const StreamListing& listing, v1::StreamListing* out) {
  out->set_name(listing.name);
  ToProto(listing.producer, out->mutable_producer());
  out->set_label(listing.label);
  out->set_generation(listing.generation);
  ToProto(listing.recipe, out->mutable_recipe());
  out->set_image_count(listing.image_count);
  out->set_timeline(listing.timeline);
  out->set_published(listing.published);
  for (const StreamConsumerListing& consumer : listing.consumers) {
    v1::StreamConsumer* added = out->add_consumers();
    added->set_consumer_id(consumer.part.value);
    ToProto(consumer.peer, added->mutable_peer());
    added->set_mode(ToProto(consumer.terms.lane.mode));
    added->set_limit(consumer.terms.lane.limit);
    added->set_received(consumer.counts.taken);
    added->set_dropped(consumer.counts.dropped);
    added->set_latency_ns(consumer.counts.latency_ns);
    added->set_measured(consumer.counts.measured);
    added->set_latency_total_ns(consumer.counts.latency_total_ns);
  }
}

}  // namespace

absl::Status StreamsRpc::HandleCreate(const Caller& caller, const grpc::ServerContext& context,
                                      const v1::CreateStreamRequest& request,
                                      v1::CreateStreamReply* reply) {
  const RequestId id{request.request_id()};
  VRAMD_ASSIGN_OR_RETURN(const StreamRequest what, ParseCreate(request));
  VRAMD_ASSIGN_OR_RETURN(const CreatedStream created, streams_->Create(caller.session, id, what));
  HandleBatch handles(caller.lane.get(), id);
  absl::Status status = CheckWaiting(context);
  if (status.ok()) status = Fill(created, handles, reply);
  if (status.ok())
    handles.Keep();
  else
    (void)streams_->Leave(caller.session, created.part);
  return status;
}

absl::Status StreamsRpc::HandleOpen(const Caller& caller, const grpc::ServerContext& context,
                                    const v1::OpenStreamRequest& request,
                                    v1::OpenStreamReply* reply) {
  const RequestId id{request.request_id()};
  VRAMD_ASSIGN_OR_RETURN(const ConsumerTerms terms, ParseTerms(request));
  VRAMD_ASSIGN_OR_RETURN(const OpenedStream opened,
                         streams_->Open(caller.session, id, request.name(), terms));
  HandleBatch handles(caller.lane.get(), id);
  absl::Status status = CheckWaiting(context);
  if (status.ok()) status = Fill(opened, handles, reply);
  if (status.ok())
    handles.Keep();
  else
    (void)streams_->Leave(caller.session, opened.part);
  return status;
}

absl::Status StreamsRpc::HandleResize(const Caller& caller, const grpc::ServerContext& context,
                                      const v1::ResizeStreamRequest& request,
                                      v1::ResizeStreamReply* reply) {
  const PartId part{request.part_id()};
  const RequestId id{request.request_id()};
  RingRequest what{.count = request.image_count(),
                   .min_count = request.min_image_count(),
                   .max_count = request.max_image_count()};
  VRAMD_ASSIGN_OR_RETURN(what.image,
                         ParseMemory(request.resource(), request.intent(), request.handle_type(),
                                     request.memory_type_bits()));
  absl::Status status;
  do {
    status = MakeRing(caller, context, part, id, what, reply->mutable_generation());
  } while (absl::IsAborted(status));
  return status;
}

// ABORTED: consumers joined meanwhile, and the ring is too small for them.
absl::Status StreamsRpc::MakeRing(const Caller& caller, const grpc::ServerContext& context,
                                  PartId part, RequestId id, const RingRequest& what,
                                  v1::Generation* generation) {
  VRAMD_ASSIGN_OR_RETURN(NewRing ring, streams_->MakeRing(caller.session, part, what));
  VRAMD_RETURN_IF_ERROR(CheckWaiting(context));
  HandleBatch handles(caller.lane.get(), id);
  generation->Clear();
  generation->set_grows(what.grows());
  generation->set_min_image_count(what.floor());
  VRAMD_RETURN_IF_ERROR(SendRing(*ring.images, 0, handles, generation));
  VRAMD_ASSIGN_OR_RETURN(const uint32_t number,
                         streams_->AddRing(caller.session, part, id, std::move(ring)));
  // A client that gave up retires the ring by request, but that may have come before it was added.
  if (absl::Status waiting = CheckWaiting(context); !waiting.ok()) {
    (void)streams_->RetireByRequest(caller.session, part, id);
    return waiting;
  }
  generation->set_number(number);
  handles.Keep();
  return absl::OkStatus();
}

grpc::Status StreamsRpc::Create(grpc::ServerContext* context,
                                const v1::CreateStreamRequest* request,
                                v1::CreateStreamReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  return FinishCall("stream_create", caller, HandleCreate(caller, *context, *request, reply));
}

grpc::Status StreamsRpc::Start(grpc::ServerContext* context, const v1::StartStreamRequest* request,
                               v1::StartStreamReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  return FinishCall("stream_start", caller,
                    streams_->Start(caller.session, PartId{request->part_id()}));
}

grpc::Status StreamsRpc::Resize(grpc::ServerContext* context,
                                const v1::ResizeStreamRequest* request,
                                v1::ResizeStreamReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  return FinishCall("stream_resize", caller, HandleResize(caller, *context, *request, reply));
}

grpc::Status StreamsRpc::Retire(grpc::ServerContext* context, const v1::RetireRequest* request,
                                v1::RetireReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const PartId part{request->part_id()};
  const RequestId id{request->request_id()};
  const uint32_t oldest = request->oldest_generation(), unused = request->unused_generation();
  if ((oldest != 0) + (unused != 0) + (id ? 1 : 0) > 1)
    return FinishCall(
        "stream_retire", caller,
        absl::InvalidArgumentError("oldest_generation, request_id and unused_generation are "
                                   "different questions; set one of them"));
  if (unused != 0)
    return FinishCall("stream_retire", caller,
                      streams_->RetireUnused(caller.session, part, unused));
  if (!id)
    return FinishCall("stream_retire", caller, streams_->Retire(caller.session, part, oldest));
  const absl::Status status = streams_->RetireByRequest(caller.session, part, id);
  caller.lane->TakeBackRequest(id);
  return FinishCall("stream_retire", caller, status);
}

grpc::Status StreamsRpc::ReturnImages(grpc::ServerContext* context,
                                      const v1::ReturnImagesRequest* request,
                                      v1::ReturnImagesReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  if (request->images_size() > int{kMaxStreamImages})
    return FinishCall("stream_return_images", caller,
                      absl::InvalidArgumentError(absl::StrCat("images has ", request->images_size(),
                                                              " numbers; a ring has at most ",
                                                              kMaxStreamImages, " images")));
  std::vector<uint16_t> images;
  for (const uint32_t image : request->images())
    if (image <= UINT16_MAX) images.push_back(static_cast<uint16_t>(image));
  return FinishCall("stream_return_images", caller,
                    streams_->ReturnImages(caller.session, PartId{request->part_id()},
                                           request->generation(), images));
}

grpc::Status StreamsRpc::Open(grpc::ServerContext* context, const v1::OpenStreamRequest* request,
                              v1::OpenStreamReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  return FinishCall("stream_open", caller, HandleOpen(caller, *context, *request, reply));
}

grpc::Status StreamsRpc::Leave(grpc::ServerContext* context, const v1::LeaveStreamRequest* request,
                               v1::LeaveStreamReply*) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const RequestId id{request->request_id()};
  if (request->part_id() != 0)
    return FinishCall("stream_leave", caller,
                      streams_->Leave(caller.session, PartId{request->part_id()}));
  if (!id)
    return FinishCall("stream_leave", caller,
                      absl::InvalidArgumentError("part_id and request_id are 0; set one of them"));
  const absl::Status status = streams_->LeaveByRequest(caller.session, id);
  caller.lane->TakeBackRequest(id);
  return FinishCall("stream_leave", caller, status);
}

grpc::Status StreamsRpc::List(grpc::ServerContext* context, const v1::ListStreamsRequest* request,
                              v1::ListStreamsReply* reply) {
  VRAMD_CALLER_OR_RETURN(caller, context);
  const auto listings = streams_->List(caller.session, request->prefix());
  if (listings.ok())
    for (const StreamListing& listing : *listings) Fill(listing, reply->add_streams());
  return FinishCall("stream_list", caller, listings.status());
}

}  // namespace vramd
