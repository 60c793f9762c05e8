#include "base/stream/consumer_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace vramd::stream {
namespace {

using Kind = Received::Kind;

// An honest producer rings at most once for nothing between two frames: when the consumer found the
// frame by itself just before.
constexpr int kMaxIdleWakes = 16;

bool IsNothing(const absl::StatusOr<Received>& found) {
  return found.ok() && found->kind == Kind::kNothing;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConsumerCore>> ConsumerCore::Create(MappedSection board,
                                                                   ConsumerLane lane,
                                                                   const LaneTerms& terms) {
  VRAMD_RETURN_IF_ERROR(CheckTerms(terms));
  if (board.size() < sizeof(Board) || lane.memory->size() < sizeof(Lane))
    return absl::InvalidArgumentError("a stream's control memory is too small");
  std::unique_ptr<ConsumerCore> core(new ConsumerCore(std::move(board), std::move(lane), terms));
  VRAMD_RETURN_IF_ERROR(core->board_.Check());
  if (core->lane_.frames_listen.valid()) {
    VRAMD_ASSIGN_OR_RETURN(core->own_ringer_, OpenRinger(core->lane_.frames_listen));
  }
  return core;
}

ConsumerCore::ConsumerCore(MappedSection board, ConsumerLane lane, const LaneTerms& terms)
    : board_memory_(std::move(board)),
      lane_(std::move(lane)),
      terms_(terms),
      board_(static_cast<const Board*>(board_memory_.data())),
      receiver_(static_cast<Lane*>(lane_.memory->data()), terms) {}

Bell ConsumerCore::FramesBell() const {
  return {&static_cast<Lane*>(lane_.memory->data())->frames_bell, lane_.frames_listen.get()};
}

Bell ConsumerCore::OwnBell() const { return {FramesBell().word, own_ringer_.get()}; }

Bell ConsumerCore::ReleasesBell() const {
  return {&static_cast<Lane*>(lane_.memory->data())->releases_bell, lane_.releases_ring.get()};
}

absl::Status ConsumerCore::Fault(absl::string_view why) {
  receiver_.Fail(absl::DataLossError(absl::StrCat("the producer broke the protocol: ", why)));
  return receiver_.fault();
}

// ---- Waiting ----------------------------------------------------------------------------------

absl::StatusOr<Received> ConsumerCore::Next(const Patience& patience) {
  if (stashed_) return *std::exchange(stashed_, std::nullopt);
  absl::StatusOr<Received> found = Look();
  if (IsNothing(found) && patience.spin.count() > 0) found = Spin(patience);
  if (IsNothing(found) && patience.until != Deadline::min()) found = SleepAndLook(patience.until);
  return found;
}

absl::StatusOr<Received> ConsumerCore::Spin(const Patience& patience) {
  const Deadline now = std::chrono::steady_clock::now();
  const Deadline end = patience.until - now < patience.spin ? patience.until : now + patience.spin;
  do {
    // The clock costs more than a look: ask it every now and then.
    for (int turn = 0; turn < 32; ++turn) {
      RelaxCpu();
      absl::StatusOr<Received> found = Look();
      if (!IsNothing(found)) return found;
    }
  } while (std::chrono::steady_clock::now() < end);
  return Received{};
}

absl::StatusOr<Received> ConsumerCore::SleepAndLook(Deadline until) {
  const Bell bell = FramesBell();
  absl::StatusOr<Received> found = Received{};
  while (IsNothing(found) && std::chrono::steady_clock::now() < until) {
    Arm(bell, kSleeping);
    found = Look();
    if (!IsNothing(found)) break;
    VRAMD_RETURN_IF_ERROR(Sleep({&bell, 1}, until));
    const bool rung = bell.word->load(std::memory_order_relaxed) != kSleeping;
    found = Look();
    if (rung && IsNothing(found) && ++idle_wakes_ > kMaxIdleWakes)
      found = Fault("it rings without publishing anything");
  }
  Disarm(bell);
  return found;
}

absl::StatusOr<bool> ConsumerCore::ArmDoorbell() {
  if (!lane_.frames_listen.valid())
    return absl::FailedPreconditionError(
        "this consumer was opened without a doorbell: ask for one when opening the stream");
  if (stashed_) return false;
  SilenceDoorbell(lane_.frames_listen.get());
  Arm(FramesBell(), kPolling);
  absl::StatusOr<Received> found = Look();
  if (IsNothing(found)) return true;
  Disarm(FramesBell());
  stashed_ = std::move(found);
  return false;
}

// ---- Looking ----------------------------------------------------------------------------------

// Whatever there is now, without waiting.
absl::StatusOr<Received> ConsumerCore::Look() {
  // A look first: the exchange would take the line from whoever polls it.
  if (cancelled_.load(std::memory_order_seq_cst) && cancelled_.exchange(false))
    return absl::CancelledError("the wait was cancelled");
  if (ended_ != EndReason::kLive) return Finish(ended_);
  absl::StatusOr<Received> found = LookInLane();
  // Once out, its slots are others': what was just read of a frame may be of a later one.
  if (Removed()) return Finish(EndReason::kRemoved);
  if (!IsNothing(found)) return found;
  const EndReason end = EndInSight();
  if (end == EndReason::kLive) return found;
  // Frames that were published before the end come before it, so look again after seeing it.
  found = LookInLane();
  if (!IsNothing(found)) return found;
  CountDrops(board_.published() + 1);
  return Finish(end);
}

Received ConsumerCore::Finish(EndReason reason) {
  ended_ = reason;
  Received received;
  received.kind = Kind::kEnded;
  received.reason = ended_;
  return received;
}

EndReason ConsumerCore::EndInSight() const {
  const EndReason told = board_.end_reason();
  if (told != EndReason::kLive) return told;
  return local_end_.load(std::memory_order_seq_cst);
}

bool ConsumerCore::Removed() const {
  return receiver_.closed() || local_end_.load(std::memory_order_seq_cst) == EndReason::kRemoved;
}

absl::StatusOr<Received> ConsumerCore::LookInLane() {
  if (!pending_) {
    const uint32_t held = Count(held_.load(std::memory_order_relaxed));
    if (held >= terms_.HoldLimit())
      return absl::FailedPreconditionError(
          absl::StrCat("this consumer holds ", held, " frames, as many as its limit of ",
                       terms_.limit, " allows: release one first"));
    const std::optional<uint32_t> slot = receiver_.Take();
    if (!receiver_.fault().ok()) return receiver_.fault();
    if (!slot) return Received{};
    VRAMD_RETURN_IF_ERROR(Accept(*slot));
  }
  return Deliver();
}

absl::Status ConsumerCore::CheckOrder(const FrameFacts& facts) {
  // The producer opened the lane before its first ticket, which has been acquired.
  if (expected_ == 0) expected_ = receiver_.first_sequence();
  if (expected_ == 0) return Fault("a frame came before the lane was opened");
  if (facts.sequence < expected_)
    return Fault(absl::StrCat("frame ", facts.sequence, " came when ", expected_, " was due"));
  if (facts.generation < generation_ || facts.generation == 0)
    return Fault(
        absl::StrCat("a frame of ring ", facts.generation, " came after ring ", generation_));
  return absl::OkStatus();
}

// Checks the frame that was just taken and makes it the pending one.
absl::Status ConsumerCore::Accept(uint32_t slot) {
  const absl::StatusOr<FrameFacts> facts = board_.ReadFacts(slot);
  if (!facts.ok()) return Fault(facts.status().message());
  VRAMD_RETURN_IF_ERROR(CheckOrder(*facts));
  MutexLock lock(mutex_);
  const SlotSet held = held_.load(std::memory_order_relaxed);
  if (Contains(held, slot))
    return Fault(absl::StrCat("slot ", slot, " came again while it is held"));
  held_.store(held | Only(slot), std::memory_order_relaxed);
  held_sequences_[slot] = facts->sequence;
  CountDrops(facts->sequence);
  expected_ = facts->sequence + 1;
  generation_ = facts->generation;
  pending_ = {slot, false, *facts};
  return absl::OkStatus();
}

void ConsumerCore::CountDrops(uint64_t next_sequence) {
  if (expected_ == 0) expected_ = receiver_.first_sequence();
  if (expected_ == 0 || next_sequence <= expected_) return;
  dropped_.fetch_add(next_sequence - expected_, std::memory_order_relaxed);
}

// The pending frame, if its ring is known.
absl::StatusOr<Received> ConsumerCore::Deliver() {
  Received received;
  const uint32_t generation = pending_->facts.generation;
  MutexLock lock(mutex_);
  const auto ring = std::find_if(rings_.begin(), rings_.end(), [&](const KnownRing& known) {
    return known.generation == generation;
  });
  if (ring == rings_.end()) {
    received.kind = Kind::kNewGeneration;
    received.generation = generation;
    return received;
  }
  if (pending_->facts.image >= ring->images)
    return Fault(absl::StrCat("a frame is in image ", pending_->facts.image, " of a ring of ",
                              ring->images));
  // Frames of older rings do not come any more.
  if (ring != rings_.begin()) rings_.erase(rings_.begin(), ring);
  received.kind = Kind::kFrame;
  received.frame = *std::exchange(pending_, std::nullopt);
  received_.fetch_add(1, std::memory_order_relaxed);
  idle_wakes_ = 0;
  return received;
}

// ---- From any thread --------------------------------------------------------------------------

void ConsumerCore::AddGeneration(uint32_t generation, uint32_t images) {
  MutexLock lock(mutex_);
  std::erase_if(rings_, [&](const KnownRing& known) { return known.generation == generation; });
  const auto place = std::find_if(rings_.begin(), rings_.end(), [&](const KnownRing& known) {
    return known.generation > generation;
  });
  rings_.insert(place, {generation, images});
}

absl::Status ConsumerCore::Release(const ConsumerFrame& frame, uint64_t value) {
  if (frame.kept) return absl::OkStatus();
  {
    MutexLock lock(mutex_);
    const SlotSet held = held_.load(std::memory_order_relaxed);
    if (frame.slot >= kSlotCapacity || !Contains(held, frame.slot) ||
        held_sequences_[frame.slot] != frame.facts.sequence)
      return absl::InvalidArgumentError(
          absl::StrCat("frame ", frame.facts.sequence, " is not held: it was released already"));
    // Before the producer learns of it, who may send the slot again at once.
    held_.store(held & ~Only(frame.slot), std::memory_order_relaxed);
    receiver_.GiveBack(frame.slot, value);
  }
  Ring(ReleasesBell());
  return absl::OkStatus();
}

absl::StatusOr<ConsumerFrame> ConsumerCore::LastFrame() const {
  const EndReason end = EndInSight();
  if (end == EndReason::kLive || end == EndReason::kRemoved)
    return absl::FailedPreconditionError("the stream has not ended: its frames come from Next()");
  const std::optional<uint32_t> slot = board_.last_frame();
  if (!slot) return absl::NotFoundError("the producer kept no frame");
  VRAMD_ASSIGN_OR_RETURN(const FrameFacts facts, board_.ReadFacts(*slot));
  return ConsumerFrame{*slot, true, facts};
}

void ConsumerCore::EndLocally(EndReason reason) {
  local_end_.store(reason, std::memory_order_seq_cst);
  Ring(OwnBell());
}

void ConsumerCore::Cancel() {
  cancelled_.store(true, std::memory_order_seq_cst);
  Ring(OwnBell());
}

ConsumerCounters ConsumerCore::counters() const {
  return {received_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

uint32_t ConsumerCore::held() const { return Count(held_.load(std::memory_order_relaxed)); }

}  // namespace vramd::stream
