// What stands behind vramd_consumer: the part from which frames come now, and, when the broker has
// restarted, the next ones.
//
// The follower opens the stream again by its name as soon as a new broker knows it. Next() takes
// all frames of the old part, up to its end, and goes on with the new one. A producer says on the
// old board that it has moved, so this end is no other, even if it is seen before the new part.
//
// A producer that dies while there is no broker says nothing. The old part ends then
// - when the new broker says that the producer has left the new part,
// - when the stream that now has the name is another one (boards bear a number that says so),
// - or when a new broker has not known the name for kLost, and no frame came all that time. The
// same
//   goes for a broker that knows it but refuses us.
//
// Next(), and Arm() with poll_handle(), belong to one thread at a time; the rest is thread-safe.
#ifndef VRAMD_CLIENT_SRC_STREAM_CONSUMER_H_
#define VRAMD_CLIENT_SRC_STREAM_CONSUMER_H_

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/stream/consumer_core.h"
#include "client/src/client_core.h"
#include "client/src/stream_follower.h"
#include "client/src/stream_store.h"

namespace vramd {

struct ConsumerPart : StreamPart {
  uint32_t first_generation = 0;  // to be added to the broker's numbers
  uint64_t first_sequence = 0;    // to be added to the board's: not 0 when another stream came
  OsHandle ringer;                // wakes our own event loop
  bool producer_left = false;     // with the consumer's mutex
  std::unique_ptr<stream::ConsumerCore> core;
  // Of frames that are held, by slot: their generation, as the application knows it.
  std::array<std::atomic<uint32_t>, stream::kSlotCapacity> held{};

  uint32_t OldestHeld(uint32_t otherwise) const;
};

struct ConsumerSetup {
  v1::OpenStreamRequest request;
  std::chrono::nanoseconds spin{0};
  std::chrono::milliseconds timeout{0};  // of calls to the broker
};

struct ClientFrame {
  uint32_t session = 0;
  uint32_t generation = 0;
  uint64_t sequence = 0;
  stream::ConsumerFrame frame;
};

class StreamConsumer : private PartFollower::Owner {
 public:
  static constexpr std::chrono::seconds kLost{5};

  struct End {
    stream::EndReason reason = stream::EndReason::kLive;
    std::string message;
  };
  struct Counters {
    uint64_t received = 0, dropped = 0;
    uint32_t held = 0;
    uint32_t session = 0;
    bool attached = false;
  };

  static absl::StatusOr<std::unique_ptr<StreamConsumer>> Open(std::shared_ptr<ClientCore> client,
                                                              ConsumerSetup setup);
  ~StreamConsumer() override;

  // As vramd_consumer_next().
  absl::StatusOr<ClientFrame> Next(stream::Deadline until);
  absl::StatusOr<stream::FrameDetails> ReadDetails(uint32_t session,
                                                   const stream::ConsumerFrame& frame);
  absl::Status Release(uint32_t session, const stream::ConsumerFrame& frame, uint64_t value);
  absl::StatusOr<ClientFrame> LastFrame();
  absl::StatusOr<bool> Arm();
  NativeHandle poll_handle();
  void Cancel();

  End GetEnd();
  Counters GetCounters();
  const std::string& name() const { return name_; }
  StreamStore& store() { return store_; }
  bool uses_timeline() const { return timeline_; }
  uint32_t oldest_in_use();

 private:
  StreamConsumer(std::shared_ptr<ClientCore> client, ConsumerSetup setup)
      : client_(std::move(client)),
        spin_(setup.spin),
        timeout_(setup.timeout),
        request_(std::move(setup.request)),
        follower_(this) {}

  absl::StatusOr<std::shared_ptr<ConsumerPart>> MakePart(uint32_t session);
  absl::Status FillPart(ConsumerPart& part, const v1::OpenStreamReply& reply,
                        Clock::time_point deadline);
  absl::Status TakeGeneration(ConsumerPart& part, const v1::Generation& generation,
                              Clock::time_point deadline);
  absl::Status AddImages(ConsumerPart& part, const v1::Generation& generation);
  stream::Patience PatienceUntil(stream::Deadline until) const;
  std::shared_ptr<ConsumerPart> Current();
  // The part that Next() asks now, or CANCELLED.
  absl::StatusOr<std::shared_ptr<ConsumerPart>> PartToAsk();
  std::shared_ptr<ConsumerPart> PartOf(uint32_t session);
  ClientFrame Describe(ConsumerPart& part, const stream::ConsumerFrame& frame);
  ClientFrame Hand(ConsumerPart& part, const stream::ConsumerFrame& frame);
  absl::Status AwaitImage(ConsumerPart& part, const stream::Received& next, stream::Deadline until);
  // After `part` ended: goes over to the next one, or says that there is none.
  absl::Status MoveOn(const ConsumerPart& part, stream::EndReason reason, stream::Deadline until);
  absl::Status AwaitPart(const ConsumerPart& part, stream::Deadline until)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EndOfStream(stream::EndReason reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Ends the newest part for this reason, and those before it, to which nobody publishes any more.
  void EndParts(stream::EndReason reason) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndIfLost(const absl::Status& why);
  bool may_wait(const ConsumerPart& part) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return next_.empty() && lost_ == stream::EndReason::kLive && !part.producer_left;
  }
  // Whoever waits for a ring or a part looks again.
  void WakeWaiters() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const std::shared_ptr<ConsumerPart>& newest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return next_.empty() ? current_ : next_.back();
  }
  void ForgetParts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Status HandleEvent(const std::shared_ptr<StreamPart>& part,
                           const v1::StreamEvent& event) override;
  void HandleEnd(const std::shared_ptr<StreamPart>& part, const absl::Status& why) override;
  absl::StatusOr<std::shared_ptr<StreamPart>> Renew() override;
  bool wanted() override;

  const std::shared_ptr<ClientCore> client_;
  const std::chrono::nanoseconds spin_;
  const std::chrono::milliseconds timeout_;
  v1::OpenStreamRequest request_;  // of the whole name, once opened
  std::string name_;
  bool timeline_ = false;
  StreamStore store_;

  // Before the locks of the cores and of the store.
  Mutex mutex_;
  Condition changed_;  // a ring or a part came
  std::shared_ptr<ConsumerPart> current_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::shared_ptr<ConsumerPart>> next_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ConsumerPart>> old_ ABSL_GUARDED_BY(mutex_);  // with frames held
  Counters before_ ABSL_GUARDED_BY(mutex_);  // of the parts before the current one
  End end_ ABSL_GUARDED_BY(mutex_);
  std::string told_ ABSL_GUARDED_BY(mutex_);  // the broker's reason
  // An image of the current part that a frame is in, and its generation by the broker's number.
  struct Awaited {
    uint32_t generation = 0;  // 0: none
    uint16_t image = 0;
  };
  Awaited awaited_ ABSL_GUARDED_BY(mutex_);
  bool awaits_part_ ABSL_GUARDED_BY(mutex_) = false;
  // Not kLive when a new broker has not let us back in for too long, and why.
  stream::EndReason lost_ ABSL_GUARDED_BY(mutex_) = stream::EndReason::kLive;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;

  // The follower's: since when the broker does not let us in, and the stream's frames then.
  Clock::time_point missing_since_ = Clock::time_point::max();
  uint64_t missing_at_ = 0;

  std::atomic<uint32_t> newest_handed_{0};  // generation
  std::atomic<bool> may_retire_{false};     // the store may have rings that nobody uses

  PartFollower follower_;  // last: its thread uses all of the above
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STREAM_CONSUMER_H_
