// Parts that end in every state, what the others hear, and who is released.
#include <gmock/gmock.h>

#include <thread>

#include "tests/unit/stream_broker_fakes.h"

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class StreamDeathTest : public StreamBrokerTest {
 protected:
  void SetUp() override {
    device_->OfferTimelines();
    StreamBrokerTest::SetUp();
  }
};

TEST_F(StreamDeathTest, AProducerThatDiesInAnyStateLeavesNothing) {
  ASSERT_TRUE(Create(kAlice, SmallStream("app/created")).ok());
  Produce(kAlice, SmallStream("app/started"));
  const CreatedStream followed = Produce(kAlice, SmallStream("app/followed"));
  const auto follower = Follow(kAlice, followed.part);
  EXPECT_EQ(device_->live_timelines(), 3);
  broker_->EndSession(kAlice);
  EXPECT_TRUE(follower->ended().has_value());
  EXPECT_THAT(NamesFor(kAlice2), IsEmpty());
  EXPECT_TRUE(Create(kAlice2, SmallStream("app/created")).ok()) << "its name is free";
  EXPECT_EQ(Used(kAlice2, "user.streams"), 1u);
}

TEST_F(StreamDeathTest, ADeadProducersConsumersAreToldAndReleasedAndKeepTheImages) {
  Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(opened.ok());
  const auto consumer = Follow(kAlice2, opened->part);
  broker_->EndSession(kAlice);
  EXPECT_THAT(Take(opened->part, consumer),
              ElementsAre("FOLLOWING", "PRODUCER_LEFT died: its session ended"));
  EXPECT_EQ(consumer->ended(), std::nullopt) << "the part goes on, with the last frame";
  EXPECT_EQ(device_->released_timelines(), 1);
  EXPECT_GT(opened->frames->timeline->Value().value_or(0), uint64_t{1} << 29);
  EXPECT_EQ(device_->live(), 3);
  EXPECT_TRUE(absl::IsNotFound(OpenStream(kAlice2, "app/cam").status()));
  EXPECT_TRUE(streams_->Leave(kAlice2, opened->part).ok());
}

TEST_F(StreamDeathTest, AConsumerThatDiesIsToldOfAndItsSemaphoreReleased) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto producer = Follow(kAlice, created.part);
  const auto opened = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(opened.ok());
  Take(created.part, producer);
  broker_->EndSession(kAlice2);
  EXPECT_THAT(Take(created.part, producer),
              ElementsAre(absl::StrCat("LEFT ", opened->part.value, " died: its session ended")));
  EXPECT_GT(opened->link->timeline->timeline->Value().value_or(0), uint64_t{1} << 29);
  EXPECT_EQ(created.frames->timeline->Value().value_or(99), 0u) << "the producer goes on";
}

TEST_F(StreamDeathTest, AProducerMayLeaveWithFramesOnItsGpu) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  const auto consumer = Follow(kAlice2, opened->part);
  ASSERT_TRUE(streams_->Leave(kAlice, created.part).ok());
  EXPECT_THAT(Take(opened->part, consumer), ElementsAre("FOLLOWING", "PRODUCER_LEFT"));
  EXPECT_EQ(created.frames->timeline->Value().value_or(99), 0u) << "its GPU may still signal it";
  broker_->EndSession(kAlice);
  EXPECT_GT(created.frames->timeline->Value().value_or(0), uint64_t{1} << 29);
  EXPECT_EQ(device_->released_timelines(), 1);
}

TEST_F(StreamDeathTest, ASessionMayBeBothSides) {
  Produce(kAlice, SmallStream("app/cam"));
  ASSERT_TRUE(OpenStream(kAlice, "app/cam").ok());
  broker_->EndSession(kAlice);
  EXPECT_EQ(device_->live(), 0);
  EXPECT_EQ(UsedByAll(kAlice2), 0u);
}

TEST_F(StreamDeathTest, WhoStopsFollowingIsGone) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto producer = Follow(kAlice, created.part);
  const auto opened = OpenStream(kAlice2, "app/cam");
  const auto consumer = Follow(kAlice2, opened->part);
  Take(created.part, producer);
  const auto stranger = std::make_shared<RecordingFollower>();
  streams_->StopFollowing(opened->part, stranger.get(), absl::CancelledError("not mine"));
  EXPECT_THAT(Take(created.part, producer), IsEmpty());

  const absl::Status full = absl::ResourceExhaustedError("it took no handles");
  streams_->StopFollowing(opened->part, consumer.get(), full);
  EXPECT_EQ(consumer->ended(), full);
  EXPECT_THAT(Take(created.part, producer),
              ElementsAre(absl::StrCat("LEFT ", opened->part.value, " died: it took no handles")));
  streams_->StopFollowing(created.part, producer.get(), full);
  EXPECT_THAT(NamesFor(kAlice), IsEmpty());
}

TEST_F(StreamDeathTest, WhoComesAndGoesUnheardIsNeverTold) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  for (int i = 0; i < 1000; ++i) {
    const auto opened = OpenStream(kAlice2, "app/cam");
    ASSERT_TRUE(opened.ok()) << opened.status();
    ASSERT_TRUE(streams_->Leave(kAlice2, opened->part).ok());
  }
  EXPECT_EQ(device_->live_timelines(), 1);
  EXPECT_THAT(Take(created.part, Follow(kAlice, created.part)), ElementsAre("FOLLOWING"));
}

TEST_F(StreamDeathTest, ABrokerThatStopsLeavesWhatRunsAlone) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  const auto producer = Follow(kAlice, created.part);
  const auto consumer = Follow(kAlice2, opened->part);
  Take(opened->part, consumer);
  broker_->BeginDrain("a test");
  ASSERT_TRUE(producer->ended().has_value() && consumer->ended().has_value());
  EXPECT_TRUE(absl::IsUnavailable(*producer->ended()));
  EXPECT_TRUE(absl::IsUnavailable(Create(kAlice, SmallStream("app/late")).status()));
  streams_->StopFollowing(created.part, producer.get(), absl::CancelledError("its call is over"));
  broker_->EndSession(kAlice);
  broker_->EndSession(kAlice2);
  EXPECT_EQ(device_->released_timelines(), 0);
}

TEST_F(StreamDeathTest, ASessionThatEndsWhileTheDriverWorksGetsNothing) {
  for (const bool opens : {false, true}) {
    SCOPED_TRACE(opens);
    if (opens) Produce(kAlice2, SmallStream("app/cam"));
    const int before = device_->live();
    device_->Close();
    absl::Status status;
    std::thread caller([&] {
      status = opens ? OpenStream(kAlice, "app/none").status()
                     : Create(kAlice, SmallStream("app/late")).status();
    });
    if (!opens) device_->AwaitWaiting(1);
    broker_->EndSession(kAlice);
    device_->Open();
    caller.join();
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(device_->live(), before);
  }
}

// For the thread sanitizer: everything at once, and nothing left at the end.
TEST_F(StreamDeathTest, ManyThreads) {
  constexpr int kRounds = 200;
  const auto produce = [&](SessionId session, std::string name) {
    for (int i = 0; i < kRounds; ++i) {
      auto created = Create(session, SmallStream(name, 2));
      if (!created.ok()) continue;
      (void)RefuseWriters(created->board);
      (void)streams_->Start(session, created->part);
      const auto follower = std::make_shared<RecordingFollower>();
      (void)streams_->Follow(session, created->part, follower);
      (void)Resize(session, created->part, 2);
      (void)Take(created->part, follower);
      (void)streams_->Retire(session, created->part, 2);
      if (i % 2 == 0) (void)streams_->Leave(session, created->part);
      if (i % 2 == 1) broker_->EndSession(session);
      if (i % 2 == 1) (void)broker_->BeginSession(session, alice_);
    }
  };
  const auto consume = [&](std::string name) {
    for (int i = 0; i < kRounds; ++i) {
      const auto opened = OpenStream(kAlice2, name);
      (void)streams_->List(kAlice2, "");
      if (!opened.ok()) continue;
      const auto follower = std::make_shared<RecordingFollower>();
      (void)streams_->Follow(kAlice2, opened->part, follower);
      (void)Take(opened->part, follower);
      if (i % 3 != 0) (void)streams_->Leave(kAlice2, opened->part);
      if (i % 3 == 0)
        streams_->StopFollowing(opened->part, follower.get(), absl::CancelledError("enough"));
    }
  };
  ASSERT_TRUE(broker_->BeginSession(SessionId{4}, alice_).ok());
  std::vector<std::thread> threads;
  threads.emplace_back(produce, kAlice, "app/a");
  threads.emplace_back(produce, SessionId{4}, "app/b");
  threads.emplace_back(consume, "app/a");
  threads.emplace_back(consume, "app/b");
  threads.emplace_back(consume, "app/a");
  for (std::thread& thread : threads) thread.join();
  broker_->EndSession(SessionId{4});
  broker_->EndSession(kAlice);
  EXPECT_EQ(Used(kAlice2, "session.consumers"), 0u);
  broker_->EndSession(kAlice2);
}

}  // namespace
}  // namespace vramd
