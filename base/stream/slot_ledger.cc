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

absl::Status SlotLedger::Bind(uint32_t generation, absl::Span<const uint16_t> images) {
  if (generation <= generation_)
    return absl::InvalidArgumentError(
        absl::StrCat("generation ", generation, " is not newer than generation ", generation_));
  VRAMD_RETURN_IF_ERROR(CheckRoom(static_cast<uint32_t>(images.size())));
  generation_ = generation;
  current_ = 0;
  out_ = 0;
  without_slot_.clear();
  for (const uint16_t image : images) BindOne(image);
  return absl::OkStatus();
}

// False: all slots are bound.
bool SlotLedger::BindOne(uint16_t image) {
  if (~bound_ == 0) return false;
  const auto slot = static_cast<uint32_t>(std::countr_zero(~bound_));
  bound_ |= Only(slot);
  current_ |= Only(slot);
  bindings_[slot] = {generation_, image};
  return true;
}

void SlotLedger::Add(absl::Span<const uint16_t> images) {
  without_slot_.insert(without_slot_.end(), images.begin(), images.end());
  BindThoseWithoutSlot();
}

void SlotLedger::BindThoseWithoutSlot() {
  while (!without_slot_.empty() && BindOne(without_slot_.front()))
    without_slot_.erase(without_slot_.begin());
}

std::vector<uint16_t> SlotLedger::TakeOut(uint32_t count, SlotSet held) {
  std::vector<uint16_t> out;
  SlotSet idle = current_ & ~held & ~acquired_;
  if (last_) idle &= ~Only(*last_);
  while (idle != 0 && out.size() < count) {
    const auto slot = static_cast<uint32_t>(std::bit_width(idle) - 1);
    idle &= ~Only(slot);
    if (bindings_[slot].image == 0) continue;
    out.push_back(bindings_[slot].image);
    out_ |= Only(slot);
  }
  current_ &= ~out_;
  return out;
}

SlotSet SlotLedger::FindOut(absl::Span<const uint16_t> images) const {
  SlotSet found = 0;
  for (SlotSet out = out_; out != 0; out &= out - 1) {
    const auto slot = static_cast<uint32_t>(std::countr_zero(out));
    if (std::count(images.begin(), images.end(), bindings_[slot].image) != 0) found |= Only(slot);
  }
  return found;
}

void SlotLedger::PutBack(absl::Span<const uint16_t> images) {
  const SlotSet back = FindOut(images);
  out_ &= ~back;
  current_ |= back;
}

void SlotLedger::Forget(absl::Span<const uint16_t> images) {
  const SlotSet gone = FindOut(images);
  out_ &= ~gone;
  bound_ &= ~gone;
  BindThoseWithoutSlot();
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
  SlotSet idle = bound_ & ~current_ & ~out_ & ~held & ~acquired_;
  if (last_) idle &= ~Only(*last_);
  for (; idle != 0; idle &= idle - 1) {
    const auto slot = static_cast<uint32_t>(std::countr_zero(idle));
    bound_ &= ~Only(slot);
  }
  BindThoseWithoutSlot();
}

uint32_t SlotLedger::oldest_generation() const {
  uint32_t oldest = generation_;
  for (SlotSet bound = bound_; bound != 0; bound &= bound - 1)
    oldest = std::min(oldest, bindings_[std::countr_zero(bound)].generation);
  return oldest;
}

}  // namespace vramd::stream
