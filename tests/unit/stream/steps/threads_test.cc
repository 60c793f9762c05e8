// Ends with more than one thread: who takes and who releases, who waits and who cancels.
#include <gtest/gtest.h>

#include "tests/unit/stream/steps/steps_rig.h"

namespace vramd::stream {
namespace {

using Kind = Received::Kind;
using steps::ExpectHolds;

// ---- A thread that takes and one that releases ------------------------------------------------

// Looks for a frame so many times, whether or not one is there and may be taken.
void TakeSome(StepsRig& rig, ConsumerCore& consumer, int looks, FrameBox& taken) {
  for (; looks > 0; --looks) {
    const auto next = consumer.TryNext();
    if (absl::IsFailedPrecondition(next.status())) continue;  // it holds all that it may
    rig.Check(next.ok(), absl::StrCat("Next: ", next.status().message()));
    if (!next.ok()) break;
    rig.Check(next->kind != Kind::kEnded, "the consumer was removed");
    if (next->kind != Kind::kFrame) continue;
    rig.Look(next->frame);
    taken.Put(next->frame);
  }
  taken.Put({.kept = true});  // no more
}

void ReleaseAll(StepsRig& rig, ConsumerCore& consumer, FrameBox& taken) {
  for (ConsumerFrame frame = taken.Take(); !frame.kept; frame = taken.Take())
    rig.Check(consumer.Release(frame).ok(), "a frame could not be released");
}

steps::Scenario TakerAndReleaser(LaneTerms terms, WhenFull when_full, int frames, int looks) {
  return [=](Scheduler& scheduler) {
    StepsRig rig(scheduler, terms.limit + 1, {.keep_last = false});
    const auto consumer = rig.AddConsumer(terms, when_full);
    // One frame is held, and one is there to be taken.
    FrameBox taken;
    rig.Produce(1);
    taken.Put(Must(consumer->TryNext()).frame);
    if (terms.limit > 1) rig.Produce(1);
    scheduler.Name("taken", &taken, sizeof(taken));
    scheduler.AddThread("taker", [&] { TakeSome(rig, *consumer, looks, taken); });
    scheduler.AddThread("releaser", [&] { ReleaseAll(rig, *consumer, taken); });
    scheduler.AddThread("producer", [&] { rig.Produce(frames); });
    scheduler.Run();
    rig.CheckHonest();
    rig.producer().End(EndReason::kFinished);
    rig.Consume(*consumer);
    rig.CheckCounts(*consumer);
  };
}

TEST(Steps, AMailboxOfTwoThreadsIsNeverTakenForAHoarder) {
  ExpectHolds(2, 2000, TakerAndReleaser({LaneMode::kMailbox, 2}, WhenFull::kDrop, 2, 2));
}

TEST(Steps, AMailboxOfTwoThreadsThatHoldsTwoIsNeverTakenForAHoarder) {
  ExpectHolds(2, 3500, TakerAndReleaser({LaneMode::kMailbox, 3}, WhenFull::kDrop, 2, 2));
}

TEST(Steps, AFifoOfTwoThreadsIsNeverTakenForAHoarder) {
  ExpectHolds(2, 3500, TakerAndReleaser({LaneMode::kFifo, 2}, WhenFull::kDrop, 2, 2));
}

TEST(Steps, AFifoOfTwoThreadsThatMustGetAllGetsAll) {
  ExpectHolds(1, 500, TakerAndReleaser({LaneMode::kFifo, 2}, WhenFull::kWait, 1, 2));
}

// ---- A slot that is not used after all --------------------------------------------------------

bool WaitsFor(const AcquiredSlot& slot, uint64_t value) {
  for (const SlotWait& wait : slot.waits)
    if (wait.value == value) return true;
  return false;
}

TEST(Steps, AnAbandonedSlotStillTellsWhatItMustWaitFor) {
  ExpectHolds(3, 20, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, 1, {.keep_last = false});
    const auto consumer = rig.AddConsumer({LaneMode::kFifo, 1});
    rig.Produce(1);
    const Received next = Must(consumer->TryNext());
    scheduler.AddThread("producer", [&] {
      for (int i = 0; i < 3; ++i) {
        const auto slot = rig.producer().Acquire(Forever());
        rig.Check(slot.ok() && WaitsFor(*slot, 4711), "the consumer's GPU may still use the slot");
        if (slot.ok()) Must(rig.producer().Abandon(slot->slot));
      }
    });
    scheduler.AddThread("consumer", [&] { Must(consumer->Release(next.frame, 4711)); });
    scheduler.Run();
  });
}

TEST(Steps, AWaitIsToldForOneFrame) {
  ExpectHolds(3, 30, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, 2, {.keep_last = false});
    const auto consumer = rig.AddConsumer({LaneMode::kMailbox, 2});
    rig.Produce(1);
    const Received next = Must(consumer->TryNext());
    int told = 0;
    const auto produce = [&](int frames) {
      for (; frames > 0; --frames) {
        const AcquiredSlot slot = Must(rig.producer().Acquire(Forever()));
        told += WaitsFor(slot, 4711) ? 1 : 0;
        rig.Fill(slot.slot);
      }
    };
    scheduler.AddThread("producer", [&] { produce(2); });
    scheduler.AddThread("consumer", [&] { Must(consumer->Release(next.frame, 4711)); });
    scheduler.Run();
    produce(4);
    rig.Check(told == 1, absl::StrCat("a wait was told ", told, " times"));
  });
}

// ---- Cancellation -----------------------------------------------------------------------------

// Calls until one is cancelled, and returns how many calls were begun after Cancel() had returned.
template <typename Call>
int CallUntilCancelled(StepsRig& rig, const Word32& cancelled, Call call) {
  for (int late = 0;;) {
    if (cancelled != 0) ++late;
    const absl::Status status = call();
    if (absl::IsCancelled(status)) return late;
    rig.Check(status.ok(), absl::StrCat("not cancelled: ", status.message()));
    if (!status.ok()) return late;
  }
}

TEST(Steps, CancelEndsOneNext) {
  ExpectHolds(2, 500, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, 3);
    const auto consumer = rig.AddConsumer({LaneMode::kFifo, 1});
    Word32 cancelled{0};
    scheduler.Name("cancelled", &cancelled, sizeof(cancelled));
    scheduler.AddThread("consumer", [&] {
      const auto next = [&] {
        const auto next = consumer->Next(Forever());
        if (next.ok() && next->kind == Kind::kFrame) Must(consumer->Release(next->frame));
        rig.Check(!next.ok() || next->kind != Kind::kEnded, "a cancellation was lost");
        return next.status();
      };
      const int late = CallUntilCancelled(rig, cancelled, next);
      rig.Check(late <= 1, "the call after Cancel() was not cancelled");
    });
    scheduler.AddThread("canceller", [&] {
      consumer->Cancel();
      cancelled = 1;
    });
    scheduler.AddThread("producer", [&] { rig.Produce(2); });
    scheduler.Run();
    rig.Check(consumer->TryNext().ok(), "one Cancel() ended two calls");
  });
}

TEST(Steps, CancelEndsOneAcquire) {
  ExpectHolds(2, 500, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, 1, {.keep_last = false});
    const auto consumer = rig.AddConsumer({LaneMode::kFifo, 1}, WhenFull::kWait);
    rig.Produce(1);
    Word32 cancelled{0};
    scheduler.Name("cancelled", &cancelled, sizeof(cancelled));
    scheduler.AddThread("producer", [&] {
      int frames = 0;
      const auto acquire = [&] {
        const auto slot = rig.producer().Acquire(Forever());
        if (slot.ok()) rig.Fill(slot->slot);
        frames += slot.ok() ? 1 : 0;
        return slot.status();
      };
      const int late = CallUntilCancelled(rig, cancelled, acquire);
      rig.Check(late <= 1, "the call after Cancel() was not cancelled");
      for (; frames < 2; ++frames) rig.Check(acquire().ok(), "one Cancel() ended two calls");
    });
    scheduler.AddThread("canceller", [&] {
      rig.producer().Cancel();
      cancelled = 1;
    });
    scheduler.AddThread("consumer", [&] {
      for (int i = 0; i < 2; ++i) {
        const auto next = consumer->Next(Forever());
        rig.Check(next.ok() && next->kind == Kind::kFrame, "a frame did not come");
        if (next.ok()) Must(consumer->Release(next->frame));
      }
    });
    scheduler.Run();
  });
}

// ---- Joining ----------------------------------------------------------------------------------

// A consumer for whom the producer waits joins while frames are rendered already. Whatever was
// meant for it comes, and then all that follows.
steps::Scenario JoinWhileRendering(uint32_t acquired, LaneTerms terms, bool keep_last) {
  return [=](Scheduler& scheduler) {
    StepsRig rig(scheduler, 5, {.keep_last = keep_last});
    rig.Produce(1);
    std::vector<uint32_t> slots;
    while (slots.size() < acquired) slots.push_back(Must(rig.producer().Acquire(Forever())).slot);
    const LaneParts lane = MakeLane();
    const auto consumer = rig.Consumer(lane, terms);
    Gate joined;             // the end is no matter here
    uint64_t joined_by = 0;  // all that is acquired after this many frames is meant for it
    scheduler.Name("joined", &joined, sizeof(joined));
    scheduler.AddThread("producer", [&] {
      for (const uint32_t slot : slots) rig.Fill(slot);
      rig.Produce(1);
      joined.Wait();
      rig.producer().End(EndReason::kFinished);
    });
    scheduler.AddThread("joiner", [&] {
      Must(rig.producer().AddConsumer(ConsumerId{1}, terms, WhenFull::kWait, lane.ProducerEnd()));
      joined_by = rig.producer().published();
      joined.Open();
    });
    scheduler.AddThread("consumer", [&] { rig.Consume(*consumer); });
    scheduler.Run();
    rig.Check(consumer->counters().dropped == 0, "a frame was dropped that had to come");
    const uint64_t last = acquired + 2;
    rig.Check(joined_by >= acquired + 1 || consumer->seen() == last,
              "the last frame did not come, though it was acquired after the consumer had joined");
    rig.CheckHonest();
  };
}

TEST(Steps, WhoJoinsWhileMoreIsRenderedThanItMayHaveMissesNothingThatWasMeantForIt) {
  ExpectHolds(1, 300, JoinWhileRendering(2, {LaneMode::kFifo, 1}, true));
}

TEST(Steps, WhoJoinsWhileItHasRoomForAllThatIsRenderedMissesNothing) {
  ExpectHolds(1, 300, JoinWhileRendering(1, {LaneMode::kFifo, 2}, true));
}

// ---- Leaving ----------------------------------------------------------------------------------

TEST(Steps, WhoIsRemovedLetsAWaitingProducerGo) {
  ExpectHolds(2, 500, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, 2, {.keep_last = false});
    const auto consumer = rig.AddConsumer({LaneMode::kFifo, 2}, WhenFull::kWait);
    rig.Produce(1);
    scheduler.AddThread("producer", [&] { rig.Produce(2); });
    scheduler.AddThread("remover", [&] { rig.producer().RemoveConsumer(ConsumerId{1}); });
    scheduler.AddThread("consumer", [&] {
      auto next = consumer->Next(Forever());
      while (next.ok() && next->kind == Kind::kFrame) next = consumer->Next(Forever());
      rig.Check(absl::IsFailedPrecondition(next.status()) ||
                    (next.ok() && next->reason == EndReason::kRemoved),
                absl::StrCat("Next: ", next.status().message()));
    });
    scheduler.Run();
  });
}

}  // namespace
}  // namespace vramd::stream
