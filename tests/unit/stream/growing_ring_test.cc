// Rings that get further images, and give back those that they need no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Kind = Received::Kind;
using Numbers = std::vector<uint16_t>;

constexpr LaneTerms kMailbox2 = {LaneMode::kMailbox, 2};
constexpr LaneTerms kFifo4 = {LaneMode::kFifo, 4};

// Its first ring is generation 2, of three images.
class GrowingRing : public testing::Test {
 protected:
  explicit GrowingRing(std::chrono::nanoseconds spare_for = std::chrono::nanoseconds(0))
      : rig_(3, {.spare_for = spare_for}) {
    Must(rig_.producer().NewGeneration(ring_, Patience::None()));
  }

  std::unique_ptr<ConsumerCore> AddConsumer(uint64_t id, const LaneTerms& terms) {
    auto consumer = rig_.AddConsumer(id, terms);
    consumer->AddGeneration(ring_);
    return consumer;
  }
  Received Take(ConsumerCore& consumer) { return Must(consumer.TryNext()); }

  const ImageRing ring_ = {.generation = 2, .images = {0, 1, 2}, .grows = true, .floor = 3};
  StreamRig rig_;
};

TEST_F(GrowingRing, AnImageThatIsAddedDisturbsNoFrame) {
  auto viewer = AddConsumer(1, kMailbox2);
  Must(rig_.Produce());
  const Received held = Take(*viewer);
  auto fifo = AddConsumer(2, kFifo4);  // for which there is no room yet
  for (uint64_t sequence = 2; sequence <= 3; ++sequence) ASSERT_EQ(Must(rig_.Produce()), sequence);
  EXPECT_TRUE(absl::IsDeadlineExceeded(rig_.Produce().status()));
  rig_.producer().AddImages(2, {3, 4, 5, 6});
  fifo->AddImages(2, {3, 4, 5, 6});
  EXPECT_EQ(rig_.producer().images(), 7u);
  for (uint64_t sequence = 4; sequence <= 50; ++sequence) ASSERT_EQ(Must(rig_.Produce()), sequence);
  EXPECT_EQ(Wrong(rig_.images(), held.frame, viewer->ReadDetails(held.frame)), "");
  std::vector<uint64_t> got;
  for (Received next = Take(*fifo); next.kind == Kind::kFrame; next = Take(*fifo)) {
    EXPECT_EQ(Wrong(rig_.images(), next.frame, fifo->ReadDetails(next.frame)), "");
    got.push_back(next.frame.facts.sequence);
    if (got.size() == 4) break;
  }
  EXPECT_THAT(got, ElementsAre(1, 2, 3, 4));
}

TEST_F(GrowingRing, WhoWaitsForAnImageGetsTheOneThatIsAdded) {
  for (int i = 0; i < 3; ++i) Must(rig_.producer().Acquire(Patience::None()));
  std::thread waiter([&] {
    const auto slot = Must(rig_.producer().Acquire(Patience::For(std::chrono::seconds(20))));
    EXPECT_EQ(slot.image, 3u);
  });
  rig_.producer().AddImages(2, {3});
  waiter.join();
}

TEST_F(GrowingRing, AFrameInAnImageThatTheConsumerWasNotToldOfWaits) {
  auto viewer = AddConsumer(1, kFifo4);
  rig_.producer().AddImages(2, {3, 4, 5});
  Received next;
  do {
    Must(rig_.Produce());
    next = Take(*viewer);
    if (next.kind == Kind::kFrame) Must(viewer->Release(next.frame));
  } while (next.kind == Kind::kFrame);
  ASSERT_EQ(next.kind, Kind::kNewImage);
  EXPECT_EQ(next.generation, 2u);
  EXPECT_EQ(next.image, 3u);
  EXPECT_FALSE(viewer->KnowsImage(2, 3));
  EXPECT_EQ(Take(*viewer).kind, Kind::kNewImage);
  viewer->AddImages(2, {3});
  EXPECT_TRUE(viewer->KnowsImage(2, 3));
  next = Take(*viewer);
  ASSERT_EQ(next.kind, Kind::kFrame);
  EXPECT_EQ(next.frame.facts.image, 3u);
}

TEST_F(GrowingRing, ImagesThatComeBeforeTheirRingWaitForIt) {
  rig_.producer().AddImages(3, {4});
  rig_.producer().AddImages(3, {5});
  EXPECT_EQ(rig_.producer().images(), 3u);
  Must(rig_.producer().NewGeneration({.generation = 3, .images = {0, 1, 2, 3}, .grows = true},
                                     Patience::None()));
  EXPECT_EQ(rig_.producer().images(), 6u);
  rig_.producer().AddImages(2, {9});  // of a ring that is no more
  EXPECT_EQ(rig_.producer().images(), 6u);
}

TEST_F(GrowingRing, WhatIsNeededNoMoreIsGivenBackDownToTheFloor) {
  rig_.producer().AddImages(2, {3, 4, 5, 6});
  auto viewer = AddConsumer(1, kFifo4);
  EXPECT_THAT(rig_.producer().TakeSurplus().images, ElementsAre(6)) << "4 held, 1 rendered, 1 kept";
  rig_.producer().ImagesGone(2, {6});
  EXPECT_THAT(rig_.producer().TakeSurplus().images, IsEmpty());
  rig_.producer().RemoveConsumer(ConsumerId{1});
  EXPECT_EQ(rig_.producer().TakeSurplus().images.size(), 3u);
  EXPECT_EQ(rig_.producer().images(), 3u) << "not told twice, and not used";
  EXPECT_THAT(rig_.producer().TakeSurplus().images, IsEmpty());
  for (int i = 0; i < 100; ++i) Must(rig_.Produce());
}

TEST_F(GrowingRing, OnlyIdleImagesAreGivenBackTheOthersLater) {
  rig_.producer().AddImages(2, {3, 4, 5, 6});
  std::vector<AcquiredSlot> rendered;
  for (int i = 0; i < 6; ++i) rendered.push_back(Must(rig_.producer().Acquire(Patience::None())));
  EXPECT_EQ(rig_.producer().TakeSurplus().images.size(), 1u);
  for (const AcquiredSlot& slot : rendered) Must(rig_.producer().Abandon(slot.slot));
  EXPECT_EQ(rig_.producer().TakeSurplus().images.size(), 3u);
}

TEST_F(GrowingRing, WhatTheBrokerKeepsIsUsedAgainAndStillWaitsForTheGpusThatReadIt) {
  auto viewer = AddConsumer(1, {LaneMode::kFifo, 1});
  rig_.producer().AddImages(2, {3, 4});
  viewer->AddImages(2, {3, 4});
  for (int i = 0; i < 5; ++i) {
    Must(rig_.Produce());
    Must(viewer->Release(Take(*viewer).frame, 100 + static_cast<uint64_t>(i)));
  }
  const Numbers surplus = rig_.producer().TakeSurplus().images;
  ASSERT_EQ(surplus.size(), 2u);
  rig_.producer().ImagesKept(2, surplus);
  int waits = 0;
  for (int i = 0; i < 4; ++i) {
    const AcquiredSlot slot = Must(rig_.producer().Acquire(Patience::None()));
    waits += static_cast<int>(slot.waits.size());
  }
  EXPECT_EQ(waits, 4) << "every image but the newest, which is kept";
}

class PatientGrowingRing : public GrowingRing {
 protected:
  PatientGrowingRing() : GrowingRing(std::chrono::hours(1)) {}
};

TEST_F(PatientGrowingRing, ImagesAreKeptForAWhileForViewersThatComeAndGo) {
  rig_.producer().AddImages(2, {3, 4, 5, 6});
  EXPECT_THAT(rig_.producer().TakeSurplus().images, IsEmpty());
  EXPECT_EQ(rig_.producer().images(), 7u);
}

TEST(FixedRing, GivesNothingBackAndDoesNotGrowByItself) {
  StreamRig rig(8, {.spare_for = std::chrono::nanoseconds(0)});
  EXPECT_THAT(rig.producer().TakeSurplus().images, IsEmpty());
}

TEST(FixedRing, AFrameInAnImageThatItDoesNotHaveBreaksTheProtocol) {
  StreamRig rig(8);
  auto viewer = rig.AddConsumer(1, kFifo4);
  viewer->AddGeneration(1, 1);
  Must(rig.Produce());
  ASSERT_EQ(Must(viewer->TryNext()).kind, Kind::kFrame);
  Must(rig.Produce());
  EXPECT_TRUE(absl::IsDataLoss(viewer->TryNext().status()));
}

TEST(KnownImages, ANumberStandsForOneImageOnly) {
  KnownImages known({.generation = 1, .images = {0, 1, 2}, .grows = true});
  known.Remove({1});
  EXPECT_FALSE(known.Has(1));
  known.Add({65});  // in the place of 1
  EXPECT_FALSE(known.Has(1));
  EXPECT_TRUE(known.Has(65));
  known.Remove({1});
  EXPECT_TRUE(known.Has(65));
  EXPECT_EQ(known.count(), 3u);
}

}  // namespace
}  // namespace vramd::stream
