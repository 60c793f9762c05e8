// A follower gets one event at a time: the next is taken from the broker, and its handles are sent,
// when the one before is written. So what a slow client has not read waits with the broker, where
// it costs no descriptors in the lane and may yet become superfluous. gRPC says that a message is
// written when it has only put it into a buffer, so the lane is asked, too.
#include "daemon/follow_rpc.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "proto/convert.h"

namespace vramd {

absl::Status SendRing(const StreamRing& ring, uint32_t number, HandleBatch& handles,
                      v1::Generation* out) {
  out->set_number(number);
  for (const auto& image : ring.images) {
    v1::StreamImage* added = out->add_images();
    added->set_number(image->number);
    ToProto(image->memory->recipe(), added->mutable_recipe());
    VRAMD_RETURN_IF_ERROR(
        handles.Send(image->handle, added->mutable_handle(), added->recipe().handle_type()));
  }
  return absl::OkStatus();
}

v1::StreamMode ToProto(stream::LaneMode mode) {
  return mode == stream::LaneMode::kFifo ? v1::STREAM_MODE_FIFO : v1::STREAM_MODE_MAILBOX;
}

namespace {

absl::Status FillJoined(const StreamEvent& event, HandleBatch& handles, v1::StreamEvent* out) {
  const ConsumerLink& link = *event.link;
  out->set_mode(ToProto(event.terms.lane.mode));
  out->set_limit(event.terms.lane.limit);
  if (event.terms.lane.mode == stream::LaneMode::kFifo)
    out->set_when_full(event.terms.wait_when_full ? v1::WHEN_FULL_WAIT : v1::WHEN_FULL_DROP);
  ToProto(event.peer, out->mutable_peer());
  VRAMD_RETURN_IF_ERROR(handles.Send(link.lane, out->mutable_lane()));
  v1::Doorbells* bells = out->mutable_doorbells();
  VRAMD_RETURN_IF_ERROR(handles.Send(link.releases.listen, bells->mutable_listen()));
  VRAMD_RETURN_IF_ERROR(handles.Send(link.frames.ring, bells->mutable_ring()));
  if (link.timeline == nullptr) return absl::OkStatus();
  return handles.Send(link.timeline->handle, out->mutable_releases()->mutable_handle());
}

v1::StreamEvent::Kind KindOf(StreamEvent::Kind kind) {
  switch (kind) {
    case StreamEvent::Kind::kFollowing:
      return v1::StreamEvent::FOLLOWING;
    case StreamEvent::Kind::kConsumerJoined:
      return v1::StreamEvent::CONSUMER_JOINED;
    case StreamEvent::Kind::kConsumerLeft:
      return v1::StreamEvent::CONSUMER_LEFT;
    case StreamEvent::Kind::kGeneration:
      return v1::StreamEvent::GENERATION;
    case StreamEvent::Kind::kImagesAdded:
      return v1::StreamEvent::IMAGES_ADDED;
    case StreamEvent::Kind::kImagesGone:
      return v1::StreamEvent::IMAGES_GONE;
    case StreamEvent::Kind::kImagesKept:
      return v1::StreamEvent::IMAGES_KEPT;
    case StreamEvent::Kind::kProducerLeft:
      return v1::StreamEvent::PRODUCER_LEFT;
  }
  return v1::StreamEvent::KIND_UNSPECIFIED;
}

absl::Status Fill(const StreamEvent& event, HandleBatch& handles, v1::StreamEvent* out) {
  out->set_kind(KindOf(event.kind));
  out->set_consumer_id(event.consumer.value);
  out->set_died(event.died);
  out->set_reason(event.reason);
  if (event.kind == StreamEvent::Kind::kConsumerJoined) return FillJoined(event, handles, out);
  for (const uint16_t image : event.images) out->add_images(image);
  if (event.generation == 0) return absl::OkStatus();
  out->mutable_generation()->set_number(event.generation);
  out->mutable_generation()->set_grows(event.grows);
  if (event.ring == nullptr) return absl::OkStatus();
  return SendRing(*event.ring, event.generation, handles, out->mutable_generation());
}

// For a client whose lane is full.
constexpr std::chrono::milliseconds kPause(10);
constexpr std::chrono::seconds kPatience(5);

class FollowCall final : public EventCall<v1::FollowStreamRequest, v1::StreamEvent> {
 public:
  static void AcceptNext(StreamsService* service, StreamBroker* streams,
                         const FrontDoor* front_door, EventLoop* loop) {
    auto* call = new FollowCall(service, streams, front_door, loop);
    call->Accept([=](auto* context, auto* request, auto* writer, void* tag) {
      service->RequestFollow(context, request, writer, loop->queue(), loop->queue(), tag);
    });
  }

 private:
  // What the stream broker knows of the call. It may use it a moment longer than the call lives.
  // Its lock is taken before the stream broker's, and keeps events in order.
  class Feed final : public StreamFollower {
   public:
    explicit Feed(FollowCall* call) : streams_(call->streams_), call_(call) {}

    void Wake() override {
      PartId part;
      absl::Status sent;
      {
        MutexLock lock(mutex_);
        if (call_ == nullptr) return;
        part = call_->part_;
        sent = call_->SendNext(this);
      }
      if (!sent.ok()) streams_->StopFollowing(part, this, sent);
    }

    void End(const absl::Status& why) override {
      MutexLock lock(mutex_);
      if (call_ != nullptr) call_->End(ToGrpc(why));
    }

    void Detach() {
      MutexLock lock(mutex_);
      call_ = nullptr;
    }

   private:
    StreamBroker* const streams_;
    Mutex mutex_;
    FollowCall* call_ ABSL_GUARDED_BY(mutex_);
  };

  FollowCall(StreamsService* service, StreamBroker* streams, const FrontDoor* front_door,
             EventLoop* loop)
      : service_(service), streams_(streams), front_door_(front_door), loop_(loop) {}

  void Begin(const v1::FollowStreamRequest& request) override {
    AcceptNext(service_, streams_, front_door_, loop_);
    const absl::Status status = Follow(request);
    if (!status.ok()) End(ToGrpc(status));
  }

  absl::Status Follow(const v1::FollowStreamRequest& request) {
    VRAMD_ASSIGN_OR_RETURN(const Caller caller, front_door_->Authenticate(context()));
    log::Debug("stream_follow",
               {{"session", caller.session.value}, {"peer", caller.peer.Describe()}});
    if (request.request_id() == 0)
      return absl::InvalidArgumentError("request_id is 0; events bring handles, which bear it");
    lane_ = caller.lane;
    request_ = RequestId{request.request_id()};
    part_ = PartId{request.part_id()};
    return streams_->Follow(caller.session, part_, feed_);
  }

  // Sends one event, if the one before is written and there is one. Called with the feed's lock.
  absl::Status SendNext(const Feed* feed) {
    if (queued() != 0) return absl::OkStatus();
    if (!next_) next_ = streams_->NextEvent(part_, feed);
    if (!next_) return absl::OkStatus();
    if (!lane_->HasRoom()) return WaitForRoom();
    room_by_ = Clock::time_point::max();
    HandleBatch handles(lane_.get(), request_);
    v1::StreamEvent out;
    VRAMD_RETURN_IF_ERROR(Fill(*std::exchange(next_, std::nullopt), handles, &out));
    handles.Keep();
    Send(std::move(out));
    return absl::OkStatus();
  }

  // Nothing tells when the client takes handles out of the lane.
  absl::Status WaitForRoom() {
    const Clock::time_point now = Clock::now();
    if (room_by_ == Clock::time_point::max()) room_by_ = now + kPatience;
    if (now >= room_by_)
      return absl::ResourceExhaustedError(absl::StrCat(
          "the client has not taken its earlier handles for ", kPatience.count(), " s"));
    DrainAfter(kPause, loop_->queue());
    return absl::OkStatus();
  }

  void Drained() override { feed_->Wake(); }

  void Over() override {
    feed_->Detach();
    streams_->StopFollowing(part_, feed_.get(), absl::CancelledError("it stopped following"));
  }

  StreamsService* const service_;
  StreamBroker* const streams_;
  const FrontDoor* const front_door_;
  EventLoop* const loop_;
  const std::shared_ptr<Feed> feed_ = std::make_shared<Feed>(this);
  // Set before the stream broker knows of the feed.
  std::shared_ptr<HandleSender> lane_;
  RequestId request_;
  PartId part_;
  // With the feed's lock.
  std::optional<StreamEvent> next_;  // taken from the stream broker, not sent yet
  Clock::time_point room_by_ = Clock::time_point::max();  // by then the lane must have room
};

}  // namespace

void AcceptFollows(StreamsService* service, StreamBroker* streams, const FrontDoor* front_door,
                   EventLoop* loop) {
  FollowCall::AcceptNext(service, streams, front_door, loop);
}

}  // namespace vramd
