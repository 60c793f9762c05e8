// The rings of a stream at the broker: made, told of, retired.
#include <gmock/gmock.h>

#include "tests/unit/stream_broker_fakes.h"

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(StreamBrokerTest, ANewRingIsToldInOrderAndARetiredOneIsFreed) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  const auto consumer = Follow(kAlice2, opened->part);
  ASSERT_EQ(Resize(kAlice, created.part, 4).value_or(0), 2u);
  ASSERT_EQ(Resize(kAlice, created.part, 5).value_or(0), 3u);
  EXPECT_THAT(Take(opened->part, consumer),
              ElementsAre("FOLLOWING", "GENERATION 2", "GENERATION 3"));
  EXPECT_EQ(device_->live(), 12);
  ASSERT_TRUE(streams_->Retire(kAlice, created.part, 3).ok());
  EXPECT_EQ(device_->live(), 3 + 5) << "the reply to Open still has the first";
  EXPECT_EQ(Used(kAlice, "session.handles"), 5u);
  EXPECT_EQ(Used(kAlice2, "session.handles"), 5u);
  const absl::Status beyond = streams_->Retire(kAlice, created.part, 4);
  EXPECT_TRUE(absl::IsInvalidArgument(beyond));
  EXPECT_THAT(beyond.ToString(), HasSubstr("the newest is 3"));
  EXPECT_TRUE(absl::IsFailedPrecondition(streams_->Retire(kAlice2, opened->part, 2)));
}

TEST_F(StreamBrokerTest, WhoComesLateHearsOfOlderRingsThatAreInUse) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  ASSERT_TRUE(Resize(kAlice, created.part).ok() && Resize(kAlice, created.part).ok());
  const auto opened = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(opened.ok());
  EXPECT_EQ(opened->generation, 3u);
  ASSERT_TRUE(streams_->Retire(kAlice, created.part, 2).ok());
  EXPECT_THAT(Take(opened->part, Follow(kAlice2, opened->part)),
              ElementsAre("FOLLOWING", "GENERATION 2"))
      << "of the first, which is retired, there is nothing to hear";
}

TEST_F(StreamBrokerTest, ARingThatIsNotAddedLeavesNothing) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const uint64_t before = UsedByAll(kAlice);
  { ASSERT_TRUE(streams_->MakeRing(kAlice, created.part, SmallStream("", 9).ring).ok()); }
  EXPECT_EQ(UsedByAll(kAlice), before);
  EXPECT_EQ(device_->live(), 3);
  EXPECT_EQ(Resize(kAlice, created.part).value_or(0), 2u);
}

TEST_F(StreamBrokerTest, GenerationsHaveALimitUntilTheyAreRetired) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam", 2));
  for (uint32_t number = 2; number <= kMaxStreamRings; ++number)
    ASSERT_EQ(Resize(kAlice, created.part, 2).value_or(0), number);
  const auto refused = Resize(kAlice, created.part, 2);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_THAT(refused.status().ToString(), HasSubstr("retire the oldest"));
  ASSERT_TRUE(streams_->Retire(kAlice, created.part, 2).ok());
  EXPECT_TRUE(Resize(kAlice, created.part, 2).ok());
}

TEST_F(StreamBrokerTest, ARingThatWasNeverUsedIsRetiredByItsRequest) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  const uint64_t before = UsedByAll(kAlice), consumers = UsedByAll(kAlice2);
  for (int i = 0; i < 40; ++i) {
    const RequestId request = NextRequest();
    ASSERT_TRUE(Resize(kAlice, created.part, 2, request).ok());
    ASSERT_TRUE(streams_->RetireByRequest(kAlice, created.part, request).ok());
    EXPECT_TRUE(streams_->RetireByRequest(kAlice, created.part, request).ok()) << "gone already";
  }
  EXPECT_EQ(UsedByAll(kAlice), before);
  EXPECT_EQ(UsedByAll(kAlice2), consumers);
  EXPECT_EQ(device_->live(), 3);
  EXPECT_TRUE(streams_->RetireByRequest(kAlice, created.part, RequestId()).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(streams_->Retire(kAlice, created.part, 41)))
      << "the newest that is left is the first";
  const auto late = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(late.ok());
  EXPECT_EQ(late->generation, 1u);
  EXPECT_EQ(Resize(kAlice, created.part).value_or(0), 42u) << "numbers are not used again";
  EXPECT_THAT(Take(opened->part, Follow(kAlice2, opened->part)),
              ElementsAre("FOLLOWING", "GENERATION 42"));
}

TEST_F(StreamBrokerTest, ARingThatWasNeverUsedIsRetiredByItsNumber) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const uint64_t before = UsedByAll(kAlice);
  const auto number = Resize(kAlice, created.part, 2);
  ASSERT_TRUE(number.ok()) << number.status();
  EXPECT_TRUE(streams_->RetireUnused(kAlice, created.part, *number + 1).ok()) << "there is none";
  EXPECT_EQ(device_->live(), 5);
  EXPECT_TRUE(streams_->RetireUnused(kAlice, created.part, *number).ok());
  EXPECT_TRUE(streams_->RetireUnused(kAlice, created.part, *number).ok()) << "gone already";
  EXPECT_EQ(device_->live(), 3);
  EXPECT_EQ(UsedByAll(kAlice), before);
  EXPECT_TRUE(absl::IsFailedPrecondition(streams_->RetireUnused(kAlice, created.part, 1)));
}

TEST_F(StreamBrokerTest, TheOnlyRingIsNotRetired) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const RequestId request = NextRequest();
  ASSERT_TRUE(Resize(kAlice, created.part, 2, request).ok());
  ASSERT_TRUE(streams_->Retire(kAlice, created.part, 2).ok());
  const absl::Status refused = streams_->RetireByRequest(kAlice, created.part, request);
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(refused.ToString(), HasSubstr("generation 2 is the only one"));
}

}  // namespace
}  // namespace vramd
