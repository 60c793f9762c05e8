// The lane by itself: both modes against a model, the wrap of stamps, and every kind of forgery.
#include "base/stream/lane.h"
#include "base/stream/image_ring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <thread>

#include "base/stream/slot_ledger.h"
#include "tests/unit/stream/stream_rig.h"

namespace vramd::stream {
namespace {

struct Ends {
  explicit Ends(const LaneTerms& terms) : sender(lane.get(), terms), receiver(lane.get(), terms) {
    sender.Open(1);
  }
  std::unique_ptr<Lane> lane = std::make_unique<Lane>();
  LaneSender sender;
  LaneReceiver receiver;
};

constexpr LaneTerms kFifo3 = {LaneMode::kFifo, 3};
constexpr LaneTerms kMailbox3 = {LaneMode::kMailbox, 3};

TEST(Lane, FifoIsAQueueOverManyLaps) {
  Ends ends(kFifo3);
  std::deque<uint32_t> model;
  for (uint64_t i = 0; i < 100'000; ++i) {
    const uint64_t dice = Scramble(i);
    const auto slot = static_cast<uint32_t>(dice / 2 % kSlotCapacity);
    if (dice % 2 == 0 && !Contains(ends.sender.held(), slot)) {
      const bool room = model.size() < 3;
      ASSERT_EQ(ends.sender.Offer(slot), room);
      if (room) model.push_back(slot);
    } else if (const auto taken = ends.receiver.Take()) {
      ASSERT_EQ(*taken, model.front());
      model.pop_front();
      ends.receiver.GiveBack(*taken, i);
      ASSERT_EQ(ends.sender.Collect(), Only(*taken));
      ASSERT_EQ(ends.sender.release_value(*taken), i);
    }
  }
  EXPECT_TRUE(ends.sender.fault().ok()) << ends.sender.fault();
  EXPECT_TRUE(ends.receiver.fault().ok()) << ends.receiver.fault();
}

TEST(Lane, MailboxGivesBackWhatItDisplaces) {
  Ends ends(kMailbox3);
  EXPECT_TRUE(ends.sender.Offer(5));
  EXPECT_TRUE(ends.sender.Offer(6));
  EXPECT_EQ(ends.sender.held(), Only(6));
  EXPECT_EQ(ends.receiver.Take(), 6u);
  EXPECT_EQ(ends.receiver.Take(), std::nullopt);
  EXPECT_TRUE(ends.sender.Offer(5));
  EXPECT_EQ(ends.sender.held(), Only(5) | Only(6));
  EXPECT_EQ(ends.sender.dropped(), 1u);
}

TEST(Lane, BothEndsCountForWhoeverLooksOn) {
  Ends ends(kMailbox3);
  ends.sender.Offer(5);
  ends.sender.Offer(6);
  ends.receiver.CountTaken(70);
  ends.receiver.CountTaken(-1);
  ends.receiver.CountTaken(30);
  const LaneCounts counts = ReadCounts(*ends.sender.lane());
  EXPECT_EQ(counts.taken, 3u);
  EXPECT_EQ(counts.dropped, 1u);
  EXPECT_EQ(counts.measured, 2u);
  EXPECT_EQ(counts.latency_total_ns, 100u);
  EXPECT_EQ(counts.latency_ns, 30u);
}

TEST(Lane, AllSlotsFitInBothQueues) {
  Ends ends({LaneMode::kFifo, kSlotCapacity});
  for (int lap = 0; lap < 3; ++lap) {
    for (uint32_t slot = 0; slot < kSlotCapacity; ++slot) ASSERT_TRUE(ends.sender.Offer(slot));
    EXPECT_FALSE(ends.sender.HasRoom());
    for (uint32_t slot = 0; slot < kSlotCapacity; ++slot) ASSERT_EQ(ends.receiver.Take(), slot);
    for (uint32_t slot = 0; slot < kSlotCapacity; ++slot) ends.receiver.GiveBack(slot, 0);
    EXPECT_EQ(ends.sender.Collect(), ~SlotSet{0});
  }
}

// In every round the consumer writes one word that it should not, and the sender must notice.
TEST(Lane, TheSenderNoticesForgedReleases) {
  const uint64_t forgeries[] = {
      1,                             // no ticket at all
      MakeTicket(1, 9),              // a slot that it does not hold
      MakeTicket(1, kSlotCapacity),  // a slot that does not exist
      MakeTicket(1, 3) | 1 << 20,    // bits that mean nothing
      MakeTicket(2, 3),              // a position ahead
      MakeTicket(1, 3) & ~kTicketValid,
      ~uint64_t{0},
  };
  for (const uint64_t forged : forgeries) {
    Ends ends(kFifo3);
    ASSERT_TRUE(ends.sender.Offer(3));
    ends.lane->releases[0].ticket = forged;
    EXPECT_EQ(ends.sender.Collect(), 0u);
    EXPECT_TRUE(absl::IsDataLoss(ends.sender.fault())) << forged;
    EXPECT_FALSE(ends.sender.Offer(4));
  }
}

TEST(Lane, TheSenderNoticesASlotReleasedTwice) {
  Ends ends(kFifo3);
  ASSERT_TRUE(ends.sender.Offer(3));
  ends.receiver.GiveBack(3, 0);
  ends.receiver.GiveBack(3, 0);
  EXPECT_EQ(ends.sender.Collect(), Only(3));
  EXPECT_TRUE(absl::IsDataLoss(ends.sender.fault()));
}

TEST(Lane, TheSenderNoticesForgedMail) {
  for (const uint64_t forged : {uint64_t{1}, MakeTicket(7, 2), MakeTicket(1, 3), ~uint64_t{0}}) {
    Ends ends(kMailbox3);
    ASSERT_TRUE(ends.sender.Offer(2));
    ends.lane->mailbox = forged;
    EXPECT_FALSE(ends.sender.Offer(4));
    EXPECT_TRUE(absl::IsDataLoss(ends.sender.fault())) << forged;
  }
}

TEST(Lane, TheSenderNoticesAHoarder) {
  Ends ends(kMailbox3);
  for (uint32_t slot = 0; slot < 4; ++slot) {
    EXPECT_EQ(ends.sender.Offer(slot), slot < 3) << slot;
    EXPECT_EQ(ends.receiver.Take(), slot);
  }
  EXPECT_TRUE(absl::IsDataLoss(ends.sender.fault()));
}

TEST(Lane, TheReceiverNoticesForgedFrames) {
  for (const uint64_t forged :
       {uint64_t{1}, MakeTicket(1, kSlotCapacity), MakeTicket(2, 1), MakeTicket(1, 1) | 1 << 9}) {
    Ends ends(kFifo3);
    ends.lane->frames[0] = forged;
    EXPECT_EQ(ends.receiver.Take(), std::nullopt);
    EXPECT_TRUE(absl::IsDataLoss(ends.receiver.fault())) << forged;
  }
  for (const uint64_t forged : {uint64_t{1}, MakeTicket(1, kSlotCapacity), MakeTicket(0, 1)}) {
    Ends ends(kMailbox3);
    ends.lane->mailbox = forged;
    EXPECT_EQ(ends.receiver.Take(), std::nullopt);
    EXPECT_TRUE(absl::IsDataLoss(ends.receiver.fault())) << forged;
  }
}

TEST(Lane, TheReceiverNoticesMailThatComesAgain) {
  Ends ends(kMailbox3);
  ASSERT_TRUE(ends.sender.Offer(2));
  const uint64_t ticket = ends.lane->mailbox;
  EXPECT_EQ(ends.receiver.Take(), 2u);
  ends.lane->mailbox = ticket;
  EXPECT_EQ(ends.receiver.Take(), std::nullopt);
  EXPECT_TRUE(absl::IsDataLoss(ends.receiver.fault()));
}

// A slot is in one thread's hands at a time: the counters below are not atomic.
void PassSlotsAround(const LaneTerms& terms) {
  Ends ends(terms);
  constexpr int kFrames = 50'000;
  std::vector<uint64_t> content(kSlotCapacity);
  std::atomic<bool> done = false;
  std::thread consumer([&] {
    uint64_t newest = 0;
    while (true) {
      const bool last_look = done;
      const auto slot = ends.receiver.Take();
      if (!slot && last_look) return;
      if (!slot) {
        std::this_thread::yield();
        continue;
      }
      EXPECT_GT(content[*slot], newest);
      newest = content[*slot];
      ends.receiver.GiveBack(*slot, 0);
    }
  });
  for (uint64_t i = 1; i <= kFrames; ++i) {
    for (ends.sender.Collect(); !ends.sender.HasRoom(); ends.sender.Collect())
      std::this_thread::yield();
    const auto slot = static_cast<uint32_t>(std::countr_zero(~ends.sender.held()));
    content[slot] = i;
    ASSERT_TRUE(ends.sender.Offer(slot)) << ends.sender.fault();
  }
  done = true;
  consumer.join();
}

TEST(Lane, FifoInTwoThreads) { PassSlotsAround(kFifo3); }
TEST(Lane, MailboxInTwoThreads) { PassSlotsAround(kMailbox3); }

absl::Status Bind(SlotLedger& ledger, uint32_t generation, uint32_t images) {
  return ledger.Bind(generation, ImageRing::Fixed(generation, images).images);
}

TEST(SlotLedger, KeepsTheLastAndGoesRoundRobin) {
  SlotLedger ledger(true);
  ASSERT_TRUE(Bind(ledger, 1, 3).ok());
  EXPECT_EQ(ledger.Acquire(0), 0u);
  EXPECT_TRUE(absl::IsInvalidArgument(ledger.CheckPublish(1)));
  EXPECT_TRUE(absl::IsInvalidArgument(ledger.Abandon(77)));
  ledger.Publish(0);
  EXPECT_EQ(ledger.Acquire(0), 1u);
  EXPECT_EQ(ledger.Acquire(0), 2u);
  EXPECT_EQ(ledger.Acquire(0), std::nullopt);
  EXPECT_TRUE(ledger.Abandon(1).ok());
  EXPECT_EQ(ledger.Acquire(Only(1)), std::nullopt);
  EXPECT_EQ(ledger.Acquire(0), 1u);
}

TEST(SlotLedger, OldRingsDrainSlotBySlot) {
  SlotLedger ledger(true);
  ASSERT_TRUE(Bind(ledger, 1, 40).ok());
  ledger.Publish(*ledger.Acquire(0));
  EXPECT_TRUE(absl::IsResourceExhausted(Bind(ledger, 2, 40)));
  ASSERT_TRUE(Bind(ledger, 2, 20).ok());
  ledger.Recycle(Only(5));
  EXPECT_EQ(ledger.oldest_generation(), 1u);
  EXPECT_TRUE(absl::IsInvalidArgument(Bind(ledger, 2, 1)));
  ledger.Publish(*ledger.Acquire(Only(5)));  // generation 1's last frame is no longer kept
  ledger.Recycle(Only(5));
  EXPECT_EQ(ledger.oldest_generation(), 1u);
  ledger.Recycle(0);
  EXPECT_EQ(ledger.oldest_generation(), 2u);
  EXPECT_TRUE(Bind(ledger, 3, 44).ok());
}

TEST(SlotLedger, ImagesForWhichThereIsNoSlotYetGetOneWhenAnOldRingHasDrained) {
  SlotLedger ledger(false);
  ASSERT_TRUE(Bind(ledger, 1, 60).ok());
  ASSERT_TRUE(Bind(ledger, 2, 3).ok());
  ledger.Add({3, 4, 5});
  EXPECT_EQ(ledger.images(), 6u);
  EXPECT_TRUE(ledger.lacks_slots());
  ledger.Recycle(~SlotSet{0} >> 4);  // a consumer holds all of the old ring
  EXPECT_TRUE(ledger.lacks_slots());
  ledger.Recycle(0);
  EXPECT_FALSE(ledger.lacks_slots());
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(ledger.Acquire(0).has_value());
  EXPECT_FALSE(ledger.Acquire(0).has_value());
}

TEST(SlotLedger, OnlyWhatNobodyHasIsTakenOutAndKeepsItsSlotUntilItIsGone) {
  SlotLedger ledger(true);
  ASSERT_TRUE(Bind(ledger, 1, 6).ok());
  ledger.Publish(*ledger.Acquire(0));  // slot 0 is kept
  ASSERT_EQ(ledger.Acquire(0), 1u);    // rendered
  const SlotSet held = Only(2);        // by a consumer
  const auto out = ledger.TakeOut(9, held);
  EXPECT_EQ(out, (std::vector<uint16_t>{5, 4, 3}));
  EXPECT_EQ(ledger.images(), 3u);
  EXPECT_EQ(ledger.Acquire(held), std::nullopt);
  ledger.PutBack({4});
  EXPECT_EQ(ledger.Acquire(held), 4u)
      << "the slot that it had: what must be waited for hangs on it";
  ledger.Forget({3, 5});
  ledger.Add({70});
  EXPECT_EQ(ledger.Acquire(held), 3u);
  EXPECT_EQ(ledger.image_of(3), 70u);
}

TEST(SlotLedger, ImageZeroIsNeverTakenOut) {
  SlotLedger ledger(false);
  ASSERT_TRUE(Bind(ledger, 1, 2).ok());
  EXPECT_EQ(ledger.TakeOut(2, 0), std::vector<uint16_t>{1});
}

TEST(SlotLedger, AnOldRingMayOutliveNewerOnes) {
  SlotLedger ledger(true);
  for (uint32_t generation = 1; generation <= 4; ++generation) {
    ASSERT_TRUE(Bind(ledger, generation, 4).ok());
    ledger.Publish(*ledger.Acquire(Only(4)));  // a consumer has a frame of ring 2
    ledger.Recycle(Only(4));
  }
  EXPECT_EQ(ledger.oldest_generation(), 2u);
  ledger.Recycle(0);
  EXPECT_EQ(ledger.oldest_generation(), 4u);
}

}  // namespace
}  // namespace vramd::stream
