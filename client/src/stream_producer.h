// What stands behind vramd_producer: the part of the stream that frames go to now, and what to do
// when the broker restarts.
//
// The stream then gets a new part: a board, a ring and lanes that the new broker knows. The old
// part goes on until as many consumers have come back as it has, or kGrace has passed; then
// Acquire() moves over, and the old part ends. So a consumer that must see every frame sees all of
// the old part first, and then all of the new one.
//
// Acquire() and Resize() belong to one thread at a time; the rest is thread-safe.
#ifndef VRAMD_CLIENT_SRC_STREAM_PRODUCER_H_
#define VRAMD_CLIENT_SRC_STREAM_PRODUCER_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/stream/producer_core.h"
#include "client/src/client_core.h"
#include "client/src/stream_follower.h"
#include "client/src/stream_store.h"

namespace vramd {

struct ProducerPart : StreamPart {
  uint32_t first_generation = 0;  // to be added to the broker's numbers, which begin at 1
  uint64_t first_sequence = 0;    // to be added to the core's; the board's base
  std::unique_ptr<stream::ProducerCore> core;
};

struct ProducerSetup {
  v1::CreateStreamRequest request;
  stream::ProducerOptions options;
  std::chrono::nanoseconds spin{0};
  std::chrono::milliseconds timeout{0};  // of calls to the broker
};

struct ClientSlot {
  uint32_t session = 0;
  uint32_t generation = 0;
  stream::AcquiredSlot acquired;
};

class StreamProducer : private PartFollower::Owner {
 public:
  static constexpr std::chrono::seconds kGrace{2};

  struct Stats {
    uint64_t published = 0;
    uint32_t session = 0;
    bool attached = false;
    uint32_t consumers = 0;
    uint64_t broken = 0;
    std::string last_broken;
  };
  struct ConsumerStats {
    stream::LaneStats lane;
    uint32_t limit = 0;
    v1::Peer peer;
  };

  static absl::StatusOr<std::unique_ptr<StreamProducer>> Create(std::shared_ptr<ClientCore> client,
                                                                ProducerSetup setup);
  ~StreamProducer() override;

  absl::StatusOr<ClientSlot> Acquire(stream::Deadline until);
  absl::StatusOr<uint64_t> Publish(uint32_t session, uint32_t slot,
                                   const stream::FrameHeader& header);
  absl::Status Abandon(uint32_t session, uint32_t slot);
  absl::Status AwaitConsumers(uint32_t count, stream::Deadline until);
  absl::Status Resize(v1::ResizeStreamRequest request, stream::Deadline until);
  absl::Status End(stream::EndReason reason);
  void Cancel();

  // Once created these stay as they are.
  std::string name();
  bool uses_timeline();

  StreamStore& store() { return store_; }
  Stats GetStats();
  std::vector<ConsumerStats> GetConsumers();
  uint32_t oldest_in_use() { return store_.oldest(); }

 private:
  struct Joined {
    uint32_t limit = 0;
    v1::Peer peer;
  };

  StreamProducer(std::shared_ptr<ClientCore> client, ProducerSetup setup)
      : client_(std::move(client)),
        options_(setup.options),
        spin_(setup.spin),
        timeout_(setup.timeout),
        request_(std::move(setup.request)),
        follower_(this) {}

  absl::StatusOr<std::shared_ptr<ProducerPart>> MakePart(uint32_t session,
                                                         v1::CreateStreamRequest request);
  absl::Status FillPart(ProducerPart& part, const v1::CreateStreamReply& reply,
                        Clock::time_point deadline);
  absl::Status StartPart(ProducerPart& part);
  absl::Status AddImages(ProducerPart& part, const v1::Generation& generation);
  void AddConsumer(ProducerPart& part, const v1::StreamEvent& event);
  absl::Status TryToAddConsumer(ProducerPart& part, const v1::StreamEvent& event);
  void RemoveConsumer(ProducerPart& part, uint64_t id);
  std::shared_ptr<ProducerPart> PartOf(uint32_t session);
  // Moves over if the time has come; else sees that *until is not later than that time. CANCELLED,
  // or FAILED_PRECONDITION once the stream has ended.
  absl::StatusOr<std::shared_ptr<ProducerPart>> PartToUse(stream::Deadline* until);
  bool Adopt(const std::shared_ptr<ProducerPart>& part);
  bool MayMove() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void HurryOver();
  absl::Status CheckGoing();
  absl::Status CheckGoingLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  template <typename Wait>
  absl::Status WaitUntilDone(Wait wait);
  absl::Status TryToResize(v1::ResizeStreamRequest& request, stream::Deadline until);
  // The part whose ring a resize replaces: the newest.
  absl::StatusOr<std::shared_ptr<ProducerPart>> PartToResize();
  // The broker's part of a resize.
  absl::Status MakeRing(ProducerPart& part, const v1::ResizeStreamRequest& request,
                        stream::ImageRing& made) ABSL_EXCLUSIVE_LOCKS_REQUIRED(numbering_);
  // The stream is now as `request` says.
  void Resized(const ProducerPart& part, const v1::ResizeStreamRequest& request);
  void Retire(ProducerPart& part);
  void ReturnSurplus(ProducerPart& part);
  void CollectBroken(ProducerPart& part);

  absl::Status HandleEvent(const std::shared_ptr<StreamPart>& part,
                           const v1::StreamEvent& event) override;
  void HandleEnd(const std::shared_ptr<StreamPart>& part, const absl::Status& why) override;
  absl::StatusOr<std::shared_ptr<StreamPart>> Renew() override;
  bool wanted() override;

  const std::shared_ptr<ClientCore> client_;
  const stream::ProducerOptions options_;
  const std::chrono::nanoseconds spin_;
  const std::chrono::milliseconds timeout_;
  StreamStore store_;

  // A part is made, or resized, one at a time: from the look at the newest generation that there
  // is, and at what the stream's images are, until the new ring is in the store and request_ tells
  // of it. Else a ring of the next part and a ring that Resize() makes meanwhile could get the same
  // public number, or the next part the old size. Held during calls to the broker. Before mutex_.
  Mutex numbering_ ABSL_ACQUIRED_BEFORE(mutex_);

  // Before the locks of the cores and of the store.
  Mutex mutex_;
  Condition changed_;  // consumers came or went, the part changed, or nothing more will come
  v1::CreateStreamRequest request_ ABSL_GUARDED_BY(mutex_);  // as the stream is now
  std::string name_ ABSL_GUARDED_BY(mutex_);
  bool timeline_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<ProducerPart> current_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<ProducerPart> next_ ABSL_GUARDED_BY(mutex_);
  stream::Deadline grace_until_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<uint32_t, uint64_t>, Joined> joined_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::string end_message_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t broken_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string last_broken_ ABSL_GUARDED_BY(mutex_);

  PartFollower follower_;  // last: its thread uses all of the above
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STREAM_PRODUCER_H_
