// Locks are taken in one order only: the broker's, then the reactor's. So nothing here calls the
// broker while it holds its own.
#include "daemon/watch_rpc.h"

#include <deque>
#include <utility>

#include "base/log.h"
#include "base/mutex.h"
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

class WatchReactor final : public grpc::ServerWriteReactor<v1::WatchEvent>, public EventSink {
 public:
  explicit WatchReactor(Broker* broker) : broker_(broker) {}

  void Start(const absl::StatusOr<Caller>& caller, const std::string& prefix) {
    absl::Status status = caller.status();
    if (caller.ok()) {
      auto watcher = broker_->AddWatcher(caller->session, prefix, this);
      status = watcher.status();
      if (watcher.ok()) watcher_ = *watcher;
      log::Debug("watch", {{"session", caller->session.value}, {"peer", caller->peer.Describe()}});
    }
    if (!status.ok()) EndWith(ToGrpc(status));
  }

  void Push(const BrokerEvent& event) override {
    MutexLock lock(mutex_);
    if (ended_) return;
    if (queue_.size() >= kMaxQueuedEvents) {
      // The front may be in the hands of gRPC; it stays.
      queue_.erase(queue_.begin() + 1, queue_.end());
      queue_.emplace_back().set_kind(v1::WatchEvent::OVERFLOW);
    }
    queue_.push_back(ToWire(event));
    if (queue_.size() == 1) StartWrite(&queue_.front());
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    if (ended_) return;
    if (!ok) return FinishOnce(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the client left"));
    queue_.pop_front();
    if (!queue_.empty()) StartWrite(&queue_.front());
  }

  void OnCancel() override { EndWith(grpc::Status::CANCELLED); }

  void OnDone() override {
    broker_->RemoveWatcher(watcher_);  // from here on no Push()
    delete this;
  }

 private:
  void EndWith(const grpc::Status& status) {
    MutexLock lock(mutex_);
    FinishOnce(status);
  }
  void FinishOnce(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

  Broker* const broker_;
  WatcherId watcher_;
  Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<v1::WatchEvent> queue_ ABSL_GUARDED_BY(mutex_);  // the front one is being written
};

}  // namespace

grpc::ServerWriteReactor<v1::WatchEvent>* StartWatch(Broker* broker, absl::StatusOr<Caller> caller,
                                                     const std::string& prefix) {
  auto* reactor = new WatchReactor(broker);
  reactor->Start(caller, prefix);
  return reactor;
}

}  // namespace vramd
