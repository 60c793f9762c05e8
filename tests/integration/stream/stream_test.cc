// Streams between real processes, which are stopped, killed and turned against one another.
#include <gtest/gtest.h>
#include <signal.h>

#include <future>
#include <random>
#include <thread>

#include "tests/integration/stream/roles.h"

namespace vramd::stream {
namespace {

using std::chrono::seconds;

constexpr LaneTerms kFifo2 = {LaneMode::kFifo, 2};
constexpr LaneTerms kMailbox2 = {LaneMode::kMailbox, 2};
constexpr uint64_t kFrames = 3000;

Patience Ample() { return Patience::For(seconds(60)); }

// It took more frames than it can have at once, so it gives some back.
bool AtWork(const StreamRig& rig, uint64_t id) {
  for (const LaneStats& lane : rig.producer().Stats())
    if (lane.consumer == ConsumerId{id}) return lane.offered - lane.dropped > kFifo2.limit;
  return false;
}

TEST(StreamProcesses, EveryConsumerGetsWhatItsModePromises) {
  StreamRig rig(10);
  ChildProcess all = StartConsumer(rig, rig.AddLane(1, kFifo2, WhenFull::kWait), kFifo2, "follow");
  ChildProcess some = StartConsumer(rig, rig.AddLane(2, kFifo2), kFifo2, "follow");
  ChildProcess newest = StartConsumer(rig, rig.AddLane(3, kMailbox2), kMailbox2, "follow");
  for (uint64_t i = 0; i < kFrames; ++i) Must(rig.Produce(Ample()));
  rig.producer().End(EndReason::kFinished);
  const Report reports[] = {ReadReport(all), ReadReport(some), ReadReport(newest)};
  for (const Report& report : reports) {
    EXPECT_EQ(report.wrong, "");
    EXPECT_EQ(report.received + report.dropped, kFrames);
    EXPECT_EQ(report.reason, static_cast<int>(EndReason::kFinished));
  }
  EXPECT_EQ(reports[0].received, kFrames);
  EXPECT_EQ(reports[0].gaps, 0u);
  EXPECT_EQ(reports[2].last, kFrames);
}

TEST(StreamProcesses, AStoppedConsumerDelaysNobody) {
  StreamRig rig(8 * 2 + 2);
  std::vector<ChildProcess> others;
  for (uint64_t id = 1; id <= 7; ++id)
    others.push_back(
        StartConsumer(rig, rig.AddLane(id, kFifo2, WhenFull::kWait), kFifo2, "follow"));
  ChildProcess stopped = StartConsumer(rig, rig.AddLane(8, kFifo2), kFifo2, "follow");
  for (int i = 0; i < 100; ++i) Must(rig.Produce(Ample()));
  ASSERT_EQ(kill(static_cast<pid_t>(stopped.id()), SIGSTOP), 0);
  for (uint64_t i = 100; i < kFrames; ++i) Must(rig.Produce(Ample()));
  rig.producer().End(EndReason::kFinished);
  for (ChildProcess& other : others) {
    const Report report = ReadReport(other);
    EXPECT_EQ(report.wrong, "");
    EXPECT_EQ(report.received, kFrames);
    EXPECT_EQ(report.dropped, 0u);
  }
  ASSERT_EQ(kill(static_cast<pid_t>(stopped.id()), SIGCONT), 0);
  const Report report = ReadReport(stopped);
  EXPECT_EQ(report.wrong, "");
  EXPECT_EQ(report.received + report.dropped, kFrames);
  EXPECT_GE(report.dropped, kFrames - 100 - kFifo2.limit);
}

TEST(StreamProcesses, AKilledConsumersSlotsComeBackAtOnce) {
  StreamRig rig(1, {.keep_last = false});
  Must(rig.Produce());
  for (uint64_t id = 1; id <= 10; ++id) {
    const LaneTerms terms = {LaneMode::kFifo, 1};
    ChildProcess holder = StartConsumer(rig, rig.AddLane(id, terms), terms, "hold");
    ASSERT_EQ(holder.ReadLine(), "holding");
    EXPECT_TRUE(absl::IsDeadlineExceeded(rig.Produce().status()));
    auto next = std::async(std::launch::async, [&] { return rig.Produce(Ample()); });
    holder.Kill();
    ASSERT_EQ(holder.Wait(), -SIGKILL);
    rig.producer().RemoveConsumer(ConsumerId{id});  // as the broker will say
    EXPECT_TRUE(next.get().ok());
  }
}

TEST(StreamProcesses, KillsAtAnyMomentHarmNobodyElse) {
  StreamRig rig(3 * 2 + 2);
  ChildProcess survivor =
      StartConsumer(rig, rig.AddLane(1, kFifo2, WhenFull::kWait), kFifo2, "follow");
  std::minstd_rand random(1);
  for (uint64_t id = 2; id <= 61; id += 2) {
    ChildProcess fifo = StartConsumer(rig, rig.AddLane(id, kFifo2), kFifo2, "follow");
    ChildProcess mail = StartConsumer(rig, rig.AddLane(id + 1, kMailbox2), kMailbox2, "follow");
    while (!AtWork(rig, id) || !AtWork(rig, id + 1)) Must(rig.Produce(Ample()));
    for (uint64_t left = random() % 500; left > 0; --left) Must(rig.Produce(Ample()));
    fifo.Kill();
    for (uint64_t left = random() % 50; left > 0; --left) Must(rig.Produce(Ample()));
    mail.Kill();
    rig.producer().RemoveConsumer(ConsumerId{id});
    rig.producer().RemoveConsumer(ConsumerId{id + 1});
  }
  rig.producer().End(EndReason::kFinished);
  const Report report = ReadReport(survivor);
  EXPECT_EQ(report.wrong, "");
  EXPECT_EQ(report.received, rig.producer().published());
  EXPECT_TRUE(rig.producer().TakeBrokenLanes().empty());
}

TEST(StreamProcesses, AKilledProducerEndsItsStreamWithTheLastFrameReadable) {
  for (int round = 0; round < 20; ++round) {
    const OsHandle board = Must(CreateOneWriterSection(BoardBytes(), "test board"));
    const OsHandle pixels = Must(CreateSection(Images::kBytes, "test images"));
    const Images images(pixels);
    const LaneParts lanes[] = {MakeLane(), MakeLane()};
    ChildProcess producer = StartProducer(board, pixels, {&lanes[0], &lanes[1]}, kFifo2);
    ASSERT_EQ(producer.ReadLine(), "ready");
    ASSERT_TRUE(CheckRefusesWriters(board).ok());
    std::unique_ptr<ConsumerCore> consumers[2];
    std::future<Seen> seen[2];
    for (int i = 0; i < 2; ++i) {
      consumers[i] = Must(ConsumerCore::Create(
          Must(MappedSection::Map(board, BoardBytes(), SectionAccess::kReadOnly)),
          lanes[i].ConsumerEnd(), kFifo2));
      consumers[i]->AddGeneration(1, Images::kPerRing);
      seen[i] = std::async(std::launch::async,
                           [&, i] { return Consume(*consumers[i], images, Ample()); });
    }
    ASSERT_EQ(producer.ReadLine(), "published 100");
    producer.Kill();
    ASSERT_EQ(producer.Wait(), -SIGKILL);
    for (int i = 0; i < 2; ++i) {
      consumers[i]->EndLocally(EndReason::kProducerGone);  // as the broker will say
      const Seen result = seen[i].get();
      EXPECT_EQ(result.wrong, "");
      EXPECT_EQ(result.reason, EndReason::kProducerGone);
      ASSERT_GE(result.sequences.size(), 100u);
      EXPECT_EQ(result.sequences.back(), result.sequences.size());
      // It may have died between two lanes: that frame counts as dropped.
      EXPECT_LE(consumers[i]->counters().dropped, 1u);
      const ConsumerFrame last = Must(consumers[i]->LastFrame());
      EXPECT_GE(last.facts.sequence, result.sequences.back());
      EXPECT_EQ(Wrong(images, last, consumers[i]->ReadDetails(last)), "");
    }
  }
}

TEST(StreamProcesses, AVandalLosesItsOwnLaneAndNothingElseHappens) {
  StreamRig rig(5 * 2 + 2);
  ChildProcess victim =
      StartConsumer(rig, rig.AddLane(1, kFifo2, WhenFull::kWait), kFifo2, "follow");
  std::vector<ChildProcess> vandals;
  for (uint64_t id = 2; id <= 5; ++id) {
    const LaneTerms& terms = id % 2 == 0 ? kFifo2 : kMailbox2;
    vandals.push_back(StartConsumer(rig, rig.AddLane(id, terms), terms, "vandalise"));
    ASSERT_EQ(vandals.back().ReadLine(), "at it");
  }
  size_t broken = 0;
  for (uint64_t i = 0; i < kFrames || broken < 4; ++i) {
    Must(rig.Produce(Ample()));
    for (const BrokenLane& lane : rig.producer().TakeBrokenLanes()) {
      EXPECT_TRUE(absl::IsDataLoss(lane.why)) << lane.why;
      EXPECT_GT(lane.consumer.value, 1u);
      ++broken;
    }
  }
  rig.producer().End(EndReason::kFinished);
  const Report report = ReadReport(victim);
  EXPECT_EQ(report.wrong, "");
  EXPECT_EQ(report.received, rig.producer().published());
  EXPECT_EQ(broken, 4u);
}

TEST(StreamProcesses, AConsumerCannotWriteTheBoard) {
  StreamRig rig(4);
  ChildProcess child = StartConsumer(rig, rig.AddLane(1, kMailbox2), kMailbox2, "trespass");
  EXPECT_EQ(child.ReadLine(), "0");
  EXPECT_EQ(child.Wait(), 0);
}

}  // namespace
}  // namespace vramd::stream
