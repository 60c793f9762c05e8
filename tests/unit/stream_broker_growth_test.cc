// Whom a stream admits, and rings that grow and shrink with their consumers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/stream/board.h"
#include "tests/unit/stream_broker_fakes.h"

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ConsumerTerms Mailbox(uint32_t limit) {
  return {.lane = {.mode = stream::LaneMode::kMailbox, .limit = limit}};
}

StreamRequest FixedStream(uint32_t images) {
  StreamRequest request = SmallStream("app/s", images);
  request.overcommit = false;
  return request;
}

StreamRequest GrowingStream(uint32_t least = 0, uint32_t most = 0) {
  StreamRequest request = FixedStream(0);
  request.ring.min_count = least;
  request.ring.max_count = most;
  return request;
}

class StreamGrowth : public StreamBrokerTest {
 protected:
  void Begin(const StreamRequest& what) {
    created_ = Produce(producer_, what);
    created_.ring.reset();  // the reply was sent
    follower_ = Follow(producer_, created_.part);
    Take(created_.part, follower_);
  }
  std::vector<std::string> Told() { return Take(created_.part, follower_); }
  size_t Images() {
    const auto listings = streams_->List(producer_, "");
    return listings.ok() && !listings->empty() ? listings->front().image_count : 0;
  }
  absl::Status Return(const std::vector<uint16_t>& images, uint32_t generation = 1) {
    return streams_->ReturnImages(producer_, created_.part, generation, images);
  }

  const SessionId producer_ = kAlice;
  CreatedStream created_;
  std::shared_ptr<RecordingFollower> follower_;
};

TEST_F(StreamGrowth, ViewersOfADefaultStreamAreAllLetInUpToTheCeiling) {
  Begin(GrowingStream());
  EXPECT_EQ(Images(), 3u);
  for (size_t viewers = 1; viewers <= 14; ++viewers) {
    const auto opened = OpenStream(kAlice2, "app/s");
    ASSERT_TRUE(opened.ok()) << viewers << ": " << opened.status();
    EXPECT_EQ(Images(), viewers + 2);
    EXPECT_EQ(opened->ring->images.size(), viewers + 2);
    EXPECT_TRUE(opened->grows);
  }
  const absl::Status full = OpenStream(kAlice2, "app/s").status();
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_THAT(std::string(full.message()), HasSubstr("needs 17 images"));
  EXPECT_THAT(std::string(full.message()), HasSubstr("the producer allows 16"));
  EXPECT_THAT(std::string(full.message()), HasSubstr("raise max_image_count"));
}

TEST_F(StreamGrowth, TheProducerHearsOfTheImagesBeforeItHearsOfWhomTheyAreFor) {
  Begin(GrowingStream());
  const auto first = OpenStream(kAlice2, "app/s");
  ASSERT_TRUE(first.ok());
  const auto watching = Follow(kAlice2, first->part);
  EXPECT_THAT(Told(), ElementsAre(absl::StrCat("JOINED ", first->part.value)));
  const auto second = OpenStream(kAlice2, "app/s", Fifo(3));
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_THAT(Told(), ElementsAre("ADDED 1: 3 4 5", absl::StrCat("JOINED ", second->part.value)));
  EXPECT_THAT(Take(first->part, watching), ElementsAre("FOLLOWING", "ADDED 1: 3 4 5"));
  EXPECT_THAT(Take(second->part, Follow(kAlice2, second->part)), ElementsAre("FOLLOWING"))
      << "the reply had them";
}

TEST_F(StreamGrowth, AFullRingOfAFixedSizeRefusesAtOnceAndSaysWhatToDo) {
  Begin(FixedStream(4));
  ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  const absl::Status full = OpenStream(kAlice2, "app/s").status();
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_THAT(std::string(full.message()), HasSubstr("needs 5 images"));
  EXPECT_THAT(std::string(full.message()), HasSubstr("raise image_count"));
  EXPECT_EQ(Told().size(), 2u);
}

TEST_F(StreamGrowth, WithOvercommitEveryoneIsLetInAndTheRingStaysWithinItsCeiling) {
  StreamRequest what = GrowingStream(2, 4);
  what.overcommit = true;
  Begin(what);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  EXPECT_EQ(Images(), 4u);
}

TEST_F(StreamGrowth, WhoForgetsTheLastFrameNeedsNoImageForItWithoutAMailbox) {
  StreamRequest what = FixedStream(3);
  what.keep_last = false;
  Begin(what);
  EXPECT_TRUE(OpenStream(kAlice2, "app/s", Fifo(2)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(OpenStream(kAlice2, "app/s", Mailbox(2)).status()));
}

TEST_F(StreamGrowth, ADriverThatCannotMakeTheImageRefusesTheConsumerAndNothingIsPaid) {
  Begin(GrowingStream(2));
  const uint64_t paid = UsedByAll(producer_);
  device_->FailAllocate(absl::ResourceExhaustedError("the device is out of memory"));
  const absl::Status refused = OpenStream(kAlice2, "app/s").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_EQ(UsedByAll(producer_), paid);
  EXPECT_EQ(Used(kAlice2, "session.bytes"), 0u);
  EXPECT_THAT(Told(), IsEmpty());
  device_->FailAllocate(absl::OkStatus());
  EXPECT_TRUE(OpenStream(kAlice2, "app/s").ok());
}

TEST_F(StreamGrowth, TheProducerPaysForWhatThereIsAndAConsumerForWhatTheRingMayBecome) {
  StreamRequest what = GrowingStream(2, 8);
  what.name = "shared/s";
  const PartId producer = Produce(kAlice, what).part;
  const uint64_t board = stream::BoardBytes(), lane = stream::LaneBytes();
  EXPECT_EQ(Used(kAlice, "session.bytes"), 2 * kPage + board);
  ASSERT_TRUE(OpenStream(kAlice2, "shared/s", Fifo(3)).ok());
  EXPECT_EQ(Used(kAlice, "session.bytes"), 5 * kPage + board);
  EXPECT_EQ(Used(kAlice, "session.handles"), 5u);
  EXPECT_EQ(Used(kAlice, "session.allocations"), 5u);
  EXPECT_EQ(Used(kAlice2, "session.bytes"), 8 * kPage + lane);
  EXPECT_EQ(Used(kAlice2, "session.handles"), 8u);
  EXPECT_EQ(Used(kAlice, "user.bytes"), 5 * kPage + board + lane) << "the memory is paid for once";
  ASSERT_TRUE(OpenStream(kBob, "alice/shared/s").ok());
  EXPECT_EQ(Used(kBob, "user.bytes"), 8 * kPage + lane);
  EXPECT_EQ(Used(kAlice, "user.bytes"), 6 * kPage + board + lane);
  ASSERT_TRUE(streams_->Leave(kAlice, producer).ok());
  EXPECT_EQ(Used(kAlice, "user.bytes"), 6 * kPage + lane) << "a consumer goes on paying";
}

TEST_F(StreamGrowth, AProducerThatCannotPayForMoreIsToldOfToWhoWantsToJoin) {
  BrokerLimits limits;
  limits.session.allocations = 3;
  Restart(limits);
  Begin(GrowingStream());
  ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  const uint64_t paid = UsedByAll(kAlice);
  const absl::Status refused = OpenStream(kAlice2, "app/s").status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("its producer cannot pay"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("session.allocations is 3"));
  EXPECT_EQ(UsedByAll(kAlice), paid);
  EXPECT_EQ(Images(), 3u);
}

TEST_F(StreamGrowth, WhoOpensWhileAnotherGrowsTheRingPaysAndGetsItsOwn) {
  Begin(GrowingStream());
  ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  device_->Close();
  std::thread first([&] { EXPECT_TRUE(OpenStream(kAlice2, "app/s").ok()); });
  std::thread second([&] { EXPECT_TRUE(OpenStream(kAlice, "app/s").ok()); });
  device_->AwaitWaiting(2);
  EXPECT_EQ(Used(kAlice, "session.allocations"), 5u) << "paid for before they are made";
  device_->Open();
  first.join();
  second.join();
  EXPECT_EQ(Images(), 5u);
  EXPECT_EQ(Used(kAlice, "session.allocations"), 5u);
}

TEST_F(StreamGrowth, AProducerThatGoesWhileTheRingGrowsLeavesNothing) {
  Begin(GrowingStream(2));
  device_->Close();
  std::thread opener([&] { EXPECT_TRUE(absl::IsNotFound(OpenStream(kAlice2, "app/s").status())); });
  device_->AwaitWaiting(1);
  ASSERT_TRUE(streams_->Leave(kAlice, created_.part).ok());
  created_ = {};
  device_->Open();
  opener.join();
  EXPECT_EQ(UsedByAll(kAlice), 0u);
  EXPECT_EQ(device_->live(), 0);
}

TEST_F(StreamGrowth, ImagesThatNobodyNeedsAreTakenBackAndEveryoneIsTold) {
  Begin(GrowingStream());
  auto stays = OpenStream(kAlice2, "app/s");
  auto leaves = OpenStream(kAlice2, "app/s", Fifo(4));
  ASSERT_TRUE(stays.ok() && leaves.ok());
  const auto watching = Follow(kAlice2, stays->part);
  Take(stays->part, watching);
  ASSERT_TRUE(streams_->Leave(kAlice2, leaves->part).ok());
  Told();
  // The replies have kept them, too, until they were sent.
  stays->ring.reset();
  leaves->ring.reset();
  EXPECT_EQ(device_->live(), 7);
  ASSERT_TRUE(Return({6, 5, 4, 3}).ok());
  EXPECT_THAT(Told(), ElementsAre("GONE 1: 3 4 5 6"));
  EXPECT_THAT(Take(stays->part, watching), ElementsAre("GONE 1: 3 4 5 6"));
  EXPECT_EQ(Images(), 3u);
  EXPECT_EQ(Used(producer_, "session.handles"), 3u);
  EXPECT_EQ(device_->live(), 3);
}

TEST_F(StreamGrowth, WhatAConsumerThatJoinedMeanwhileNeedsIsKept) {
  Begin(GrowingStream(6));
  ASSERT_TRUE(OpenStream(kAlice2, "app/s", Fifo(4)).ok());
  Told();
  ASSERT_TRUE(Return({5, 4}).ok());
  EXPECT_THAT(Told(), ElementsAre("KEPT 1: 4 5"));
  EXPECT_EQ(Images(), 6u);
}

TEST_F(StreamGrowth, TheFloorAndImageZeroAreKept) {
  Begin(GrowingStream(2));
  const auto opened = OpenStream(kAlice2, "app/s");
  ASSERT_TRUE(opened.ok());
  ASSERT_TRUE(streams_->Leave(kAlice2, opened->part).ok());
  Told();
  ASSERT_TRUE(Return({0, 1, 2}).ok());
  EXPECT_THAT(Told(), ElementsAre("KEPT 1: 0 2", "GONE 1: 1"));
}

TEST_F(StreamGrowth, WhatIsNotThereOrNotTheNewestIsIgnored) {
  Begin(GrowingStream());
  EXPECT_TRUE(Return({7, 65535}).ok());
  ASSERT_TRUE(Resize(producer_, created_.part, 4).ok());
  EXPECT_TRUE(Return({1, 2}, 1).ok());
  EXPECT_THAT(Told(), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(streams_->ReturnImages(kAlice2, created_.part, 1, {1})));
}

TEST_F(StreamGrowth, ANumberIsNeverUsedTwice) {
  Begin(GrowingStream());
  const auto stays = OpenStream(kAlice2, "app/s");
  ASSERT_TRUE(stays.ok());
  std::vector<uint16_t> seen;
  for (int round = 0; round < 100; ++round) {
    const auto opened = OpenStream(kAlice2, "app/s");
    ASSERT_TRUE(opened.ok());
    const uint16_t number = opened->ring->images.back()->number;
    for (const uint16_t other : seen) ASSERT_NE(number, other);
    for (size_t i = 0; i + 1 < opened->ring->images.size(); ++i)
      ASSERT_NE(number % 64, opened->ring->images[i]->number % 64);
    seen.push_back(number);
    ASSERT_TRUE(streams_->Leave(kAlice2, opened->part).ok());
    ASSERT_TRUE(Return({number}).ok());
  }
  EXPECT_EQ(Images(), 3u);
}

TEST_F(StreamGrowth, AConsumerThatHasNotReadOfAnImageThatIsGoneIsToldNothing) {
  Begin(GrowingStream());
  const auto slow = OpenStream(kAlice2, "app/s");
  const auto leaves = OpenStream(kAlice2, "app/s", Fifo(2));
  ASSERT_TRUE(slow.ok() && leaves.ok());
  ASSERT_TRUE(streams_->Leave(kAlice2, leaves->part).ok());
  ASSERT_TRUE(Return({3, 4}).ok());
  EXPECT_THAT(Take(slow->part, Follow(kAlice2, slow->part)), ElementsAre("FOLLOWING"));
}

TEST_F(StreamGrowth, ANewRingIsMadeForTheConsumersThatThereAre) {
  Begin(GrowingStream());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  const auto ring = streams_->MakeRing(producer_, created_.part, GrowingStream().ring);
  ASSERT_TRUE(ring.ok()) << ring.status();
  EXPECT_EQ(ring->images->images.size(), 7u);
  const absl::Status small =
      streams_->MakeRing(producer_, created_.part, FixedStream(6).ring).status();
  EXPECT_TRUE(absl::IsResourceExhausted(small)) << small;
}

TEST_F(StreamGrowth, ANewRingThatIsTooSmallForWhoJoinedMeanwhileIsNotAdded) {
  Begin(GrowingStream());
  auto ring = streams_->MakeRing(producer_, created_.part, GrowingStream().ring);
  ASSERT_TRUE(ring.ok());
  ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  ASSERT_TRUE(OpenStream(kAlice2, "app/s").ok());
  EXPECT_TRUE(absl::IsAborted(
      streams_->AddRing(producer_, created_.part, NextRequest(), *std::move(ring)).status()));
  EXPECT_EQ(Images(), 4u) << "the ring of before";
}

TEST_F(StreamGrowth, SizesOfARingAreChecked) {
  const auto refused = [&](const StreamRequest& what, const std::string& words) {
    const absl::Status status = Create(kAlice, what).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(words));
  };
  refused(GrowingStream(1), "min_image_count is 1; it must be 2 to 64");
  refused(GrowingStream(65), "min_image_count is 65");
  refused(GrowingStream(5, 4), "max_image_count is 4; it must be 5 to 64");
  refused(GrowingStream(0, 65), "max_image_count is 65");
  StreamRequest both = FixedStream(8);
  both.ring.max_count = 16;
  refused(both, "image_count is 8, which fixes the size");
  EXPECT_TRUE(Create(kAlice, GrowingStream(20)).ok()) << "the ceiling follows the floor";
}

}  // namespace
}  // namespace vramd
