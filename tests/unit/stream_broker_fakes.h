// The broker of streams on fakes: a follower that remembers, and parties that alice and bob play.
#ifndef VRAMD_TESTS_UNIT_STREAM_BROKER_FAKES_H_
#define VRAMD_TESTS_UNIT_STREAM_BROKER_FAKES_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/section.h"
#include "daemon/stream_broker.h"
#include "tests/unit/broker_fakes.h"

namespace vramd {

class RecordingFollower final : public StreamFollower {
 public:
  void Wake() override { ++wakes_; }
  void End(const absl::Status& why) override {
    MutexLock lock(mutex_);
    if (!ended_) ended_ = why;
  }
  int wakes() const { return wakes_; }
  std::optional<absl::Status> ended() const {
    MutexLock lock(mutex_);
    return ended_;
  }

 private:
  std::atomic<int> wakes_ = 0;
  mutable Mutex mutex_;
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mutex_);
};

// "FOLLOWING", "JOINED 7", "LEFT 7 died: its session ended", "GENERATION 2", "ADDED 1: 3 4",
// "PRODUCER_LEFT".
inline std::string Words(const StreamEvent& event) {
  const std::string how = event.died ? absl::StrCat(" died: ", event.reason) : "";
  switch (event.kind) {
    case StreamEvent::Kind::kFollowing:
      return "FOLLOWING";
    case StreamEvent::Kind::kConsumerJoined:
      return absl::StrCat("JOINED ", event.consumer.value);
    case StreamEvent::Kind::kConsumerLeft:
      return absl::StrCat("LEFT ", event.consumer.value, how);
    case StreamEvent::Kind::kGeneration:
      return absl::StrCat("GENERATION ", event.generation);
    case StreamEvent::Kind::kImagesAdded: {
      std::vector<uint16_t> numbers;
      for (const auto& image : event.ring->images) numbers.push_back(image->number);
      return absl::StrCat("ADDED ", event.generation, ": ", absl::StrJoin(numbers, " "));
    }
    case StreamEvent::Kind::kImagesGone:
      return absl::StrCat("GONE ", event.generation, ": ", absl::StrJoin(event.images, " "));
    case StreamEvent::Kind::kImagesKept:
      return absl::StrCat("KEPT ", event.generation, ": ", absl::StrJoin(event.images, " "));
    case StreamEvent::Kind::kProducerLeft:
      return absl::StrCat("PRODUCER_LEFT", how);
  }
  return "?";
}

// Of a fixed size, and it admits whoever comes.
inline StreamRequest SmallStream(std::string name, uint32_t images = 3) {
  StreamRequest request;
  request.overcommit = true;
  request.name = std::move(name);
  request.ring.image.kind = ResourceKind::kBuffer;
  request.ring.image.buffer = {.size = kPage, .usage = 1};
  request.ring.count = images;
  return request;
}

inline ConsumerTerms Fifo(uint32_t limit, bool wait = false) {
  return {.lane = {.mode = stream::LaneMode::kFifo, .limit = limit}, .wait_when_full = wait};
}

class StreamBrokerTest : public BrokerTest {
 protected:
  void SetUp() override {
    BrokerTest::SetUp();
    streams_ = std::make_unique<StreamBroker>(broker_.get(), std::chrono::seconds(10));
  }
  void Restart(const BrokerLimits& limits) {
    streams_.reset();
    Start(limits, BobMayOpenShared());
    streams_ = std::make_unique<StreamBroker>(broker_.get(), std::chrono::seconds(10));
  }
  void TearDown() override {
    BrokerTest::TearDown();
    EXPECT_EQ(device_->live_timelines(), 0);
  }

  absl::StatusOr<CreatedStream> Create(SessionId session, const StreamRequest& what) {
    return streams_->Create(session, NextRequest(), what);
  }
  // Created, sealed and started. Ends the test's hopes if it fails.
  CreatedStream Produce(SessionId session, const StreamRequest& what) {
    auto created = Create(session, what);
    EXPECT_TRUE(created.ok()) << created.status();
    if (!created.ok()) return {};
    EXPECT_TRUE(RefuseWriters(created->board).ok());
    EXPECT_TRUE(streams_->Start(session, created->part).ok());
    return *std::move(created);
  }
  absl::StatusOr<OpenedStream> OpenStream(SessionId session, absl::string_view name,
                                          const ConsumerTerms& terms = {}) {
    return streams_->Open(session, NextRequest(), name, terms);
  }
  absl::StatusOr<uint32_t> Resize(SessionId session, PartId part, uint32_t images = 3) {
    return Resize(session, part, images, NextRequest());
  }
  absl::StatusOr<uint32_t> Resize(SessionId session, PartId part, uint32_t images,
                                  RequestId request) {
    auto ring = streams_->MakeRing(session, part, SmallStream("", images).ring);
    if (!ring.ok()) return ring.status();
    return streams_->AddRing(session, part, request, *std::move(ring));
  }
  std::shared_ptr<RecordingFollower> Follow(SessionId session, PartId part) {
    auto follower = std::make_shared<RecordingFollower>();
    EXPECT_TRUE(streams_->Follow(session, part, follower).ok());
    return follower;
  }
  std::vector<std::string> Take(PartId part, const std::shared_ptr<RecordingFollower>& follower) {
    std::vector<std::string> words;
    while (auto event = streams_->NextEvent(part, follower.get())) words.push_back(Words(*event));
    return words;
  }
  std::vector<std::string> NamesFor(SessionId session) {
    std::vector<std::string> names;
    const auto listings = streams_->List(session, "");
    EXPECT_TRUE(listings.ok()) << listings.status();
    for (const StreamListing& listing : *listings) names.push_back(listing.name);
    return names;
  }
  uint64_t UsedByAll(SessionId session) const {
    return UsedByLeases(session) + Used(session, "session.streams") +
           Used(session, "session.consumers") + Used(session, "user.streams") +
           Used(session, "user.consumers");
  }

  std::unique_ptr<StreamBroker> streams_;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_STREAM_BROKER_FAKES_H_
