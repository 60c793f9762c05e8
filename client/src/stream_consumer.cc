#include "client/src/stream_consumer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stream/board.h"

namespace vramd {
namespace {

using stream::Deadline;
using stream::EndReason;
using Kind = stream::Received::Kind;

// Brokers that may come and go while nobody calls Next(); frames of those before are missed.
constexpr size_t kMostWaiting = 4;

stream::LaneTerms TermsOf(const v1::OpenStreamReply& reply) {
  return {.mode = reply.mode() == v1::STREAM_MODE_FIFO ? stream::LaneMode::kFifo
                                                       : stream::LaneMode::kMailbox,
          .limit = reply.limit()};
}

absl::StatusOr<std::shared_ptr<const MappedSection>> Map(const OsHandle& section, uint64_t size,
                                                         SectionAccess access) {
  VRAMD_ASSIGN_OR_RETURN(MappedSection mapped, MappedSection::Map(section, size, access));
  return std::make_shared<const MappedSection>(std::move(mapped));
}

// Of a broker, and not that there is none.
bool IsAnswer(const absl::Status& status) {
  return !absl::IsUnavailable(status) && !absl::IsCancelled(status) &&
         !absl::IsDeadlineExceeded(status);
}

const char* Sentence(EndReason reason) {
  switch (reason) {
    case EndReason::kLive:
      return "the stream has not ended";
    case EndReason::kFinished:
      return "the producer ended the stream";
    case EndReason::kFailed:
      return "the producer ended the stream after an error";
    case EndReason::kProducerGone:
      return "the producer is gone";
    case EndReason::kMoved:
      return "the stream goes on with a new broker";
    case EndReason::kRemoved:
      return "this consumer was removed from the stream";
  }
  return "";
}

}  // namespace

uint32_t ConsumerPart::OldestHeld(uint32_t otherwise) const {
  for (const auto& generation : held) {
    const uint32_t value = generation.load(std::memory_order_relaxed);
    if (value != 0) otherwise = std::min(otherwise, value);
  }
  return otherwise;
}

// ---- Beginning and end ------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<StreamConsumer>> StreamConsumer::Open(
    std::shared_ptr<ClientCore> client, ConsumerSetup setup) {
  const std::chrono::milliseconds timeout = setup.timeout;
  std::unique_ptr<StreamConsumer> consumer(new StreamConsumer(std::move(client), std::move(setup)));
  VRAMD_ASSIGN_OR_RETURN(auto part, consumer->MakePart(1));
  consumer->name_ = consumer->request_.name();
  {
    MutexLock lock(consumer->mutex_);
    consumer->current_ = part;
  }
  VRAMD_RETURN_IF_ERROR(consumer->follower_.Start(part, timeout));
  return consumer;
}

StreamConsumer::~StreamConsumer() {
  follower_.Stop();
  MutexLock lock(mutex_);
  if (current_ != nullptr) current_->Leave(timeout_);
  for (const auto& part : next_) part->Leave(timeout_);
}

absl::StatusOr<std::shared_ptr<ConsumerPart>> StreamConsumer::MakePart(uint32_t session) {
  const Clock::time_point deadline = Clock::now() + timeout_;
  auto part = std::make_shared<ConsumerPart>();
  VRAMD_ASSIGN_OR_RETURN(part->link, client_->Connect());
  Link& link = *part->link;
  const RequestId id = link.NextRequest();
  request_.set_request_id(id.value);
  part->session = session;
  part->events = link.NextRequest();
  part->first_generation = store_.newest();
  v1::OpenStreamReply reply;
  const auto context = link.NewContext(timeout_);
  const absl::Status called = link.Conclude(link.streams().Open(context.get(), request_, &reply));
  if (!called.ok()) {
    link.GiveUpPart(id);
    return called;
  }
  link.Own(id, reply);
  const absl::Status filled = FillPart(*part, reply, deadline);
  if (!filled.ok()) {
    link.GiveBackPart(id, reply.part_id());
    return filled;
  }
  return part;
}

absl::Status StreamConsumer::FillPart(ConsumerPart& part, const v1::OpenStreamReply& reply,
                                      Clock::time_point deadline) {
  Link& link = *part.link;
  part.id = reply.part_id();
  request_.set_name(reply.name());  // whoever's it was found under, this one it is from now on
  VRAMD_ASSIGN_OR_RETURN(const OsHandle board, TakeHandle(link, reply.board(), deadline));
  VRAMD_ASSIGN_OR_RETURN(const OsHandle memory, TakeHandle(link, reply.lane(), deadline));
  stream::ConsumerLane lane;
  const v1::Doorbells& bells = reply.doorbells();
  VRAMD_ASSIGN_OR_RETURN(lane.frames_listen, TakeHandle(link, bells.listen(), deadline));
  VRAMD_ASSIGN_OR_RETURN(lane.releases_ring, TakeHandle(link, bells.ring(), deadline));
  VRAMD_ASSIGN_OR_RETURN(part.ringer, stream::OpenRinger(lane.frames_listen));
  VRAMD_ASSIGN_OR_RETURN(MappedSection view,
                         MappedSection::Map(board, stream::BoardBytes(), SectionAccess::kReadOnly));
  VRAMD_ASSIGN_OR_RETURN(lane.memory, Map(memory, stream::LaneBytes(), SectionAccess::kReadWrite));
  VRAMD_ASSIGN_OR_RETURN(
      part.core, stream::ConsumerCore::Create(std::move(view), std::move(lane), TermsOf(reply)));
  if (reply.has_frames()) {
    VRAMD_ASSIGN_OR_RETURN(OsHandle frames, TakeHandle(link, reply.frames().handle(), deadline));
    store_.AddSemaphore(part.session, StreamStore::kFrames, std::move(frames));
  }
  if (reply.has_releases()) {
    VRAMD_ASSIGN_OR_RETURN(OsHandle releases,
                           TakeHandle(link, reply.releases().handle(), deadline));
    store_.AddSemaphore(part.session, StreamStore::kOwnReleases, std::move(releases));
  }
  if (part.session == 1) timeline_ = reply.has_frames();
  return TakeGeneration(part, reply.generation(), deadline);
}

absl::Status StreamConsumer::TakeGeneration(ConsumerPart& part, const v1::Generation& generation,
                                            Clock::time_point deadline) {
  if (store_.HasRing(part.first_generation + generation.number())) return absl::OkStatus();
  VRAMD_ASSIGN_OR_RETURN(RingImages ring, TakeRing(*part.link, generation, deadline));
  const stream::ImageRing known = RingOf(generation, ring);
  store_.AddImages(part.first_generation + generation.number(), std::move(ring));
  part.core->AddGeneration(known);
  may_retire_ = true;
  MutexLock lock(mutex_);
  WakeWaiters();
  return absl::OkStatus();
}

absl::Status StreamConsumer::AddImages(ConsumerPart& part, const v1::Generation& generation) {
  VRAMD_ASSIGN_OR_RETURN(RingImages images,
                         TakeRing(*part.link, generation, Clock::now() + timeout_));
  const std::vector<uint16_t> numbers = NumbersOf(images);
  store_.AddImages(part.first_generation + generation.number(), std::move(images));
  part.core->AddImages(generation.number(), numbers);
  MutexLock lock(mutex_);
  WakeWaiters();
  return absl::OkStatus();
}

void StreamConsumer::WakeWaiters() {
  changed_.NotifyAll();
  // An event loop waits on the doorbell.
  if (current_ != nullptr && (awaited_.generation != 0 || awaits_part_))
    stream::WakeWaiter({nullptr, current_->ringer.get()}, stream::kPolling);
}

// ---- What the broker tells --------------------------------------------------------------------

absl::Status StreamConsumer::HandleEvent(const std::shared_ptr<StreamPart>& part,
                                         const v1::StreamEvent& event) {
  auto& own = static_cast<ConsumerPart&>(*part);
  switch (event.kind()) {
    case v1::StreamEvent::GENERATION:
      return TakeGeneration(own, event.generation(), Clock::now() + timeout_);
    case v1::StreamEvent::IMAGES_ADDED:
      return AddImages(own, event.generation());
    case v1::StreamEvent::IMAGES_GONE:
      own.core->RemoveImages(event.generation().number(), NumbersIn(event));
      store_.RemoveImages(own.first_generation + event.generation().number(), NumbersIn(event));
      return absl::OkStatus();
    case v1::StreamEvent::PRODUCER_LEFT: {
      MutexLock lock(mutex_);
      told_ = event.reason();
      own.producer_left = true;
      // Does nothing if the producer itself has said how it ended.
      EndParts(EndReason::kProducerGone);
      return absl::OkStatus();
    }
    default:
      return absl::OkStatus();  // FOLLOWING, or of a newer broker
  }
}

void StreamConsumer::HandleEnd(const std::shared_ptr<StreamPart>& part, const absl::Status& why) {
  MutexLock lock(mutex_);
  if (static_cast<ConsumerPart&>(*part).producer_left) return;
  if (!why.ok()) told_ = std::string(why.message());
  EndParts(EndReason::kRemoved);
}

void StreamConsumer::EndParts(EndReason reason) {
  const auto& last = newest();
  if (current_ != last) current_->core->EndLocally(EndReason::kProducerGone);
  for (const auto& next : next_)
    if (next != last) next->core->EndLocally(EndReason::kProducerGone);
  last->core->EndLocally(reason);
  WakeWaiters();
}

// ---- After a restart --------------------------------------------------------------------------

bool StreamConsumer::wanted() {
  MutexLock lock(mutex_);
  return end_.reason == EndReason::kLive;
}

absl::StatusOr<std::shared_ptr<StreamPart>> StreamConsumer::Renew() {
  std::shared_ptr<ConsumerPart> before;
  {
    MutexLock lock(mutex_);
    before = newest();
  }
  auto made = MakePart(before->session + 1);
  if (!made.ok()) {
    EndIfLost(made.status());
    return made.status();
  }
  const std::shared_ptr<ConsumerPart> part = *std::move(made);
  MutexLock lock(mutex_);
  missing_since_ = Clock::time_point::max();
  lost_ = EndReason::kLive;
  if (part->core->board().stream() != before->core->board().stream())
    EndParts(EndReason::kProducerGone);
  next_.push_back(part);
  if (next_.size() > kMostWaiting) next_.pop_front();
  WakeWaiters();
  return part;
}

// A producer that lives has its stream made anew as soon as it can.
void StreamConsumer::EndIfLost(const absl::Status& why) {
  if (!IsAnswer(why)) {
    missing_since_ = Clock::time_point::max();
    return;
  }
  MutexLock lock(mutex_);
  uint64_t published = current_->core->board().published();
  for (const auto& next : next_) published += next->core->board().published();
  const Clock::time_point now = Clock::now();
  if (missing_since_ == Clock::time_point::max() || published != missing_at_) {
    missing_since_ = now;
    missing_at_ = published;
  }
  if (now - missing_since_ < kLost) return;
  lost_ = absl::IsNotFound(why) ? EndReason::kProducerGone : EndReason::kRemoved;
  told_ = absl::IsNotFound(why) ? "the broker that runs now does not know the stream"
                                : absl::StrCat("the broker that runs now refuses: ", why.message());
  EndParts(EndReason::kProducerGone);
}

absl::Status StreamConsumer::EndOfStream(EndReason reason) {
  end_.reason = reason;
  end_.message = told_.empty() ? Sentence(reason) : absl::StrCat(Sentence(reason), ": ", told_);
  return absl::OutOfRangeError(end_.message);
}

// The follower sees to it, unless the old broker lives and says that the producer has left.
absl::Status StreamConsumer::AwaitPart(const ConsumerPart& part, Deadline until) {
  awaits_part_ = true;
  while (may_wait(part)) {
    if (cancelled_) return absl::OkStatus();  // PartToAsk() tells
    if (!changed_.WaitUntil(mutex_, until) && Clock::now() >= until)
      return absl::DeadlineExceededError("the stream moves to a new broker");
  }
  awaits_part_ = false;
  return absl::OkStatus();
}

absl::Status StreamConsumer::MoveOn(const ConsumerPart& part, EndReason reason, Deadline until) {
  MutexLock lock(mutex_);
  if (end_.reason != EndReason::kLive) return absl::OutOfRangeError(end_.message);
  if (reason == EndReason::kMoved) {
    VRAMD_RETURN_IF_ERROR(AwaitPart(part, until));
    if (awaits_part_) return absl::OkStatus();  // cancelled
  }
  if (!next_.empty()) {
    Advance();
    return absl::OkStatus();
  }
  if (lost_ != EndReason::kLive) return EndOfStream(lost_);
  return EndOfStream(reason == EndReason::kMoved ? EndReason::kProducerGone : reason);
}

void StreamConsumer::Advance() {
  const stream::ConsumerCounters counters = current_->core->counters();
  before_.received += counters.received;
  before_.dropped += counters.dropped;
  const std::optional<uint64_t> seen = current_->core->seen();
  const auto& next = next_.front();
  if (next->core->board().stream() != current_->core->board().stream())
    next->first_sequence = current_->first_sequence + seen.value_or(0);
  else if (seen)
    next->core->ContinueAfter(*seen);
  old_.push_back(std::exchange(current_, next));
  next_.pop_front();
  awaited_ = {};
  ForgetParts();
  follower_.Hurry();
}

void StreamConsumer::ForgetParts() {
  std::erase_if(old_, [](const auto& part) { return part->core->held() == 0; });
  uint32_t oldest = current_->first_generation + 1;
  for (const auto& part : old_) oldest = std::min(oldest, part->OldestHeld(oldest));
  store_.RetireRings(oldest);
  store_.RetireSessions(old_.empty() ? current_->session : old_.front()->session);
}

std::shared_ptr<ConsumerPart> StreamConsumer::Current() {
  MutexLock lock(mutex_);
  return current_;
}

// Both under one lock: whoever cancels later finds the part that is asked, and wakes it.
absl::StatusOr<std::shared_ptr<ConsumerPart>> StreamConsumer::PartToAsk() {
  MutexLock lock(mutex_);
  if (std::exchange(cancelled_, false)) return absl::CancelledError("the wait was cancelled");
  return current_;
}

std::shared_ptr<ConsumerPart> StreamConsumer::PartOf(uint32_t session) {
  MutexLock lock(mutex_);
  if (current_->session == session) return current_;
  for (const auto& part : old_)
    if (part->session == session) return part;
  return nullptr;
}

// ---- Frames -----------------------------------------------------------------------------------

ClientFrame StreamConsumer::Describe(ConsumerPart& part, const stream::ConsumerFrame& frame) {
  return {part.session, part.first_generation + frame.facts.generation,
          part.first_sequence + part.core->board().base() + frame.facts.sequence, frame};
}

ClientFrame StreamConsumer::Hand(ConsumerPart& part, const stream::ConsumerFrame& frame) {
  const ClientFrame handed = Describe(part, frame);
  part.held[frame.slot].store(handed.generation, std::memory_order_relaxed);
  newest_handed_.store(handed.generation, std::memory_order_relaxed);
  if (may_retire_.load(std::memory_order_relaxed)) {
    store_.RetireRings(oldest_in_use());
    if (store_.oldest() == store_.newest()) may_retire_ = false;
  }
  return handed;
}

// Who does not want to wait does not want to spin either.
stream::Patience StreamConsumer::PatienceUntil(Deadline until) const {
  return {until, until == Deadline::min() ? std::chrono::nanoseconds(0) : spin_};
}

absl::StatusOr<ClientFrame> StreamConsumer::Next(Deadline until) {
  for (;;) {
    VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<ConsumerPart> part, PartToAsk());
    const auto next = part->core->Next(PatienceUntil(until));
    if (absl::IsCancelled(next.status())) continue;  // PartToAsk() knows whether we are meant
    VRAMD_RETURN_IF_ERROR(next.status());
    switch (next->kind) {
      case Kind::kFrame:
        return Hand(*part, next->frame);
      case Kind::kNewImage:
        VRAMD_RETURN_IF_ERROR(AwaitImage(*part, *next, until));
        break;
      case Kind::kEnded:
        VRAMD_RETURN_IF_ERROR(MoveOn(*part, next->reason, until));
        break;
      case Kind::kNothing:
        return absl::DeadlineExceededError("no frame came in time");
    }
  }
}

// A frame came in an image that the broker has not told of yet: it will at once, if it lives. If
// not, the frame is out of reach, and so is what follows, until there is a new part.
absl::Status StreamConsumer::AwaitImage(ConsumerPart& part, const stream::Received& next,
                                        Deadline until) {
  MutexLock lock(mutex_);
  awaited_ = {next.generation, next.image};
  // The store does not know: there, the next part's rings have the numbers after the last one that
  // this part was told of.
  while (!part.core->KnowsImage(next.generation, next.image)) {
    if (cancelled_) return absl::OkStatus();  // PartToAsk() tells
    if ((!next_.empty() || lost_ != EndReason::kLive) && !part.attached()) {
      part.core->EndLocally(EndReason::kRemoved);
      break;
    }
    if (!changed_.WaitUntil(mutex_, until) && Clock::now() >= until)
      return absl::DeadlineExceededError(
          absl::StrCat("a frame is there, but the broker has not told of its image, number ",
                       next.image, " of generation ", next.generation, ", yet"));
  }
  awaited_ = {};
  return absl::OkStatus();
}

absl::StatusOr<stream::FrameDetails> StreamConsumer::ReadDetails(
    uint32_t session, const stream::ConsumerFrame& frame) {
  const std::shared_ptr<ConsumerPart> part = PartOf(session);
  if (part == nullptr || frame.slot >= stream::kSlotCapacity)
    return absl::InvalidArgumentError("the frame was released already");
  return part->core->ReadDetails(frame);
}

absl::Status StreamConsumer::Release(uint32_t session, const stream::ConsumerFrame& frame,
                                     uint64_t value) {
  if (frame.kept) return absl::OkStatus();
  const std::shared_ptr<ConsumerPart> part = PartOf(session);
  if (part == nullptr || frame.slot >= stream::kSlotCapacity)
    return absl::InvalidArgumentError("the frame was released already");
  // First: afterwards the slot may come again at once, with a generation of its own.
  const uint32_t generation = part->held[frame.slot].exchange(0, std::memory_order_relaxed);
  const absl::Status released = part->core->Release(frame, value);
  if (!released.ok()) part->held[frame.slot].store(generation, std::memory_order_relaxed);
  return released;
}

absl::StatusOr<ClientFrame> StreamConsumer::LastFrame() {
  const std::shared_ptr<ConsumerPart> part = Current();
  VRAMD_ASSIGN_OR_RETURN(const stream::ConsumerFrame frame, part->core->LastFrame());
  const ClientFrame last = Describe(*part, frame);
  if (store_.HasImage(last.generation, frame.facts.image)) return last;
  return absl::NotFoundError("the images of the producer's last frame never came here");
}

absl::StatusOr<bool> StreamConsumer::Arm() {
  const std::shared_ptr<ConsumerPart> part = Current();
  {
    MutexLock lock(mutex_);
    if (awaited_.generation != 0 && !part->core->KnowsImage(awaited_.generation, awaited_.image)) {
      stream::SilenceDoorbell(part->core->doorbell());
      return true;
    }
    awaited_ = {};
    if (awaits_part_ && may_wait(*part)) {
      stream::SilenceDoorbell(part->core->doorbell());
      return true;
    }
  }
  return part->core->ArmDoorbell();
}

NativeHandle StreamConsumer::poll_handle() { return Current()->core->doorbell(); }

void StreamConsumer::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.NotifyAll();
  current_->core->Cancel();
}

// ---- Numbers ----------------------------------------------------------------------------------

StreamConsumer::End StreamConsumer::GetEnd() {
  MutexLock lock(mutex_);
  End end = end_;
  if (end.reason == EndReason::kLive) end.message = Sentence(end.reason);
  return end;
}

StreamConsumer::Counters StreamConsumer::GetCounters() {
  MutexLock lock(mutex_);
  Counters all = before_;
  const stream::ConsumerCounters counters = current_->core->counters();
  all.received += counters.received;
  all.dropped += counters.dropped;
  all.held = current_->core->held();
  for (const auto& part : old_) all.held += part->core->held();
  all.session = current_->session;
  all.attached = newest()->attached();
  return all;
}

uint32_t StreamConsumer::oldest_in_use() {
  MutexLock lock(mutex_);
  uint32_t oldest = current_->OldestHeld(newest_handed_.load(std::memory_order_relaxed));
  for (const auto& part : old_) oldest = part->OldestHeld(oldest);
  return oldest;
}

}  // namespace vramd
