// Producer and consumers in one process: order, drops, limits, rings, ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "base/stream/commitment.h"
#include "tests/unit/stream/await_doorbell.h"
#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using Kind = Received::Kind;

constexpr LaneTerms kFifo4 = {LaneMode::kFifo, 4};
constexpr LaneTerms kMailbox2 = {LaneMode::kMailbox, 2};

Patience Ample() { return Patience::For(seconds(20)); }

std::vector<uint64_t> UpTo(uint64_t last) {
  std::vector<uint64_t> numbers(last);
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

TEST(Stream, AFrameArrivesWithItsWholeHeader) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4);
  for (uint64_t i = 1; i <= 300; ++i) {
    ASSERT_EQ(Must(rig.Produce()), i);
    const Received next = Must(consumer->TryNext());
    ASSERT_EQ(next.kind, Kind::kFrame);
    ASSERT_EQ(Wrong(rig.images(), next.frame, consumer->ReadDetails(next.frame)), "");
    ASSERT_TRUE(consumer->Release(next.frame).ok());
  }
  EXPECT_EQ(Must(consumer->TryNext()).kind, Kind::kNothing);
}

TEST(Stream, FifoDropsTheNewestBeyondItsLimitAndTells) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4);
  for (int i = 0; i < 10; ++i) Must(rig.Produce());
  rig.producer().End(EndReason::kFinished);
  const Seen seen = Consume(*consumer, rig.images(), Patience::None());
  EXPECT_THAT(seen.sequences, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(seen.wrong, "");
  EXPECT_EQ(seen.reason, EndReason::kFinished);
  EXPECT_EQ(consumer->counters().received, 4u);
  EXPECT_EQ(consumer->counters().dropped, 6u);
}

TEST(Stream, MailboxHasTheNewestAndTellsTheDrops) {
  StreamRig rig(4);
  auto consumer = rig.AddConsumer(1, kMailbox2);
  for (int i = 0; i < 10; ++i) Must(rig.Produce());
  Received next = Must(consumer->TryNext());
  ASSERT_EQ(next.kind, Kind::kFrame);
  EXPECT_EQ(next.frame.facts.sequence, 10u);
  EXPECT_EQ(consumer->counters().dropped, 9u);
  // It holds one: the box still takes the newest meanwhile, and the held frame stays whole.
  for (int i = 0; i < 10; ++i) Must(rig.Produce());
  EXPECT_EQ(Wrong(rig.images(), next.frame, consumer->ReadDetails(next.frame)), "");
  ASSERT_TRUE(consumer->Release(next.frame).ok());
  next = Must(consumer->TryNext());
  EXPECT_EQ(next.frame.facts.sequence, 20u);
  const std::vector<LaneStats> stats = rig.producer().Stats();
  ASSERT_EQ(stats.size(), 1u);
  EXPECT_EQ(stats[0].offered, 20u);
  EXPECT_EQ(stats[0].dropped, 18u);
}

// What the broker tells of a consumer, it reads in the lane.
TEST(Stream, TheLaneSaysHowTheConsumerFares) {
  StreamRig rig(6);
  const LaneParts& lane = rig.AddLane(1, kMailbox2);
  auto consumer = rig.Consumer(lane, kMailbox2);
  for (int i = 0; i < 10; ++i) Must(rig.Produce());
  const auto before = std::chrono::steady_clock::now();
  Must(rig.Produce());
  ASSERT_EQ(Must(consumer->TryNext()).kind, Kind::kFrame);
  const std::chrono::nanoseconds most = std::chrono::steady_clock::now() - before;
  const LaneCounts counts = ReadCounts(*lane.lane());
  EXPECT_EQ(counts.taken, 1u);
  EXPECT_EQ(counts.dropped, 10u);
  EXPECT_EQ(counts.measured, 1u);
  EXPECT_EQ(counts.latency_total_ns, counts.latency_ns);
  EXPECT_LE(counts.latency_ns, static_cast<uint64_t>(most.count()));
}

TEST(Stream, WhoSpinsSeldomLooksAtTheClock) {
  StreamRig rig(6);
  const LaneParts& lane = rig.AddLane(1, kFifo4);
  auto consumer = rig.Consumer(lane, kFifo4);
  for (int i = 0; i < 17; ++i) {
    Must(rig.Produce());
    Must(consumer->Release(Must(consumer->Next(Patience::SpinFor(seconds(20)))).frame));
  }
  EXPECT_EQ(ReadCounts(*lane.lane()).taken, 17u);
  EXPECT_EQ(ReadCounts(*lane.lane()).measured, 3u);
}

TEST(Stream, ReleasingTwiceIsRefused) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4);
  Must(rig.Produce());
  const Received next = Must(consumer->TryNext());
  EXPECT_TRUE(consumer->Release(next.frame).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(consumer->Release(next.frame)));
  Must(rig.Produce());
  EXPECT_TRUE(rig.producer().TakeBrokenLanes().empty());
}

TEST(Stream, AConsumerCannotHoldMoreThanItsLimit) {
  StreamRig rig(4);
  auto consumer = rig.AddConsumer(1, kMailbox2);
  Must(rig.Produce());
  const Received next = Must(consumer->TryNext());
  Must(rig.Produce());
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->TryNext().status()));
  ASSERT_TRUE(consumer->Release(next.frame).ok());
  EXPECT_EQ(Must(consumer->TryNext()).frame.facts.sequence, 2u);
}

TEST(Stream, AReleaseCarriesWhatTheGpuMustWaitFor) {
  StreamRig rig(3, {.keep_last = false});
  auto consumer = rig.AddConsumer(7, {LaneMode::kFifo, 1});
  Must(rig.Produce());
  const Received next = Must(consumer->TryNext());
  ASSERT_TRUE(consumer->Release(next.frame, 4711).ok());
  int seen = 0;
  for (int i = 0; i < 3; ++i) {
    const AcquiredSlot slot = Must(rig.producer().Acquire(Patience::None()));
    for (const SlotWait& wait : slot.waits) {
      EXPECT_EQ(slot.slot, next.frame.slot);
      EXPECT_EQ(wait.consumer, ConsumerId{7});
      EXPECT_EQ(wait.value, 4711u);
      ++seen;
    }
  }
  EXPECT_EQ(seen, 1);
}

// Who acquires and abandons has not waited: the consumer's GPU may still read the image.
TEST(Stream, AnAbandonedSlotStillWaitsForWhatTheConsumersGpuReads) {
  StreamRig rig(1, {.keep_last = false});
  auto consumer = rig.AddConsumer(7, {LaneMode::kFifo, 1});
  Must(rig.Produce());
  const Received next = Must(consumer->TryNext());
  ASSERT_TRUE(consumer->Release(next.frame, 4711).ok());
  for (int i = 0; i < 3; ++i) {
    const AcquiredSlot slot = Must(rig.producer().Acquire(Patience::None()));
    ASSERT_EQ(slot.waits.size(), 1u) << "acquired for the " << i + 1 << ". time";
    EXPECT_EQ(slot.waits[0].value, 4711u);
    Must(rig.producer().Abandon(slot.slot));
  }
  Must(rig.Produce());  // it has waited now
  Must(consumer->Release(Must(consumer->TryNext()).frame));
  EXPECT_TRUE(Must(rig.producer().Acquire(Patience::None())).waits.empty());
}

TEST(Stream, ConsumersThatCannotBeAreRefused) {
  StreamRig rig(6);
  rig.AddLane(1, kFifo4);
  EXPECT_TRUE(absl::IsAlreadyExists(rig.producer().AddConsumer(
      ConsumerId{1}, kMailbox2, WhenFull::kDrop, MakeLane().ProducerEnd())));
  EXPECT_TRUE(absl::IsInvalidArgument(rig.producer().AddConsumer(
      ConsumerId{3}, {LaneMode::kMailbox, 1}, WhenFull::kDrop, MakeLane().ProducerEnd())));
}

TEST(Stream, RoomForARingIsKnownBeforeThereIsOne) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4);
  EXPECT_TRUE(absl::IsInvalidArgument(rig.producer().AwaitRoom(65, Patience::None())));
  EXPECT_TRUE(absl::IsDeadlineExceeded(rig.producer().AwaitRoom(59, Patience::None())));
  Must(rig.producer().AwaitRoom(58, Patience::None()));
  EXPECT_EQ(Must(rig.producer().Acquire(Patience::None())).generation, 1u) << "nothing changed";
  Must(rig.producer().NewGeneration(2, 58, Patience::None()));
}

// With as many images as the commitment says and not one more, consumers that hold for ever all
// that they may hold up neither the producer nor each other.
TEST(Stream, NobodyIsHeldUpByThoseWhoHoldAllThatTheyMay) {
  for (const bool keep_last : {false, true}) {
    Commitment commitment(keep_last);
    const std::vector<LaneTerms> all = {kMailbox2, {LaneMode::kMailbox, 4}, kMailbox2, kFifo4};
    for (const LaneTerms& terms : all) commitment.Add(terms);
    ASSERT_EQ(commitment.images(), 1u + 3u + 1u + 4u + 2u);
    StreamRig rig(commitment.images(), {.keep_last = keep_last});
    std::vector<std::unique_ptr<ConsumerCore>> consumers;
    for (const LaneTerms& terms : all) {
      Must(rig.Produce());  // so that no two hold the same frame
      consumers.push_back(rig.AddConsumer(consumers.size() + 1, terms));
      while (consumers.back()->held() < terms.HoldLimit()) {
        Must(rig.Produce());
        ASSERT_EQ(Must(consumers.back()->TryNext()).kind, Kind::kFrame);
      }
    }
    EXPECT_TRUE(rig.producer().TakeBrokenLanes().empty());
    for (int i = 0; i < 100; ++i) Must(rig.Produce());
  }
}

TEST(Stream, WhatIsMissedBetweenTwoBoardsCountsAsDropped) {
  StreamRig rig(6);
  rig.producer().ContinueAfter(100);  // the frames of an old board
  for (int i = 0; i < 2; ++i) Must(rig.Produce());
  auto consumer = rig.AddConsumer(1, kFifo4);
  consumer->ContinueAfter(90);
  EXPECT_EQ(consumer->seen(), 90u);
  Must(rig.Produce());
  rig.producer().End(EndReason::kMoved);
  const Seen seen = Consume(*consumer, rig.images(), Ample());
  EXPECT_THAT(seen.sequences, ElementsAre(2, 3));
  EXPECT_EQ(seen.reason, EndReason::kMoved);
  EXPECT_EQ(consumer->counters().dropped, 10u + 1u) << "91 to 100, and the first of this board";
  EXPECT_EQ(consumer->seen(), 103u);
}

TEST(Stream, TheProducerWaitsForAFifoThatMustGetAll) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4, WhenFull::kWait);
  for (int i = 0; i < 4; ++i) Must(rig.Produce());
  EXPECT_TRUE(absl::IsDeadlineExceeded(rig.Produce().status()));
  std::thread thread([&] {
    for (int i = 0; i < 2000; ++i) Must(rig.Produce(Ample()));
    rig.producer().End(EndReason::kFinished);
  });
  const Seen seen = Consume(*consumer, rig.images(), Ample());
  thread.join();
  EXPECT_EQ(seen.sequences, UpTo(2004));
  EXPECT_EQ(seen.wrong, "");
  EXPECT_EQ(consumer->counters().dropped, 0u);
}

// More slots are out than its limit when it joins: nothing keeps them from being published.
TEST(Stream, AFifoThatMustGetAllBeginsWithTheFirstFrameThatIsFollowedByNoneTooMany) {
  StreamRig rig(8);
  Must(rig.Produce());
  std::vector<AcquiredSlot> out;
  for (int i = 0; i < 3; ++i) out.push_back(Must(rig.producer().Acquire(Patience::None())));
  auto consumer = rig.AddConsumer(1, {LaneMode::kFifo, 2}, WhenFull::kWait);
  EXPECT_TRUE(absl::IsDeadlineExceeded(rig.Produce().status()));
  for (const AcquiredSlot& slot : out) {
    const uint64_t sequence = rig.producer().published() + 1;
    rig.images().Paint(slot.generation, slot.image, sequence);
    Must(rig.producer().Publish(slot.slot, PatternHeader(sequence)));
  }
  rig.producer().End(EndReason::kFinished);
  const Seen seen = Consume(*consumer, rig.images(), Patience::None());
  EXPECT_THAT(seen.sequences, ElementsAre(3, 4))
      << "2 was not meant for it: 4 would have been lost";
  EXPECT_EQ(seen.wrong, "");
  EXPECT_EQ(consumer->counters().dropped, 0u);
}

TEST(Stream, ALateConsumerGetsTheFrameThatIsKept) {
  StreamRig rig(6);
  for (int i = 0; i < 5; ++i) Must(rig.Produce());
  auto consumer = rig.AddConsumer(1, kFifo4);
  Must(rig.Produce());
  rig.producer().End(EndReason::kFinished);
  const Seen seen = Consume(*consumer, rig.images(), Patience::None());
  EXPECT_THAT(seen.sequences, ElementsAre(5, 6));
  EXPECT_EQ(seen.wrong, "");
  EXPECT_EQ(consumer->counters().dropped, 0u);
}

TEST(Stream, WhoComesAfterTheEndStillSeesTheLastFrame) {
  StreamRig rig(4);
  for (int i = 0; i < 5; ++i) Must(rig.Produce());
  const LaneParts lane = MakeLane();
  auto consumer = rig.Consumer(lane, kMailbox2);
  EXPECT_TRUE(absl::IsFailedPrecondition(consumer->LastFrame().status()));
  rig.producer().End(EndReason::kFinished);
  EXPECT_EQ(Must(consumer->TryNext()).kind, Kind::kEnded);
  const ConsumerFrame last = Must(consumer->LastFrame());
  EXPECT_EQ(last.facts.sequence, 5u);
  EXPECT_EQ(Wrong(rig.images(), last, consumer->ReadDetails(last)), "");
  EXPECT_TRUE(consumer->Release(last).ok());
}

TEST(Stream, WithoutKeepingNoFrameIsPassedOffAsLastWhileItIsRenderedOver) {
  StreamRig rig(1, {.keep_last = false});
  auto consumer = rig.Consumer(MakeLane(), kMailbox2);
  Must(rig.Produce());
  Must(rig.producer().Acquire(Patience::None()));
  rig.producer().End(EndReason::kFailed);
  EXPECT_TRUE(absl::IsNotFound(consumer->LastFrame().status()));
}

TEST(Stream, ARemovedConsumersSlotsAreFreeAtOnce) {
  StreamRig rig(2, {.keep_last = false});
  auto gone = rig.AddConsumer(1, {LaneMode::kFifo, 2});
  Must(rig.Produce());
  Must(rig.Produce());
  EXPECT_TRUE(absl::IsDeadlineExceeded(rig.Produce().status()));
  std::thread waiter([&] { EXPECT_EQ(Must(rig.Produce(Ample())), 3u); });
  rig.producer().RemoveConsumer(ConsumerId{1});
  waiter.join();
  Consume(*gone, rig.images(), Patience::None());
  EXPECT_EQ(Must(gone->TryNext()).reason, EndReason::kRemoved);
}

TEST(Stream, WaitersAreReleasedByWhateverEndsTheWait) {
  StreamRig rig(4);
  auto a = rig.AddConsumer(1, kMailbox2);
  std::thread sleeper([&] {
    EXPECT_TRUE(absl::IsCancelled(a->Next(Ample()).status()));
    EXPECT_EQ(Must(a->Next(Ample())).reason, EndReason::kProducerGone);
  });
  a->Cancel();
  a->EndLocally(EndReason::kProducerGone);
  sleeper.join();
  for (int i = 0; i < 4; ++i) Must(rig.producer().Acquire(Ample()));
  std::thread cancelled(
      [&] { EXPECT_TRUE(absl::IsCancelled(rig.producer().Acquire(Ample()).status())); });
  rig.producer().Cancel();
  cancelled.join();
  std::thread ended(
      [&] { EXPECT_TRUE(absl::IsFailedPrecondition(rig.producer().Acquire(Ample()).status())); });
  rig.producer().End(EndReason::kFinished);
  ended.join();
}

TEST(Stream, ADeadlineIsKept) {
  StreamRig rig(4);
  auto consumer = rig.AddConsumer(1, kMailbox2);
  for (const Patience& patience :
       {Patience::For(milliseconds(20)), Patience::SpinFor(milliseconds(20))}) {
    EXPECT_EQ(Must(consumer->Next(patience)).kind, Kind::kNothing);
    EXPECT_GE(std::chrono::steady_clock::now(), patience.until);
  }
}

TEST(Stream, AnEventLoopIsWokenByTheDoorbell) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4, WhenFull::kWait);
  std::thread thread([&] {
    for (int i = 0; i < 1000; ++i) Must(rig.Produce(Ample()));
    rig.producer().End(EndReason::kFinished);
  });
  Seen seen;
  while (seen.reason == EndReason::kLive) {
    if (Must(consumer->ArmDoorbell())) {
      ASSERT_TRUE(AwaitDoorbell(consumer->doorbell(), seconds(20)));
    }
    const Seen more = Consume(*consumer, rig.images(), Patience::None());
    EXPECT_EQ(more.wrong, "");
    seen.sequences.insert(seen.sequences.end(), more.sequences.begin(), more.sequences.end());
    seen.reason = more.reason;
  }
  thread.join();
  EXPECT_EQ(seen.sequences, UpTo(1000));
}

TEST(Stream, AThousandRingsUnderLoadInOrderAndNeverMixed) {
  StreamRig rig(12);
  auto all = rig.AddConsumer(1, kFifo4, WhenFull::kWait);
  auto newest = rig.AddConsumer(2, kMailbox2);
  std::thread thread([&] {
    for (uint32_t generation = 2; generation <= 1001; ++generation) {
      for (int i = 0; i < 3; ++i) Must(rig.Produce(Ample()));
      Must(rig.producer().NewGeneration(generation, 8 + generation % 5, Ample()));
    }
    Must(rig.Produce(Ample()));
    rig.producer().End(EndReason::kFinished);
  });
  Seen seen_newest;
  std::thread other([&] { seen_newest = Consume(*newest, rig.images(), Ample()); });
  const Seen seen_all = Consume(*all, rig.images(), Ample());
  thread.join();
  other.join();
  EXPECT_EQ(seen_all.sequences, UpTo(3001));
  EXPECT_EQ(seen_all.wrong, "");
  EXPECT_EQ(seen_newest.wrong, "");
  EXPECT_EQ(seen_newest.reason, EndReason::kFinished);
  EXPECT_EQ(newest->counters().received + newest->counters().dropped, 3001u);
  EXPECT_EQ(rig.producer().OldestGeneration(), 1001u);
}

TEST(Stream, AFrameOfAnUnknownRingWaitsUntilTheRingIsKnown) {
  StreamRig rig(6);
  auto consumer = rig.AddConsumer(1, kFifo4);
  Must(rig.Produce());
  Must(rig.producer().NewGeneration(5, 7, Patience::None()));
  Must(rig.Produce());
  Must(consumer->Release(Must(consumer->TryNext()).frame));
  for (int i = 0; i < 3; ++i) {
    const Received next = Must(consumer->TryNext());
    ASSERT_EQ(next.kind, Kind::kNewImage);
    EXPECT_EQ(next.generation, 5u);
  }
  consumer->AddGeneration(5, 7);
  EXPECT_EQ(Must(consumer->TryNext()).frame.facts.generation, 5u);
}

TEST(Stream, ASlotOfAnOldRingIsNotPublishedAfterANewOne) {
  StreamRig rig(6);
  const AcquiredSlot old_slot = Must(rig.producer().Acquire(Patience::None()));
  Must(rig.producer().NewGeneration(2, 6, Patience::None()));
  EXPECT_EQ(rig.producer().OldestGeneration(), 1u);
  Must(rig.Produce());
  EXPECT_TRUE(absl::IsFailedPrecondition(rig.producer().Publish(old_slot.slot, {}).status()));
  Must(rig.producer().Abandon(old_slot.slot));
  EXPECT_EQ(rig.producer().OldestGeneration(), 2u);
}

TEST(Stream, CountersAddUpForConsumersOfEverySpeed) {
  StreamRig rig(24);
  std::vector<std::unique_ptr<ConsumerCore>> consumers;
  for (uint64_t id = 1; id <= 6; ++id)
    consumers.push_back(
        rig.AddConsumer(id, id % 2 == 0 ? kMailbox2 : LaneTerms{LaneMode::kFifo, 3}));
  std::vector<std::thread> threads;
  for (auto& consumer : consumers)
    threads.emplace_back([&] {
      const Seen seen = Consume(*consumer, rig.images(), Ample());
      EXPECT_EQ(seen.wrong, "");
      EXPECT_EQ(seen.reason, EndReason::kFinished) << seen.status;
      EXPECT_TRUE(std::is_sorted(seen.sequences.begin(), seen.sequences.end()));
    });
  for (int i = 0; i < 20000; ++i) Must(rig.Produce(Ample()));
  rig.producer().End(EndReason::kFinished);
  for (std::thread& thread : threads) thread.join();
  const std::vector<LaneStats> stats = rig.producer().Stats();
  for (size_t i = 0; i < consumers.size(); ++i) {
    const ConsumerCounters counters = consumers[i]->counters();
    EXPECT_EQ(counters.received + counters.dropped, 20000u);
    EXPECT_EQ(stats[i].offered, 20000u);
    EXPECT_EQ(stats[i].dropped, counters.dropped);
  }
}

TEST(Stream, ABadHeaderIsRefusedByThePublisher) {
  StreamRig rig(6);
  const AcquiredSlot slot = Must(rig.producer().Acquire(Patience::None()));
  FrameHeader header;
  header.facts.damage_count = kMaxDamage + 1;
  EXPECT_TRUE(absl::IsInvalidArgument(rig.producer().Publish(slot.slot, header).status()));
  header = {};
  header.facts.transform = 3;
  EXPECT_TRUE(absl::IsInvalidArgument(rig.producer().Publish(slot.slot, header).status()));
  EXPECT_TRUE(rig.producer().Publish(slot.slot, {}).ok());
}

TEST(Stream, AnotherLayoutIsRefused) {
  const OsHandle section = Must(CreateOneWriterSection(BoardBytes(), "test"));
  const auto writable = Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadWrite));
  auto* board = static_cast<Board*>(writable.data());
  const auto open = [&] {
    return ConsumerCore::Create(
               Must(MappedSection::Map(section, BoardBytes(), SectionAccess::kReadOnly)),
               MakeLane().ConsumerEnd(), {})
        .status();
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(open()));
  BoardWriter(board).Begin();
  EXPECT_TRUE(open().ok());
  board->layout_version = kLayoutVersion + 1;
  EXPECT_TRUE(absl::IsFailedPrecondition(open()));
}

}  // namespace
}  // namespace vramd::stream
