// The producer's private account of its slots: which image of which generation each one is, and
// which are being rendered, kept or free. Who of the consumers has what stands in their lanes and
// is passed in as `held`.
//
// Nothing here is shared memory, so nothing here has to be doubted. One thread at a time.
#ifndef VRAMD_BASE_STREAM_SLOT_LEDGER_H_
#define VRAMD_BASE_STREAM_SLOT_LEDGER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/stream/lane.h"

namespace vramd::stream {

class SlotLedger {
 public:
  // keep_last: the newest published frame stays untouched until a newer one is published, for
  // consumers that join late or outlive the producer. It costs one slot.
  explicit SlotLedger(bool keep_last) : keep_last_(keep_last) {}

  // Binds a slot to each of the images of a new generation, from which Acquire() takes from now on.
  // `images` has their numbers. INVALID_ARGUMENT: the generation is not newer, or there are 0 or
  // more than kSlotCapacity images. RESOURCE_EXHAUSTED: older generations still hold too many
  // slots; try after Recycle().
  absl::Status Bind(uint32_t generation, absl::Span<const uint16_t> images);
  // What Bind() would say of so many images of a newer generation.
  absl::Status CheckRoom(uint32_t images) const;

  // The newest generation has these images, too. Those for which older generations leave no slot
  // now get one in Recycle().
  void Add(absl::Span<const uint16_t> images);
  // Takes at most `count` images that nobody has out of the newest generation, and returns their
  // numbers. Never image 0: a ring always has it. Each keeps its slot until one of the next two:
  // what the GPUs of consumers still have to do with it is known by its slot.
  std::vector<uint16_t> TakeOut(uint32_t count, SlotSet held);
  void PutBack(absl::Span<const uint16_t> images);
  void Forget(absl::Span<const uint16_t> images);

  // A free slot of the newest generation, round robin; nullopt when all are in use. It is the
  // caller's until Publish() or Abandon().
  std::optional<uint32_t> Acquire(SlotSet held);

  // INVALID_ARGUMENT: the slot is not acquired. FAILED_PRECONDITION: a frame of a newer generation
  // has been published; only Abandon() is left.
  absl::Status CheckPublish(uint32_t slot) const;
  void Publish(uint32_t slot);  // after CheckPublish()
  absl::Status Abandon(uint32_t slot);

  // Frees the slots of old generations, and of images taken out, that nobody has any more.
  void Recycle(SlotSet held);
  // The oldest generation that still has a slot; a newer one may have lost all of its own before.
  uint32_t oldest_generation() const;

  uint32_t generation() const { return generation_; }
  // Of the newest generation, those included that have no slot yet.
  uint32_t images() const { return Count(current_) + static_cast<uint32_t>(without_slot_.size()); }
  bool lacks_slots() const { return !without_slot_.empty(); }
  uint32_t generation_of(uint32_t slot) const { return bindings_[slot].generation; }
  uint16_t image_of(uint32_t slot) const { return bindings_[slot].image; }
  uint32_t acquired_count() const { return acquired_count_; }
  // The newest published frame's slot, as long as its content is untouched.
  std::optional<uint32_t> last() const { return last_; }

 private:
  struct Binding {
    uint32_t generation = 0;
    uint16_t image = 0;
  };

  bool BindOne(uint16_t image);
  SlotSet FindOut(absl::Span<const uint16_t> images) const;
  void BindThoseWithoutSlot();

  const bool keep_last_;
  std::array<Binding, kSlotCapacity> bindings_{};
  SlotSet bound_ = 0;
  SlotSet current_ = 0;                 // of these, the newest generation's
  SlotSet out_ = 0;                     // taken out of current_, and still bound
  std::vector<uint16_t> without_slot_;  // images of the newest generation
  SlotSet acquired_ = 0;
  uint32_t acquired_count_ = 0;
  std::optional<uint32_t> last_;
  uint32_t generation_ = 0;
  uint32_t published_generation_ = 0;
  uint32_t next_ = 0;  // where the search for a free slot begins
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_SLOT_LEDGER_H_
