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

// A look at the clock takes as long as a part of the hand-off itself when the consumer spins. Then
// one frame of so many is measured.
constexpr uint64_t kSpinSample = 8;

// From publishing until now; negative if it cannot be: the producer may have written any time.
int64_t LatencyOf(const FrameFacts& facts) {
  const int64_t now =
      std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  return facts.published_ns < 0 ? -1 : now - facts.published_ns;
}

bool IsNothing(const absl::Status& status, const Received& received) {
  return status.ok() && received.kind == Kind::kNothing;
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
  spinning_ = patience.spin.count() > 0;
  absl::StatusOr<Received> result{Received{}};
  Received& received = *result;
  absl::Status status = Look(received);
  if (IsNothing(status, received) && spinning_) status = Spin(patience, received);
  if (IsNothing(status, received) && patience.until != Deadline::min())
    status = SleepAndLook(patience.until, received);
  if (!status.ok()) return status;
  return result;
}

absl::Status ConsumerCore::Spin(const Patience& patience, Received& received) {
  const Deadline now = std::chrono::steady_clock::now();
  const Deadline end = patience.until - now < patience.spin ? patience.until : now + patience.spin;
  absl::Status status;
  do {
    // One word of memory most of the time; ends, cancellation and the clock every now and then.
    for (int turn = 0; turn < 32 && !receiver_.HasNews(); ++turn) RelaxCpu();
    status = Look(received);
  } while (IsNothing(status, received) && std::chrono::steady_clock::now() < end);
  return status;
}

absl::Status ConsumerCore::SleepAndLook(Deadline until, Received& received) {
  const Bell bell = FramesBell();
  absl::Status status;
  while (IsNothing(status, received) && std::chrono::steady_clock::now() < until) {
    Arm(bell, kSleeping);
    status = Look(received);
    if (!IsNothing(status, received)) break;
    status = Sleep({&bell, 1}, until);
    if (!status.ok()) break;
    const bool rung = bell.word->load(std::memory_order_relaxed) != kSleeping;
    status = Look(received);
    if (rung && IsNothing(status, received) && ++idle_wakes_ > kMaxIdleWakes)
      status = Fault("it rings without publishing anything");
  }
  Disarm(bell);
  return status;
}

absl::StatusOr<bool> ConsumerCore::ArmDoorbell() {
  if (!lane_.frames_listen.valid())
    return absl::FailedPreconditionError(
        "this consumer was opened without a doorbell: ask for one when opening the stream");
  if (stashed_) return false;
  SilenceDoorbell(lane_.frames_listen.get());
  Arm(FramesBell(), kPolling);
  Received received;
  const absl::Status status = Look(received);
  if (IsNothing(status, received)) return true;
  Disarm(FramesBell());
  if (status.ok())
    stashed_.emplace(received);
  else
    stashed_.emplace(status);
  return false;
}

// ---- Looking ----------------------------------------------------------------------------------

// Whatever there is now, without waiting.
absl::Status ConsumerCore::Look(Received& received) {
  // A look first: the exchange would take the line from whoever polls it.
  if (cancelled_.load(std::memory_order_acquire) && cancelled_.exchange(false))
    return absl::CancelledError("the wait was cancelled");
  if (ended_ != EndReason::kLive) return Finish(ended_, received);
  absl::Status status = LookInLane(received);
  // Once out, its slots are others': what was just read of a frame may be of a later one.
  if (Removed()) return Finish(EndReason::kRemoved, received);
  if (!IsNothing(status, received)) return status;
  const EndReason end = EndInSight();
  if (end == EndReason::kLive) return status;
  // Frames that were published before the end come before it, so look again after seeing it.
  status = LookInLane(received);
  if (!IsNothing(status, received)) return status;
  CountDrops(board_.published() + 1);
  return Finish(end, received);
}

absl::Status ConsumerCore::Finish(EndReason reason, Received& received) {
  ended_ = reason;
  received.kind = Kind::kEnded;
  received.reason = reason;
  return absl::OkStatus();
}

EndReason ConsumerCore::EndInSight() const {
  const EndReason told = board_.end_reason();
  if (told != EndReason::kLive) return told;
  return local_end_.load(std::memory_order_acquire);
}

bool ConsumerCore::Removed() const {
  return receiver_.closed() || local_end_.load(std::memory_order_acquire) == EndReason::kRemoved;
}

absl::Status ConsumerCore::LookInLane(Received& received) {
  if (!pending_) {
    // Acquire: what made the room, a give-back, comes before the frame that is taken now.
    if (held_count_.load(std::memory_order_acquire) >= terms_.HoldLimit())
      return absl::FailedPreconditionError(
          absl::StrCat("this consumer holds ", held(), " frames, as many as its limit of ",
                       terms_.limit, " allows: release one first"));
    const std::optional<uint32_t> slot = receiver_.Take();
    if (!receiver_.fault().ok()) return receiver_.fault();
    if (!slot) return absl::OkStatus();
    VRAMD_RETURN_IF_ERROR(Accept(*slot));
  }
  return Deliver(received);
}

// A producer opens the lane before its first ticket, and sets the base before its first frame.
void ConsumerCore::ExpectFirst() {
  if (expected_ != 0) return;
  expected_ = seen_before_ ? 1 : receiver_.first_sequence();
  if (!seen_before_) return;
  const uint64_t base = board_.base();
  if (base > *seen_before_) dropped_.fetch_add(base - *seen_before_, std::memory_order_relaxed);
}

absl::Status ConsumerCore::CheckOrder(const FrameFacts& facts) {
  ExpectFirst();
  if (expected_ == 0) return Fault("a frame came before the lane was opened");
  // The number after it would be 0, and order would begin anew.
  if (facts.sequence == UINT64_MAX) return Fault("a frame has the highest number that there is");
  if (facts.sequence < expected_)
    return Fault(absl::StrCat("frame ", facts.sequence, " came when ", expected_, " was due"));
  if (facts.generation < generation_ || facts.generation == 0)
    return Fault(
        absl::StrCat("a frame of ring ", facts.generation, " came after ring ", generation_));
  return absl::OkStatus();
}

// Checks the frame that was just taken and makes it the pending one.
absl::Status ConsumerCore::Accept(uint32_t slot) {
  FrameFacts& facts = pending_frame_.facts;
  if (reads_details_.load(std::memory_order_relaxed)) board_.ExpectDetails(slot);
  if (const absl::Status sound = board_.ReadFacts(slot, facts); !sound.ok())
    return Fault(sound.message());
  VRAMD_RETURN_IF_ERROR(CheckOrder(facts));
  if (Contains(held_.load(std::memory_order_relaxed), slot))
    return Fault(absl::StrCat("slot ", slot, " came again while it is held"));
  held_sequences_[slot].store(facts.sequence, std::memory_order_relaxed);
  // Release: whoever sees the bit sees the number.
  held_.fetch_or(Only(slot), std::memory_order_release);
  held_count_.fetch_add(1, std::memory_order_relaxed);
  CountDrops(facts.sequence);
  expected_ = facts.sequence + 1;
  generation_ = facts.generation;
  pending_frame_.slot = slot;
  pending_ = true;
  return absl::OkStatus();
}

void ConsumerCore::CountDrops(uint64_t next_sequence) {
  ExpectFirst();
  if (expected_ == 0 || next_sequence <= expected_) return;
  dropped_.fetch_add(next_sequence - expected_, std::memory_order_relaxed);
  expected_ = next_sequence;
}

std::optional<uint64_t> ConsumerCore::seen() const {
  return expected_ == 0 ? seen_before_ : board_.base() + expected_ - 1;
}

// Makes ring_ the one of this generation, as it is now unless it has the image anyway. False: we
// were not told of such an image.
bool ConsumerCore::Know(uint32_t generation, uint16_t image) {
  if (ring_.generation() == generation && ring_.Has(image)) return true;
  MutexLock lock(rings_mutex_);
  // Frames of older rings do not come any more.
  std::erase_if(rings_, [&](const auto& known) { return known.generation() < generation; });
  const KnownImages* const known = FindRing(generation);
  if (known == nullptr) return false;
  ring_ = *known;
  return ring_.Has(image);
}

// The pending frame, if its image is known.
absl::Status ConsumerCore::Deliver(Received& received) {
  const FrameFacts& facts = pending_frame_.facts;
  if (!Know(facts.generation, facts.image)) {
    if (ring_.generation() == facts.generation && !ring_.grows())
      return Fault(
          absl::StrCat("a frame is in image ", facts.image, " of a ring of ", ring_.count()));
    received.kind = Kind::kNewImage;
    received.generation = facts.generation;
    received.image = facts.image;
    return absl::OkStatus();
  }
  received.kind = Kind::kFrame;
  received.frame = pending_frame_;
  pending_ = false;
  // A store and no addition: only this thread writes it.
  const uint64_t total = received_.load(std::memory_order_relaxed) + 1;
  received_.store(total, std::memory_order_relaxed);
  const bool measure = !spinning_ || total % kSpinSample == 1;
  receiver_.CountTaken(measure ? LatencyOf(facts) : -1);
  idle_wakes_ = 0;
  return absl::OkStatus();
}

// ---- From any thread --------------------------------------------------------------------------

KnownImages* ConsumerCore::FindRing(uint32_t generation) {
  const auto found = std::find_if(rings_.begin(), rings_.end(), [&](const KnownImages& known) {
    return known.generation() == generation;
  });
  return found == rings_.end() ? nullptr : &*found;
}

void ConsumerCore::AddGeneration(const ImageRing& ring) {
  MutexLock lock(rings_mutex_);
  if (KnownImages* const known = FindRing(ring.generation); known != nullptr)
    *known = KnownImages(ring);
  else
    rings_.emplace_back(ring);
}

void ConsumerCore::AddImages(uint32_t generation, absl::Span<const uint16_t> images) {
  MutexLock lock(rings_mutex_);
  if (KnownImages* const known = FindRing(generation); known != nullptr) known->Add(images);
}

void ConsumerCore::RemoveImages(uint32_t generation, absl::Span<const uint16_t> images) {
  MutexLock lock(rings_mutex_);
  if (KnownImages* const known = FindRing(generation); known != nullptr) known->Remove(images);
}

bool ConsumerCore::KnowsImage(uint32_t generation, uint16_t image) {
  MutexLock lock(rings_mutex_);
  const KnownImages* const known = FindRing(generation);
  return known != nullptr && known->Has(image);
}

absl::Status ConsumerCore::Release(const ConsumerFrame& frame, uint64_t value) {
  if (frame.kept) return absl::OkStatus();
  {
    MutexLock lock(release_mutex_);
    const SlotSet held = held_.load(std::memory_order_acquire);
    if (frame.slot >= kSlotCapacity || !Contains(held, frame.slot) ||
        held_sequences_[frame.slot].load(std::memory_order_relaxed) != frame.facts.sequence)
      return absl::InvalidArgumentError(
          absl::StrCat("frame ", frame.facts.sequence, " is not held: it was released already"));
    // Before the producer learns of it, who may send the slot again at once.
    held_.fetch_and(~Only(frame.slot), std::memory_order_relaxed);
    receiver_.GiveBack(frame.slot, value);
    // Release: whoever sees the room sees the slot given back, see held_count_.
    held_count_.fetch_sub(1, std::memory_order_release);
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
  ConsumerFrame frame{*slot, true, {}};
  VRAMD_RETURN_IF_ERROR(board_.ReadFacts(*slot, frame.facts));
  return frame;
}

void ConsumerCore::EndLocally(EndReason reason) {
  local_end_.store(reason, std::memory_order_release);
  Ring(OwnBell());
}

void ConsumerCore::Cancel() {
  cancelled_.store(true, std::memory_order_release);
  Ring(OwnBell());
}

ConsumerCounters ConsumerCore::counters() const {
  return {received_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed)};
}

uint32_t ConsumerCore::held() const { return held_count_.load(std::memory_order_relaxed); }

}  // namespace vramd::stream
