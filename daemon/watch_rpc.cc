#include "daemon/watch_rpc.h"

#include <utility>

#include "base/log.h"
#include "base/watch_limit.h"
#include "daemon/broker_rpc.h"
#include "proto/convert.h"

namespace vramd {
namespace {

v1::WatchEvent::Kind KindOf(BrokerEvent::Kind kind) {
  switch (kind) {
    case BrokerEvent::Kind::kPublished:
      return v1::WatchEvent::PUBLISHED;
    case BrokerEvent::Kind::kWithdrawn:
      return v1::WatchEvent::WITHDRAWN;
    case BrokerEvent::Kind::kReleased:
      return v1::WatchEvent::RELEASED;
    case BrokerEvent::Kind::kCurrent:
      return v1::WatchEvent::CURRENT;
    case BrokerEvent::Kind::kDeviceLost:
      return v1::WatchEvent::DEVICE_LOST;
    case BrokerEvent::Kind::kGoingAway:
      return v1::WatchEvent::GOING_AWAY;
    case BrokerEvent::Kind::kStreamStarted:
      return v1::WatchEvent::STREAM_STARTED;
    case BrokerEvent::Kind::kStreamEnded:
      return v1::WatchEvent::STREAM_ENDED;
  }
  return v1::WatchEvent::KIND_UNSPECIFIED;
}

v1::WatchEvent ToWire(const BrokerEvent& event) {
  v1::WatchEvent out;
  out.set_kind(KindOf(event.kind));
  out.set_reason(event.reason);
  if (event.kind == BrokerEvent::Kind::kPublished) {
    ToProto(event.listing, out.mutable_published());
  } else if (!event.listing.name.empty()) {
    out.mutable_published()->set_name(event.listing.name);
    out.mutable_published()->set_allocation_id(event.listing.allocation.value);
  }
  if (event.kind == BrokerEvent::Kind::kDeviceLost) ToProto(event.device, out.mutable_device());
  return out;
}

class WatchCall final : public EventCall<v1::WatchRequest, v1::WatchEvent>, public EventSink {
 public:
  static void AcceptNext(BrokerService* service, Broker* broker, const FrontDoor* front_door,
                         EventLoop* loop) {
    auto* call = new WatchCall(service, broker, front_door, loop);
    call->Accept([=](auto* context, auto* request, auto* writer, void* tag) {
      service->RequestWatch(context, request, writer, loop->queue(), loop->queue(), tag);
    });
  }

  // Under the broker's lock; this call's own comes after it, and never the other way round.
  void Push(const BrokerEvent& event) override {
    // The front one is in gRPC's hands; if it is written meanwhile, CURRENT may be told twice at
    // worst.
    const size_t waiting = queued();
    const WatchLimit::Verdict verdict =
        limit_.Add(event.kind == BrokerEvent::Kind::kCurrent, waiting == 0 ? 0 : waiting - 1);
    if (verdict.drop) {
      DropQueued();
      SendKind(v1::WatchEvent::OVERFLOW);
    }
    if (verdict.current) SendKind(v1::WatchEvent::CURRENT);
    Send(ToWire(event));
  }

 private:
  WatchCall(BrokerService* service, Broker* broker, const FrontDoor* front_door, EventLoop* loop)
      : service_(service), broker_(broker), front_door_(front_door), loop_(loop) {}

  void SendKind(v1::WatchEvent::Kind kind) {
    v1::WatchEvent event;
    event.set_kind(kind);
    Send(std::move(event));
  }

  void Begin(const v1::WatchRequest& request) override {
    AcceptNext(service_, broker_, front_door_, loop_);
    const auto caller = front_door_->Authenticate(context());
    if (!caller.ok()) return End(ToGrpc(caller.status()));
    log::Debug("watch", {{"session", caller->session.value}, {"peer", caller->peer.Describe()}});
    const auto watcher = broker_->AddWatcher(caller->session, request.prefix(), this);
    if (!watcher.ok()) return End(ToGrpc(watcher.status()));
    watcher_ = *watcher;
  }

  void Over() override { broker_->RemoveWatcher(watcher_); }  // from here on no Push()

  BrokerService* const service_;
  Broker* const broker_;
  const FrontDoor* const front_door_;
  EventLoop* const loop_;
  WatcherId watcher_;
  WatchLimit limit_{kMaxQueuedEvents};  // under the broker's lock, like Push()
};

}  // namespace

void AcceptWatches(BrokerService* service, Broker* broker, const FrontDoor* front_door,
                   EventLoop* loop) {
  WatchCall::AcceptNext(service, broker, front_door, loop);
}

}  // namespace vramd
