// The producer's end of a stream: a board, a ledger, and one lane per consumer.
//
//   core = ProducerCore::Create(board)        maps it, seals it: now consumers may have it
//   core->NewGeneration(1, images, patience)  the ring's images, made by others
//   core->AddConsumer(...)                    whenever one opens the stream
//   slot = core->Acquire(patience)            -> image; wait for slot.waits on the GPU; render
//   core->Publish(slot.slot, header)
//
// It knows nothing of Vulkan, of the broker, or of how handles travel.
//
// A consumer that does not keep up costs nobody else anything, provided that the ring has as many
// images as commitment.h says. Who admits consumers sees to that: the broker.
//
// Thread-safe. Acquire(), NewGeneration() and AwaitRoom() may block; they belong to one thread at a
// time.
#ifndef VRAMD_BASE_STREAM_PRODUCER_CORE_H_
#define VRAMD_BASE_STREAM_PRODUCER_CORE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/section.h"
#include "base/stream/board.h"
#include "base/stream/image_ring.h"
#include "base/stream/lane.h"
#include "base/stream/slot_ledger.h"
#include "base/stream/wait.h"

namespace vramd::stream {

using ConsumerId = StrongId<struct ConsumerTag>;

// What happens when a fifo consumer has as many frames as its limit. A mailbox is never full.
enum class WhenFull : uint8_t {
  kDrop,  // it misses the frame, and will know
  kWait,  // Acquire() waits, and so everybody does
};

struct ProducerOptions {
  bool keep_last = true;  // see SlotLedger
  uint64_t stream = 0;    // its number on the board
  // How long a ring that grows has had images to spare before it gives them back.
  std::chrono::nanoseconds spare_for = std::chrono::seconds(5);
};

// The producer's part of a lane. Doorbells may be absent where Sleep() does not need them.
struct ProducerLane {
  std::shared_ptr<const MappedSection> memory;  // shared only where both ends are one process
  OsHandle frames_ring;                         // of the doorbell that the consumer listens to
  OsHandle releases_listen;                     // of the doorbell that the consumer rings
};

// Before the GPU writes a slot again, it must wait until this consumer's semaphore has the value.
struct SlotWait {
  ConsumerId consumer;
  uint64_t value = 0;
};

struct AcquiredSlot {
  uint32_t slot = 0;
  uint32_t generation = 0;
  uint16_t image = 0;
  absl::InlinedVector<SlotWait, 4> waits;
};

struct BrokenLane {
  ConsumerId consumer;
  absl::Status why;
};

struct LaneStats {
  ConsumerId consumer;
  LaneMode mode = LaneMode::kMailbox;
  uint64_t offered = 0;  // frames published since it joined, with the one it joined on
  uint64_t dropped = 0;  // of these, the ones that it will never see
  uint32_t held = 0;     // frames that it has or can take
};

class ProducerCore {
 public:
  // `board` was made by CreateOneWriterSection(BoardBytes()) and is in nobody else's hands. On
  // return it refuses other writers, and consumers may have it.
  static absl::StatusOr<std::unique_ptr<ProducerCore>> Create(const OsHandle& board,
                                                              const ProducerOptions& options);
  // Ends the stream with kFailed unless it has ended.
  ~ProducerCore();

  // A new ring replaces the one before; frames in older images stay valid until they are released.
  // RESOURCE_EXHAUSTED: too few images for the consumers that there are. DEADLINE_EXCEEDED: too
  // many slots of older rings are still in use.
  absl::Status NewGeneration(const ImageRing& ring, const Patience& patience);
  absl::Status NewGeneration(uint32_t generation, uint32_t images, const Patience& patience) {
    return NewGeneration(ImageRing::Fixed(generation, images), patience);
  }
  // Waits likewise, and changes nothing: afterwards there is room for a new generation of so many
  // images.
  absl::Status AwaitRoom(uint32_t images, const Patience& patience);

  // The broker has added images to the ring of that generation, perhaps before NewGeneration()
  // knows of it. Never waits.
  void AddImages(uint32_t generation, absl::Span<const uint16_t> images);
  // Images that the ring has had to spare for ProducerOptions::spare_for. They are not rendered
  // into any more; the caller asks the broker to take them back, and then says what became of them.
  // Nothing is told twice until then. Cheap when there are none.
  ImageRing TakeSurplus();
  void ImagesKept(uint32_t generation, absl::Span<const uint16_t> images);
  void ImagesGone(uint32_t generation, absl::Span<const uint16_t> images);
  uint32_t images() const;  // of the newest ring
  // What a ring needs for the consumers that there are, see commitment.h.
  uint32_t needed_images() const;

  // The oldest ring of which somebody still has an image: the memory of those before it can go.
  uint32_t OldestGeneration();

  // If a frame is kept, the consumer gets it at once. RESOURCE_EXHAUSTED: there are kMaxBells - 1
  // consumers. ALREADY_EXISTS: the id.
  absl::Status AddConsumer(ConsumerId id, const LaneTerms& terms, WhenFull when_full,
                           ProducerLane lane);
  // It has left, died, or is unwanted: what it held is free at once.
  void RemoveConsumer(ConsumerId id);
  // The consumers that broke the protocol since the last call. They are removed already.
  std::vector<BrokenLane> TakeBrokenLanes();

  // A slot to render into, once there is one and no consumer has to be waited for.
  // DEADLINE_EXCEEDED names what is missing; FAILED_PRECONDITION: no ring yet, or ended; CANCELLED.
  absl::StatusOr<AcquiredSlot> Acquire(const Patience& patience);

  // Hands the frame to every consumer, without waiting; returns its sequence number. Of
  // `header.facts`, the sequence, generation, image and publishing time are filled in here. On an
  // error the slot is still acquired.
  absl::StatusOr<uint64_t> Publish(uint32_t slot, const FrameHeader& header);
  // Gives an acquired slot back unused.
  absl::Status Abandon(uint32_t slot);

  // The stream had so many frames before, on other boards. Before the first frame on this one.
  void ContinueAfter(uint64_t frames);

  // The last word; consumers first get all frames before it. `reason`: kFinished or kFailed.
  void End(EndReason reason);

  // Makes the call that waits now return CANCELLED, or else the next that may wait.
  void Cancel();

  std::vector<LaneStats> Stats() const;
  uint64_t published() const;

 private:
  struct Consumer;
  struct Waiting;

  ProducerCore(MappedSection board, const ProducerOptions& options);

  template <typename Attempt>
  absl::Status Await(const Patience& patience, Attempt attempt);
  template <typename Bind>
  absl::Status AwaitRing(const Patience& patience, Bind bind);
  absl::Status CheckGoing() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Waiting ArmAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Settle(const Waiting& waiting) ABSL_LOCKS_EXCLUDED(mutex_);
  void CollectAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropBroken() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool MayBegin(const Consumer& consumer) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Begin(Consumer& consumer, uint64_t first_sequence) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Offer(Consumer& consumer, uint32_t slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RingLocally() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RingAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool RoomForOneMore() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  SlotSet Held() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint32_t Needed() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint32_t Surplus() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddEarlyImages() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  AcquiredSlot Describe(uint32_t slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status MissingSlot() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ProducerOptions options_;
  const MappedSection board_memory_;

  // Wakes the thread in Await() when another thread of this process has news for it.
  BellWord local_word_{0};
  Doorbell local_doorbell_;

  mutable Mutex mutex_;
  BoardWriter board_ ABSL_GUARDED_BY(mutex_);
  SlotLedger ledger_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Consumer>> consumers_ ABSL_GUARDED_BY(mutex_);
  std::vector<BrokenLane> broken_ ABSL_GUARDED_BY(mutex_);
  ImageRing ring_ ABSL_GUARDED_BY(mutex_);  // the newest, its images as they were at first
  std::vector<ImageRing> early_
      ABSL_GUARDED_BY(mutex_);  // images that were added to one that comes
  Deadline spare_since_ ABSL_GUARDED_BY(mutex_) = Deadline::max();
  uint64_t published_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;  // a thread of ours has armed the bells
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_PRODUCER_CORE_H_
