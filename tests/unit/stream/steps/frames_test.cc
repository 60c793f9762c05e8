// Frames from one producer to one consumer, under every order of their steps: what lane.pml shows
// of the protocol, shown of the code.
#include <gtest/gtest.h>

#include "tests/unit/stream/steps/steps_rig.h"

namespace vramd::stream {
namespace {

using steps::ExpectHolds;

// A producer and a consumer that both wait for each other where they must.
steps::Scenario HandOver(uint32_t images, int frames, LaneTerms terms, WhenFull when_full) {
  return [=](Scheduler& scheduler) {
    StepsRig rig(scheduler, images, {.keep_last = false});
    const auto consumer = rig.AddConsumer(terms, when_full);
    scheduler.AddThread("producer", [&] {
      rig.Produce(frames);
      rig.producer().End(EndReason::kFinished);
    });
    scheduler.AddThread("consumer", [&] { rig.Consume(*consumer); });
    scheduler.Run();
    rig.CheckCounts(*consumer);
    if (when_full == WhenFull::kWait)
      rig.Check(consumer->counters().dropped == 0, "a frame was dropped that had to come");
  };
}

TEST(Steps, AFifoThatMustGetAllGetsAll) {
  ExpectHolds(2, 900, HandOver(2, 3, {LaneMode::kFifo, 2}, WhenFull::kWait));
}

TEST(Steps, AFifoOfOneFrameGetsAll) {
  ExpectHolds(2, 900, HandOver(2, 3, {LaneMode::kFifo, 1}, WhenFull::kWait));
}

// Slots that are rendered at the same time all count as frames that the consumer may get.
TEST(Steps, AFifoGetsAllOfAProducerThatRendersTwoFramesAtATime) {
  ExpectHolds(2, 500, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, 4, {.keep_last = false});
    const auto consumer = rig.AddConsumer({LaneMode::kFifo, 2}, WhenFull::kWait);
    scheduler.AddThread("producer", [&] {
      for (int pair = 0; pair < 2; ++pair) {
        const AcquiredSlot first = Must(rig.producer().Acquire(Forever()));
        const AcquiredSlot second = Must(rig.producer().Acquire(Forever()));
        rig.Fill(first.slot);
        rig.Fill(second.slot);
      }
      rig.producer().End(EndReason::kFinished);
    });
    scheduler.AddThread("consumer", [&] { rig.Consume(*consumer); });
    scheduler.Run();
    rig.CheckCounts(*consumer);
    rig.Check(consumer->counters().dropped == 0, "a frame was dropped that had to come");
  });
}

TEST(Steps, AFifoCountsWhatItMisses) {
  ExpectHolds(3, 2500, HandOver(2, 3, {LaneMode::kFifo, 1}, WhenFull::kDrop));
}

TEST(Steps, AMailboxGetsTheNewestAndCountsTheRest) {
  ExpectHolds(3, 2500, HandOver(2, 3, {LaneMode::kMailbox, 2}, WhenFull::kDrop));
}

}  // namespace
}  // namespace vramd::stream
