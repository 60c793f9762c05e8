#include "base/stream/lane.h"

#include "absl/strings/str_cat.h"

namespace vramd::stream {
namespace {

enum class Entry { kNothing, kNew, kForged };

// What a queue's entry for this position is: the next ticket, what was there a lap ago, or neither.
Entry Judge(uint64_t ticket, uint64_t position) {
  if (TicketStamp(ticket) == static_cast<uint32_t>(position + 1))
    return TicketSound(ticket) ? Entry::kNew : Entry::kForged;
  if (position < kSlotCapacity) return ticket == 0 ? Entry::kNothing : Entry::kForged;
  const bool a_lap_old = TicketStamp(ticket) == static_cast<uint32_t>(position + 1 - kSlotCapacity);
  return a_lap_old && TicketSound(ticket) ? Entry::kNothing : Entry::kForged;
}

absl::Status Forged(const char* what, uint64_t ticket, uint64_t position) {
  return absl::DataLossError(absl::StrCat("the peer wrote 0x", absl::Hex(ticket), " as ", what,
                                          " number ", position + 1,
                                          ", which is neither new nor old"));
}

}  // namespace

absl::Status CheckTerms(const LaneTerms& terms) {
  const uint32_t least = terms.mode == LaneMode::kFifo ? 1 : 2;
  if (terms.limit >= least && terms.limit <= kSlotCapacity) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a consumer's limit of frames is ", terms.limit,
                                                 ", but must be ", least, " to ", kSlotCapacity));
}

LaneCounts ReadCounts(const Lane& lane) {
  const auto read = [](const Word64& word) { return word.load(std::memory_order_relaxed); };
  return {read(lane.counts.taken), read(lane.dropped), read(lane.counts.measured),
          read(lane.counts.latency_total_ns), read(lane.counts.latency_ns)};
}

// ---- The producer's end -----------------------------------------------------------------------

void LaneSender::Open(uint64_t first_sequence) {
  // Release pairs with the acquire in first_sequence(); the first ticket follows in any case.
  lane_->first_sequence.store(first_sequence, std::memory_order_release);
}

SlotSet LaneSender::Collect() {
  SlotSet back = 0;
  while (const auto slot = NextRelease()) back |= Only(*slot);
  return back;
}

std::optional<uint32_t> LaneSender::NextRelease() {
  if (!fault_.ok()) return std::nullopt;
  Release& entry = lane_->releases[collected_ % kSlotCapacity];
  // Acquire: the release's value, and what the consumer read of the frame, come before whatever the
  // producer now writes into the slot.
  const uint64_t ticket = entry.ticket.load(std::memory_order_acquire);
  const Entry kind = Judge(ticket, collected_);
  if (kind == Entry::kNothing) return std::nullopt;
  if (kind == Entry::kForged) {
    fault_ = Forged("release", ticket, collected_);
    return std::nullopt;
  }
  const uint32_t slot = TicketSlot(ticket);
  if (!Contains(held_, slot)) {
    fault_ = absl::DataLossError(
        absl::StrCat("the consumer released slot ", slot, ", which it does not hold"));
    return std::nullopt;
  }
  // Relaxed: the ticket's load has acquired it.
  release_values_[slot] = entry.value.load(std::memory_order_relaxed);
  held_ &= ~Only(slot);
  ++collected_;
  return slot;
}

bool LaneSender::Offer(uint32_t slot) {
  const bool offered = fault_.ok() && HasRoom();
  if (offered && terms_.mode == LaneMode::kFifo)
    Queue(slot);
  else if (offered)
    Post(slot);
  if (offered && fault_.ok()) return true;
  CountDrop();
  return false;
}

// Relaxed, like all counts: nothing else follows from them.
void LaneSender::CountDrop() { lane_->dropped.store(++dropped_, std::memory_order_relaxed); }

void LaneSender::Queue(uint32_t slot) {
  held_ |= Only(slot);
  // Release: the frame's header is written before.
  lane_->frames[sent_ % kSlotCapacity].store(MakeTicket(static_cast<uint32_t>(sent_ + 1), slot),
                                             std::memory_order_release);
  ++sent_;
}

void LaneSender::Post(uint32_t slot) {
  held_ |= Only(slot);
  const uint64_t ticket = MakeTicket(static_cast<uint32_t>(++sent_), slot);
  // Release: as in Queue(). Acquire: zero was written by a consumer that took the frame
  // before, and had written its earlier releases by then.
  const uint64_t before = lane_->mailbox.exchange(ticket, std::memory_order_acq_rel);
  if (before != 0 && before != posted_) {
    fault_ = Forged("mail", before, sent_);
  } else if (before != 0) {
    held_ &= ~Only(TicketSlot(before));
    CountDrop();
  } else if (AtLeast(held_, terms_.limit + 1)) {
    // It took the last one: then it had room, and what made the room can be read by now.
    Collect();
    if (fault_.ok() && AtLeast(held_, terms_.limit + 1))
      fault_ = absl::DataLossError(
          absl::StrCat("the consumer took more frames than its limit of ", terms_.limit));
  }
  posted_ = ticket;
}

// ---- The consumer's end -----------------------------------------------------------------------

bool LaneReceiver::HasNews() const {
  // Relaxed: Take() acquires.
  if (terms_.mode == LaneMode::kMailbox) return lane_->mailbox.load(std::memory_order_relaxed) != 0;
  const uint64_t ticket = lane_->frames[taken_ % kSlotCapacity].load(std::memory_order_relaxed);
  return Judge(ticket, taken_) != Entry::kNothing;
}

std::optional<uint32_t> LaneReceiver::Take() {
  if (!fault_.ok()) return std::nullopt;
  return terms_.mode == LaneMode::kFifo ? TakeQueued() : TakePosted();
}

std::optional<uint32_t> LaneReceiver::TakeQueued() {
  // Acquire: the frame's header.
  const uint64_t ticket = lane_->frames[taken_ % kSlotCapacity].load(std::memory_order_acquire);
  const Entry kind = Judge(ticket, taken_);
  if (kind == Entry::kNothing) return std::nullopt;
  if (kind == Entry::kForged) {
    fault_ = Forged("frame", ticket, taken_);
    return std::nullopt;
  }
  ++taken_;
  return TicketSlot(ticket);
}

std::optional<uint32_t> LaneReceiver::TakePosted() {
  // A look first, so that polling an empty box does not take the line away from the producer.
  // Relaxed: the exchange acquires.
  if (lane_->mailbox.load(std::memory_order_relaxed) == 0) return std::nullopt;
  // Acquire: the frame's header. Release: whoever sees the zero sees the releases before it.
  const uint64_t ticket = lane_->mailbox.exchange(0, std::memory_order_acq_rel);
  if (ticket == 0) return std::nullopt;
  const auto ahead = static_cast<int32_t>(TicketStamp(ticket) - newest_);
  if (!TicketSound(ticket) || ahead <= 0) {
    fault_ = Forged("mail", ticket, newest_);
    return std::nullopt;
  }
  newest_ = TicketStamp(ticket);
  return TicketSlot(ticket);
}

void LaneReceiver::CountTaken(int64_t latency_ns) {
  Counts& counts = lane_->counts;
  counts.taken.store(++counts_.taken, std::memory_order_relaxed);
  if (latency_ns < 0) return;
  counts_.latency_total_ns += static_cast<uint64_t>(latency_ns);
  counts.measured.store(++counts_.measured, std::memory_order_relaxed);
  counts.latency_total_ns.store(counts_.latency_total_ns, std::memory_order_relaxed);
  counts.latency_ns.store(static_cast<uint64_t>(latency_ns), std::memory_order_relaxed);
}

void LaneReceiver::GiveBack(uint32_t slot, uint64_t value) {
  Release& entry = lane_->releases[released_ % kSlotCapacity];
  entry.value.store(value, std::memory_order_relaxed);  // the ticket's store releases it
  // Release: the reads of the frame come before it.
  entry.ticket.store(MakeTicket(static_cast<uint32_t>(released_ + 1), slot),
                     std::memory_order_release);
  ++released_;
}

}  // namespace vramd::stream
