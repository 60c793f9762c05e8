#include "base/stream/slot_ledger.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace vramd::stream {

absl::Status SlotLedger::CheckRoom(uint32_t images) const {
  if (images == 0 || images > kSlotCapacity)
    return absl::InvalidArgumentError(
        absl::StrCat("a ring has 1 to ", kSlotCapacity, " images, not ", images));
  if (Count(~bound_) < images)
    return absl::ResourceExhaustedError(
        absl::StrCat("a ring of ", images,
                     " images needs as many slots, but consumers and older "
                     "rings leave ",
                     Count(~bound_), " of ", kSlotCapacity,
                     ": wait for releases, or remove the consumers that do not release"));
  return absl::OkStatus();
}

absl::Status SlotLedger::Bind(uint32_t generation, uint32_t images) {
  if (generation <= generation_)
    return absl::InvalidArgumentError(
        absl::StrCat("generation ", generation, " is not newer than generation ", generation_));
  VRAMD_RETURN_IF_ERROR(CheckRoom(images));
  generation_ = generation;
  current_ = 0;
  for (uint16_t image = 0; image < images; ++image) {
    const auto slot = static_cast<uint32_t>(std::countr_zero(~bound_));
    bound_ |= Only(slot);
    current_ |= Only(slot);
    bindings_[slot] = {generation, image};
  }
  return absl::OkStatus();
}

std::optional<uint32_t> SlotLedger::Acquire(SlotSet held) {
  SlotSet free = current_ & ~held & ~acquired_;
  if (keep_last_ && last_) free &= ~Only(*last_);
  if (free == 0) return std::nullopt;
  const SlotSet ahead = free & (~SlotSet{0} << next_);
  const auto slot = static_cast<uint32_t>(std::countr_zero(ahead != 0 ? ahead : free));
  next_ = (slot + 1) % kSlotCapacity;
  acquired_ |= Only(slot);
  ++acquired_count_;
  if (last_ == slot) last_.reset();
  return slot;
}

absl::Status SlotLedger::CheckPublish(uint32_t slot) const {
  if (slot >= kSlotCapacity || !Contains(acquired_, slot))
    return absl::InvalidArgumentError(absl::StrCat("slot ", slot, " has not been acquired"));
  if (bindings_[slot].generation < published_generation_)
    return absl::FailedPreconditionError(
        absl::StrCat("slot ", slot, " is of generation ", bindings_[slot].generation,
                     ", but frames of generation ", published_generation_,
                     " are published already: abandon it"));
  return absl::OkStatus();
}

void SlotLedger::Publish(uint32_t slot) {
  acquired_ &= ~Only(slot);
  --acquired_count_;
  published_generation_ = bindings_[slot].generation;
  last_ = slot;
}

absl::Status SlotLedger::Abandon(uint32_t slot) {
  if (slot >= kSlotCapacity || !Contains(acquired_, slot))
    return absl::InvalidArgumentError(absl::StrCat("slot ", slot, " has not been acquired"));
  acquired_ &= ~Only(slot);
  --acquired_count_;
  return absl::OkStatus();
}

void SlotLedger::Recycle(SlotSet held) {
  SlotSet idle = bound_ & ~current_ & ~held & ~acquired_;
  if (last_) idle &= ~Only(*last_);
  for (; idle != 0; idle &= idle - 1) {
    const auto slot = static_cast<uint32_t>(std::countr_zero(idle));
    bound_ &= ~Only(slot);
  }
}

uint32_t SlotLedger::oldest_generation() const {
  uint32_t oldest = generation_;
  for (SlotSet bound = bound_; bound != 0; bound &= bound - 1)
    oldest = std::min(oldest, bindings_[std::countr_zero(bound)].generation);
  return oldest;
}

}  // namespace vramd::stream
