#include "base/stream/producer_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stream/commitment.h"

namespace vramd::stream {
namespace {

// An honest consumer rings at most once for nothing between two releases: when the producer found
// the release by itself just before.
constexpr int kMaxIdleRings = 16;

int64_t NowNs() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct ProducerCore::Consumer {
  Consumer(ConsumerId id, const LaneTerms& terms, WhenFull when_full, ProducerLane lane)
      : id(id),
        terms(terms),
        when_full(when_full),
        ends(std::move(lane)),
        sender(static_cast<Lane*>(ends.memory->data()), terms) {}

  bool Waits() const { return terms.mode == LaneMode::kFifo && when_full == WhenFull::kWait; }
  Bell FramesBell() const { return {&sender.lane()->frames_bell, ends.frames_ring.get()}; }
  Bell ReleasesBell() const { return {&sender.lane()->releases_bell, ends.releases_listen.get()}; }

  const ConsumerId id;
  const LaneTerms terms;
  const WhenFull when_full;
  const ProducerLane ends;
  LaneSender sender;
  bool begun = false;  // frames are meant for it, see Begin()
  uint64_t offered = 0;
  int idle_rings = 0;
};

// The bells that are armed for one sleep: the local one, then one per consumer.
struct ProducerCore::Waiting {
  std::vector<std::shared_ptr<Consumer>> consumers;
  std::vector<Bell> bells;
};

// ---- Beginning and end ------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<ProducerCore>> ProducerCore::Create(const OsHandle& board,
                                                                   const ProducerOptions& options) {
  VRAMD_ASSIGN_OR_RETURN(MappedSection memory,
                         MappedSection::Map(board, BoardBytes(), SectionAccess::kReadWrite));
  std::unique_ptr<ProducerCore> core(new ProducerCore(std::move(memory), options));
  if (SleepNeedsDoorbells()) {
    VRAMD_ASSIGN_OR_RETURN(core->local_doorbell_, CreateDoorbell());
  }
  VRAMD_RETURN_IF_ERROR(RefuseWriters(board));
  return core;
}

ProducerCore::ProducerCore(MappedSection board, const ProducerOptions& options)
    : options_(options),
      board_memory_(std::move(board)),
      board_(static_cast<Board*>(board_memory_.data())),
      ledger_(options.keep_last) {
  MutexLock lock(mutex_);
  board_.Begin(options.stream);
}

ProducerCore::~ProducerCore() { End(EndReason::kFailed); }

void ProducerCore::End(EndReason reason) {
  MutexLock lock(mutex_);
  if (std::exchange(ended_, true)) return;
  board_.SetEnd(reason);
  RingAll();
  RingLocally();
}

void ProducerCore::ContinueAfter(uint64_t frames) {
  MutexLock lock(mutex_);
  board_.SetBase(frames);
}

void ProducerCore::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  RingLocally();
}

absl::Status ProducerCore::CheckGoing() {
  if (ended_) return absl::FailedPreconditionError("the stream has ended");
  if (std::exchange(cancelled_, false)) return absl::CancelledError("the wait was cancelled");
  return absl::OkStatus();
}

// ---- Consumers --------------------------------------------------------------------------------

absl::Status ProducerCore::AddConsumer(ConsumerId id, const LaneTerms& terms, WhenFull when_full,
                                       ProducerLane lane) {
  VRAMD_RETURN_IF_ERROR(CheckTerms(terms));
  if (lane.memory->size() < sizeof(Lane))
    return absl::InvalidArgumentError("a lane's memory is smaller than a lane");
  MutexLock lock(mutex_);
  for (const auto& other : consumers_)
    if (other->id == id) return absl::AlreadyExistsError(absl::StrCat("consumer ", id.value));
  if (consumers_.size() + 1 >= kMaxBells)
    return absl::ResourceExhaustedError(
        absl::StrCat("a stream has at most ", kMaxBells - 1, " consumers"));
  auto consumer = std::make_shared<Consumer>(id, terms, when_full, std::move(lane));
  if (ledger_.last() && MayBegin(*consumer)) {
    Begin(*consumer, published_);
    Offer(*consumer, *ledger_.last());
  }
  Ring(consumer->FramesBell());
  consumers_.push_back(std::move(consumer));
  return absl::OkStatus();
}

// A consumer that must miss nothing needs room for one frame now and for all that are being
// rendered: nothing keeps these from being published. It begins with the first frame for which that
// is so; no frame before it was meant for it. Acquire() lets no more slots out than its limit from
// the moment that it is here, so this comes at the latest when those that are out are published.
bool ProducerCore::MayBegin(const Consumer& consumer) const {
  return !consumer.Waits() || ledger_.acquired_count() < consumer.terms.limit;
}

void ProducerCore::Begin(Consumer& consumer, uint64_t first_sequence) {
  consumer.sender.Open(first_sequence);
  consumer.begun = true;
}

void ProducerCore::RemoveConsumer(ConsumerId id) {
  MutexLock lock(mutex_);
  const auto found = std::find_if(consumers_.begin(), consumers_.end(),
                                  [id](const auto& consumer) { return consumer->id == id; });
  if (found == consumers_.end()) return;
  (*found)->sender.Close();
  Ring((*found)->FramesBell());
  consumers_.erase(found);
  RingLocally();
}

std::vector<BrokenLane> ProducerCore::TakeBrokenLanes() {
  MutexLock lock(mutex_);
  CollectAll();
  return std::exchange(broken_, {});
}

void ProducerCore::DropBroken() {
  const auto broken = [&](const auto& consumer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (consumer->sender.fault().ok()) return false;
    consumer->sender.Close();
    Ring(consumer->FramesBell());
    broken_.push_back({consumer->id, consumer->sender.fault()});
    return true;
  };
  std::erase_if(consumers_, broken);
}

void ProducerCore::CollectAll() {
  bool sound = true;
  for (const auto& consumer : consumers_) {
    if (consumer->sender.Collect() != 0) consumer->idle_rings = 0;
    sound = sound && consumer->sender.fault().ok();
  }
  if (!sound) DropBroken();
}

SlotSet ProducerCore::Held() const {
  SlotSet held = 0;
  for (const auto& consumer : consumers_) held |= consumer->sender.held();
  return held;
}

void ProducerCore::RingLocally() {
  if (waiting_) Ring({&local_word_, local_doorbell_.ring.get()});
}

void ProducerCore::RingAll() {
  for (const auto& consumer : consumers_) Ring(consumer->FramesBell());
}

std::vector<LaneStats> ProducerCore::Stats() const {
  MutexLock lock(mutex_);
  std::vector<LaneStats> all;
  for (const auto& consumer : consumers_)
    all.push_back({consumer->id, consumer->terms.mode, consumer->offered,
                   consumer->sender.dropped(), Count(consumer->sender.held())});
  return all;
}

uint64_t ProducerCore::published() const {
  MutexLock lock(mutex_);
  return published_;
}

// ---- Rings ------------------------------------------------------------------------------------

// Runs `bind`, with the mutex held, until it does not say RESOURCE_EXHAUSTED.
template <typename Bind>
absl::Status ProducerCore::AwaitRing(const Patience& patience, Bind bind) {
  absl::Status bound;
  const absl::Status waited = Await(patience, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    ledger_.Recycle(Held());
    bound = bind();
    return !absl::IsResourceExhausted(bound);
  });
  if (absl::IsDeadlineExceeded(waited)) return absl::DeadlineExceededError(bound.message());
  return waited.ok() ? bound : waited;
}

absl::Status ProducerCore::NewGeneration(const ImageRing& ring, const Patience& patience) {
  return AwaitRing(patience, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    VRAMD_RETURN_IF_ERROR(ledger_.Bind(ring.generation, ring.images));
    ring_ = ring;
    spare_since_ = Deadline::max();
    AddEarlyImages();
    return absl::OkStatus();
  });
}

void ProducerCore::AddEarlyImages() {
  for (const ImageRing& early : early_)
    if (early.generation == ring_.generation) ledger_.Add(early.images);
  std::erase_if(early_, [&](const ImageRing& early) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return early.generation <= ring_.generation;
  });
}

void ProducerCore::AddImages(uint32_t generation, absl::Span<const uint16_t> images) {
  MutexLock lock(mutex_);
  early_.push_back({.generation = generation, .images = {images.begin(), images.end()}});
  AddEarlyImages();
  RingLocally();
}

// ---- Giving images back

uint32_t ProducerCore::Needed() const {
  Commitment commitment(options_.keep_last);
  for (const auto& consumer : consumers_) commitment.Add(consumer->terms);
  return commitment.images();
}

uint32_t ProducerCore::needed_images() const {
  MutexLock lock(mutex_);
  return Needed();
}

uint32_t ProducerCore::Surplus() const {
  if (!ring_.grows) return 0;
  const uint32_t wanted = std::max(ring_.floor, Needed());
  return ledger_.images() > wanted ? ledger_.images() - wanted : 0;
}

// The broker may know of consumers that we do not know of yet. So it decides, and images that it
// wants to keep come back by ImagesKept().
ImageRing ProducerCore::TakeSurplus() {
  MutexLock lock(mutex_);
  const uint32_t surplus = Surplus();
  if (surplus == 0) {
    spare_since_ = Deadline::max();
    return {};
  }
  const Deadline now = std::chrono::steady_clock::now();
  if (spare_since_ == Deadline::max()) spare_since_ = now;
  if (now - spare_since_ < options_.spare_for) return {};
  CollectAll();
  return {.generation = ring_.generation, .images = ledger_.TakeOut(surplus, Held())};
}

void ProducerCore::ImagesKept(uint32_t generation, absl::Span<const uint16_t> images) {
  MutexLock lock(mutex_);
  if (generation != ring_.generation) return;
  ledger_.PutBack(images);
  RingLocally();
}

void ProducerCore::ImagesGone(uint32_t generation, absl::Span<const uint16_t> images) {
  MutexLock lock(mutex_);
  if (generation == ring_.generation) ledger_.Forget(images);
}

uint32_t ProducerCore::images() const {
  MutexLock lock(mutex_);
  return ledger_.images();
}

absl::Status ProducerCore::AwaitRoom(uint32_t images, const Patience& patience) {
  return AwaitRing(
      patience, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ledger_.CheckRoom(images); });
}

uint32_t ProducerCore::OldestGeneration() {
  MutexLock lock(mutex_);
  CollectAll();
  ledger_.Recycle(Held());
  return ledger_.oldest_generation();
}

// ---- Frames -----------------------------------------------------------------------------------

bool ProducerCore::RoomForOneMore() const {
  const uint32_t acquired = ledger_.acquired_count();
  for (const auto& consumer : consumers_)
    if (consumer->Waits() && (acquired >= consumer->terms.limit ||
                              AtLeast(consumer->sender.held(), consumer->terms.limit - acquired)))
      return false;
  return true;
}

absl::Status ProducerCore::MissingSlot() const {
  if (!RoomForOneMore())
    return absl::DeadlineExceededError(
        "a consumer that must get every frame has not given frames back in time");
  return absl::DeadlineExceededError(
      absl::StrCat("all ", ledger_.images(), " images of the ring are in use: consumers hold ",
                   Count(Held()), ", ", ledger_.acquired_count(), " are being rendered"));
}

AcquiredSlot ProducerCore::Describe(uint32_t slot) {
  AcquiredSlot acquired{slot, ledger_.generation_of(slot), ledger_.image_of(slot), {}};
  for (const auto& consumer : consumers_) {
    const uint64_t value = consumer->sender.release_value(slot);
    if (value != 0) acquired.waits.push_back({consumer->id, value});
  }
  return acquired;
}

absl::StatusOr<AcquiredSlot> ProducerCore::Acquire(const Patience& patience) {
  std::optional<AcquiredSlot> acquired;
  absl::Status missing;
  const absl::Status waited = Await(patience, [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (ledger_.generation() == 0) {
      missing = absl::FailedPreconditionError("the stream has no ring of images yet");
      return true;
    }
    std::optional<uint32_t> slot;
    if (ledger_.lacks_slots()) ledger_.Recycle(Held());
    if (RoomForOneMore()) slot = ledger_.Acquire(Held());
    if (slot) acquired = Describe(*slot);
    // Before anybody can write the slot: its old frame is no longer the last one.
    if (slot && !ledger_.last()) board_.SetLastFrame(std::nullopt);
    return slot.has_value();
  });
  if (absl::IsDeadlineExceeded(waited)) {
    MutexLock lock(mutex_);
    return MissingSlot();
  }
  if (!waited.ok()) return waited;
  if (!acquired) return missing;
  return *std::move(acquired);
}

void ProducerCore::Offer(Consumer& consumer, uint32_t slot) {
  ++consumer.offered;
  if (!consumer.sender.HasRoom() && consumer.sender.Collect() != 0) consumer.idle_rings = 0;
  consumer.sender.Offer(slot);
}

absl::StatusOr<uint64_t> ProducerCore::Publish(uint32_t slot, const FrameHeader& header) {
  FrameFacts facts = header.facts;
  MutexLock lock(mutex_);
  if (ended_) return absl::FailedPreconditionError("the stream has ended");
  VRAMD_RETURN_IF_ERROR(ledger_.CheckPublish(slot));
  VRAMD_RETURN_IF_ERROR(CheckFacts(header.facts));
  facts.sequence = ++published_;
  facts.generation = ledger_.generation_of(slot);
  facts.image = ledger_.image_of(slot);
  facts.published_ns = NowNs();
  board_.WriteFrame(slot, facts, header.details);
  board_.SetPublished(published_);
  ledger_.Publish(slot);
  board_.SetLastFrame(slot);
  // Only now: a slot that is abandoned still has to wait for them the next time.
  for (const auto& consumer : consumers_) consumer->sender.ForgetReleaseValue(slot);
  bool sound = true;
  // All tickets first, then all bells: waking one consumer must not delay the others' frames.
  for (const auto& consumer : consumers_) {
    if (!consumer->begun && MayBegin(*consumer)) Begin(*consumer, published_);
    if (!consumer->begun) continue;
    Offer(*consumer, slot);
    sound = sound && consumer->sender.fault().ok();
  }
  RingAll();
  if (!sound) DropBroken();
  // For a thread that waits in Acquire(): the frame that was kept before may be free now.
  RingLocally();
  return published_;
}

absl::Status ProducerCore::Abandon(uint32_t slot) {
  MutexLock lock(mutex_);
  VRAMD_RETURN_IF_ERROR(ledger_.Abandon(slot));
  RingLocally();
  return absl::OkStatus();
}

// ---- Waiting ----------------------------------------------------------------------------------

ProducerCore::Waiting ProducerCore::ArmAll() {
  Waiting waiting;
  waiting.bells.push_back({&local_word_, local_doorbell_.listen.get()});
  for (const auto& consumer : consumers_) {
    waiting.consumers.push_back(consumer);
    waiting.bells.push_back(consumer->ReleasesBell());
  }
  for (const Bell& bell : waiting.bells) Arm(bell, kSleeping);
  waiting_ = true;
  return waiting;
}

// A consumer that rings again and again without a release would keep the producer awake.
void ProducerCore::Settle(const Waiting& waiting) {
  MutexLock lock(mutex_);
  for (size_t i = 0; i < waiting.consumers.size(); ++i) {
    Consumer& consumer = *waiting.consumers[i];
    const bool rung = waiting.bells[i + 1].word->load(std::memory_order_relaxed) != kSleeping;
    if (consumer.sender.Collect() != 0)
      consumer.idle_rings = 0;
    else if (rung && ++consumer.idle_rings > kMaxIdleRings && consumer.sender.fault().ok())
      consumer.sender.Fail(absl::DataLossError("the consumer rings without releasing anything"));
  }
  for (const Bell& bell : waiting.bells) Disarm(bell);
  waiting_ = false;
  DropBroken();
}

// Runs `attempt`, with the mutex held, until it returns true; first with the releases that are
// known of, which spares a look at every lane and at the clock, then with all.
template <typename Attempt>
absl::Status ProducerCore::Await(const Patience& patience, Attempt attempt) {
  {
    MutexLock lock(mutex_);
    absl::Status going = CheckGoing();
    if (!going.ok() || attempt()) return going;
    CollectAll();
    if (attempt()) return going;
  }
  const Deadline begin = std::chrono::steady_clock::now();
  for (;;) {
    const Deadline now = std::chrono::steady_clock::now();
    if (now >= patience.until) return absl::DeadlineExceededError("");
    const bool spin = now - begin < patience.spin;
    Waiting waiting;
    {
      MutexLock lock(mutex_);
      if (!spin) waiting = ArmAll();
      CollectAll();
      absl::Status going = CheckGoing();
      if (!going.ok() || attempt()) {
        for (const Bell& bell : waiting.bells) Disarm(bell);
        waiting_ = false;
        return going;
      }
    }
    if (spin) {
      RelaxCpu();
      continue;
    }
    const absl::Status slept = Sleep(waiting.bells, patience.until);
    Settle(waiting);
    VRAMD_RETURN_IF_ERROR(slept);
  }
}

}  // namespace vramd::stream
