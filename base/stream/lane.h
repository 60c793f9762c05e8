// One consumer's lane: frames out to it, releases back from it.
//
// Each queue has one writer and one reader, and is a ring of kSlotCapacity entries in which each
// entry says by its stamp whether it is new; nobody reads the other's position. It cannot overflow:
// an unread entry names a slot that is on its way, a slot is on its way once, and there are as many
// entries as slots.
//
// In fifo mode every frame goes through the queue, up to a limit of frames that the consumer has
// not given back. In mailbox mode there is a single word: the producer exchanges the newest frame
// into it and takes, in the same step, the one that it displaces; the consumer exchanges zero into
// it. So each frame is either taken or displaced, never both.
//
// Neither end trusts the other. What breaks the protocol makes the lane faulty for good: its
// operations then do nothing, and fault() says why.
#ifndef VRAMD_BASE_STREAM_LANE_H_
#define VRAMD_BASE_STREAM_LANE_H_

#include <array>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "base/stream/control_layout.h"

namespace vramd::stream {

// One bit per slot.
using SlotSet = uint64_t;
static_assert(sizeof(SlotSet) * 8 == kSlotCapacity);
constexpr SlotSet Only(uint32_t slot) { return SlotSet{1} << slot; }
constexpr bool Contains(SlotSet set, uint32_t slot) { return (set >> slot & 1) != 0; }
constexpr uint32_t Count(SlotSet set) { return static_cast<uint32_t>(std::popcount(set)); }

// Count(set) >= count, without a population count, which the oldest x86-64 processors do not have.
constexpr bool AtLeast(SlotSet set, uint32_t count) {
  for (; count > 0 && set != 0; --count) set &= set - 1;
  return count == 0;
}

enum class LaneMode : uint8_t { kFifo, kMailbox };

// Both ends are told the same terms by the broker.
struct LaneTerms {
  LaneMode mode = LaneMode::kMailbox;
  // Frames that the consumer may have at once. In mailbox mode one of them is the one in the box,
  // so it can hold one less.
  uint32_t limit = 2;

  uint32_t HoldLimit() const { return mode == LaneMode::kFifo ? limit : limit - 1; }
};
// INVALID_ARGUMENT unless the limit is 1 (mailbox: 2) to kSlotCapacity.
absl::Status CheckTerms(const LaneTerms& terms);

// What both ends count in a lane, see Counts. Read by one who is neither, and who trusts neither:
// they are only numbers, and need not fit together.
struct LaneCounts {
  uint64_t taken = 0;
  uint64_t dropped = 0;
  uint64_t measured = 0;
  uint64_t latency_total_ns = 0;
  uint64_t latency_ns = 0;
};
LaneCounts ReadCounts(const Lane& lane);

// The producer's end. One thread at a time. Refers to the lane, which must outlive it.
class LaneSender {
 public:
  LaneSender(Lane* lane, const LaneTerms& terms) : lane_(lane), terms_(terms) {}

  // To be called once, before the first Offer().
  void Open(uint64_t first_sequence);

  // Tells the consumer that nothing comes any more. The caller rings.
  void Close() { lane_->closed.store(1, std::memory_order_release); }

  // Takes in all releases; returns the slots that came back.
  SlotSet Collect();

  bool HasRoom() const {
    return terms_.mode == LaneMode::kMailbox || !AtLeast(held_, terms_.limit);
  }

  // Hands the frame in `slot` to the consumer; the caller rings. False when it cannot: no room, or
  // a fault. Collect() first, or a full fifo stays full.
  bool Offer(uint32_t slot);

  // The slots that the consumer has or can take.
  SlotSet held() const { return held_; }
  // What the consumer's semaphore reaches when its GPU is done with a slot that came back.
  uint64_t release_value(uint32_t slot) const { return release_values_[slot]; }
  void ForgetReleaseValue(uint32_t slot) { release_values_[slot] = 0; }

  // Frames that were displaced or refused: the consumer will never see them.
  uint64_t dropped() const { return dropped_; }
  const absl::Status& fault() const { return fault_; }
  Lane* lane() const { return lane_; }
  void Fail(absl::Status why) { fault_ = std::move(why); }

 private:
  std::optional<uint32_t> NextRelease();
  void Queue(uint32_t slot);
  void Post(uint32_t slot);
  void CountDrop();

  Lane* const lane_;
  const LaneTerms terms_;
  SlotSet held_ = 0;
  uint64_t sent_ = 0;       // fifo: frames queued; mailbox: postings
  uint64_t collected_ = 0;  // releases read
  uint64_t posted_ = 0;     // the ticket in the mailbox, unless taken
  uint64_t dropped_ = 0;
  std::array<uint64_t, kSlotCapacity> release_values_{};
  absl::Status fault_;
};

// The consumer's end. Take() and GiveBack() may run at the same time, each in one thread at a time.
class LaneReceiver {
 public:
  LaneReceiver(Lane* lane, const LaneTerms& terms) : lane_(lane), terms_(terms) {}

  // Whether Take() would find something new, sound or not. Cheap, for polling.
  bool HasNews() const;

  // The next frame's slot, which exists but is otherwise unchecked; nullopt when there is none, or
  // on a fault.
  std::optional<uint32_t> Take();

  // The caller rings. `value`: see Release.
  void GiveBack(uint32_t slot, uint64_t value);

  // The first frame that was meant for this consumer; 0 until the producer knows of it.
  uint64_t first_sequence() const { return lane_->first_sequence.load(std::memory_order_acquire); }
  bool closed() const { return lane_->closed.load(std::memory_order_acquire) != 0; }

  // For whoever looks on: one more frame was taken. `latency_ns` negative: it was not measured.
  void CountTaken(int64_t latency_ns);
  const absl::Status& fault() const { return fault_; }  // for the thread that calls Take()
  void Fail(absl::Status why) { fault_ = std::move(why); }

 private:
  std::optional<uint32_t> TakeQueued();
  std::optional<uint32_t> TakePosted();

  Lane* const lane_;
  const LaneTerms terms_;
  uint64_t taken_ = 0;     // fifo: entries read
  uint32_t newest_ = 0;    // mailbox: stamp of the frame taken last
  uint64_t released_ = 0;  // entries written
  LaneCounts counts_;      // what CountTaken() has written; dropped is the sender's
  absl::Status fault_;
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_LANE_H_
