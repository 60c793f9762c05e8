#include "client/src/stream_producer.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stream/board.h"

namespace vramd {
namespace {

using stream::ConsumerId;
using stream::Deadline;

absl::StatusOr<stream::LaneTerms> TermsOf(const v1::StreamEvent& event) {
  stream::LaneTerms terms{.limit = event.limit()};
  if (event.mode() == v1::STREAM_MODE_FIFO)
    terms.mode = stream::LaneMode::kFifo;
  else if (event.mode() != v1::STREAM_MODE_MAILBOX)
    return absl::InvalidArgumentError("the broker told of a consumer of an unknown mode");
  return terms;
}

uint64_t RandomNumber() {
  std::random_device random;
  return uint64_t{random()} << 32 | random();
}

// Lets a consumer know that it will get nothing, when it cannot be added.
void Refuse(const stream::ProducerLane& ends) {
  auto* const lane = static_cast<stream::Lane*>(ends.memory->data());
  stream::LaneSender(lane, {}).Close();
  stream::Ring({&lane->frames_bell, ends.frames_ring.get()});
}

}  // namespace

// ---- Beginning and end ------------------------------------------------------------------------

absl::StatusOr<std::unique_ptr<StreamProducer>> StreamProducer::Create(
    std::shared_ptr<ClientCore> client, ProducerSetup setup) {
  const std::chrono::milliseconds timeout = setup.timeout;
  setup.options.stream = RandomNumber();
  v1::CreateStreamRequest request = setup.request;
  std::unique_ptr<StreamProducer> producer(new StreamProducer(std::move(client), std::move(setup)));
  VRAMD_ASSIGN_OR_RETURN(auto part, producer->MakePart(1, std::move(request)));
  {
    MutexLock lock(producer->mutex_);
    producer->current_ = part;
  }
  VRAMD_RETURN_IF_ERROR(producer->follower_.Start(part, timeout));
  return producer;
}

StreamProducer::~StreamProducer() {
  (void)End(stream::EndReason::kFailed);
  follower_.Stop();
}

absl::StatusOr<std::shared_ptr<ProducerPart>> StreamProducer::MakePart(
    uint32_t session, v1::CreateStreamRequest request) {
  const Clock::time_point deadline = Clock::now() + timeout_;
  auto part = std::make_shared<ProducerPart>();
  VRAMD_ASSIGN_OR_RETURN(part->link, client_->Connect());
  Link& link = *part->link;
  const RequestId id = link.NextRequest();
  request.set_request_id(id.value);
  part->session = session;
  part->events = link.NextRequest();
  part->first_generation = store_.newest();
  v1::CreateStreamReply reply;
  const auto context = link.NewContext(timeout_);
  const absl::Status called = link.Conclude(link.streams().Create(context.get(), request, &reply));
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

absl::Status StreamProducer::FillPart(ProducerPart& part, const v1::CreateStreamReply& reply,
                                      Clock::time_point deadline) {
  Link& link = *part.link;
  part.id = reply.part_id();
  VRAMD_ASSIGN_OR_RETURN(const OsHandle board, TakeHandle(link, reply.board(), deadline));
  VRAMD_ASSIGN_OR_RETURN(part.core, stream::ProducerCore::Create(board, options_));
  VRAMD_ASSIGN_OR_RETURN(RingImages ring, TakeRing(link, reply.generation(), deadline));
  const uint32_t number = reply.generation().number();
  VRAMD_RETURN_IF_ERROR(
      part.core->NewGeneration(RingOf(reply.generation(), ring), stream::Patience::None()));
  if (reply.has_frames()) {
    VRAMD_ASSIGN_OR_RETURN(OsHandle frames, TakeHandle(link, reply.frames().handle(), deadline));
    store_.AddSemaphore(part.session, StreamStore::kFrames, std::move(frames));
  }
  store_.AddImages(part.first_generation + number, std::move(ring));
  MutexLock lock(mutex_);
  name_ = reply.name();
  timeline_ = reply.has_frames();
  return absl::OkStatus();
}

absl::Status StreamProducer::StartPart(ProducerPart& part) {
  v1::StartStreamRequest request;
  v1::StartStreamReply reply;
  request.set_part_id(part.id);
  const auto context = part.link->NewContext(timeout_);
  return part.link->Conclude(part.link->streams().Start(context.get(), request, &reply));
}

absl::Status StreamProducer::End(stream::EndReason reason) {
  std::shared_ptr<ProducerPart> current, next;
  {
    MutexLock lock(mutex_);
    if (std::exchange(ended_, true))
      return absl::FailedPreconditionError("the stream has ended already");
    changed_.NotifyAll();
    current = current_;
    next = std::exchange(next_, nullptr);
  }
  for (const auto& part : {current, next}) {
    if (part == nullptr) continue;
    part->core->End(reason);
    part->Leave(timeout_);
  }
  return absl::OkStatus();
}

// ---- What the broker tells --------------------------------------------------------------------

absl::Status StreamProducer::HandleEvent(const std::shared_ptr<StreamPart>& part,
                                         const v1::StreamEvent& event) {
  auto& own = static_cast<ProducerPart&>(*part);
  switch (event.kind()) {
    case v1::StreamEvent::FOLLOWING:
      // Only now can a consumer find the stream: so none joins unheard.
      return StartPart(own);
    case v1::StreamEvent::CONSUMER_JOINED:
      AddConsumer(own, event);
      HurryOver();
      return absl::OkStatus();
    case v1::StreamEvent::CONSUMER_LEFT:
      RemoveConsumer(own, event.consumer_id());
      HurryOver();
      return absl::OkStatus();
    case v1::StreamEvent::IMAGES_ADDED:
      return AddImages(own, event.generation());
    case v1::StreamEvent::IMAGES_GONE:
      own.core->ImagesGone(event.generation().number(), NumbersIn(event));
      store_.RemoveImages(own.first_generation + event.generation().number(), NumbersIn(event));
      return absl::OkStatus();
    case v1::StreamEvent::IMAGES_KEPT:
      own.core->ImagesKept(event.generation().number(), NumbersIn(event));
      return absl::OkStatus();
    default:
      return absl::OkStatus();  // of a newer broker
  }
}

absl::Status StreamProducer::AddImages(ProducerPart& part, const v1::Generation& generation) {
  VRAMD_ASSIGN_OR_RETURN(RingImages images,
                         TakeRing(*part.link, generation, Clock::now() + timeout_));
  const std::vector<uint16_t> numbers = NumbersOf(images);
  // First the store: whoever acquires one of them asks there for its handle.
  store_.AddImages(part.first_generation + generation.number(), std::move(images));
  part.core->AddImages(generation.number(), numbers);
  return absl::OkStatus();
}

// A consumer whose handles do not arrive, or do not fit, costs the others nothing: the producer
// goes on without it.
void StreamProducer::AddConsumer(ProducerPart& part, const v1::StreamEvent& event) {
  const absl::Status added = TryToAddConsumer(part, event);
  if (added.ok()) return;
  MutexLock lock(mutex_);
  ++broken_;
  last_broken_ =
      absl::StrCat("consumer ", event.consumer_id(), " could not be added: ", added.message());
}

absl::Status StreamProducer::TryToAddConsumer(ProducerPart& part, const v1::StreamEvent& event) {
  const Clock::time_point deadline = Clock::now() + timeout_;
  Link& link = *part.link;
  VRAMD_ASSIGN_OR_RETURN(const stream::LaneTerms terms, TermsOf(event));
  VRAMD_ASSIGN_OR_RETURN(const OsHandle memory, TakeHandle(link, event.lane(), deadline));
  const v1::Doorbells& bells = event.doorbells();
  stream::ProducerLane lane;
  VRAMD_ASSIGN_OR_RETURN(lane.frames_ring, TakeHandle(link, bells.ring(), deadline));
  VRAMD_ASSIGN_OR_RETURN(lane.releases_listen, TakeHandle(link, bells.listen(), deadline));
  VRAMD_ASSIGN_OR_RETURN(MappedSection mapped, MappedSection::Map(memory, stream::LaneBytes(),
                                                                  SectionAccess::kReadWrite));
  lane.memory = std::make_shared<const MappedSection>(std::move(mapped));
  stream::ProducerLane spare{.memory = lane.memory};  // to say no with
  VRAMD_ASSIGN_OR_RETURN(spare.frames_ring, lane.frames_ring.Duplicate());
  if (event.has_releases()) {
    VRAMD_ASSIGN_OR_RETURN(OsHandle releases,
                           TakeHandle(link, event.releases().handle(), deadline));
    store_.AddSemaphore(part.session, event.consumer_id(), std::move(releases));
  }
  {
    MutexLock lock(mutex_);
    joined_[{part.session, event.consumer_id()}] = {event.limit(), event.peer()};
  }
  const auto when_full =
      event.when_full() == v1::WHEN_FULL_WAIT ? stream::WhenFull::kWait : stream::WhenFull::kDrop;
  const absl::Status added =
      part.core->AddConsumer(ConsumerId{event.consumer_id()}, terms, when_full, std::move(lane));
  if (!added.ok()) Refuse(spare);
  return added;
}

void StreamProducer::RemoveConsumer(ProducerPart& part, uint64_t id) {
  part.core->RemoveConsumer(ConsumerId{id});
  store_.RemoveSemaphore(part.session, id);
  MutexLock lock(mutex_);
  joined_.erase({part.session, id});
}

void StreamProducer::HandleEnd(const std::shared_ptr<StreamPart>& part, const absl::Status& why) {
  MutexLock lock(mutex_);
  if (ended_) return;
  ended_ = true;
  changed_.NotifyAll();
  end_message_ = absl::StrCat("the broker ended the stream: ", why.message());
  static_cast<ProducerPart&>(*part).core->End(stream::EndReason::kFailed);
  if (current_ != part) current_->core->End(stream::EndReason::kFailed);
}

// ---- After a restart --------------------------------------------------------------------------

bool StreamProducer::wanted() {
  MutexLock lock(mutex_);
  return !ended_;
}

absl::StatusOr<std::shared_ptr<StreamPart>> StreamProducer::Renew() {
  v1::CreateStreamRequest request;
  uint32_t session = 0;
  MutexLock numbering(numbering_);
  {
    MutexLock lock(mutex_);
    request = request_;
    session = (next_ != nullptr ? next_ : current_)->session + 1;
  }
  VRAMD_ASSIGN_OR_RETURN(auto part, MakePart(session, std::move(request)));
  if (Adopt(part)) return part;
  part->Leave(timeout_);
  return absl::CancelledError("the stream has ended");
}

// False: the stream has ended meanwhile.
bool StreamProducer::Adopt(const std::shared_ptr<ProducerPart>& part) {
  MutexLock lock(mutex_);
  if (ended_) return false;
  // One that never was current has no frames. Consumers that came back to it must come once more.
  if (next_ != nullptr) next_->core->End(stream::EndReason::kMoved);
  next_ = part;
  grace_until_ = Clock::now() + kGrace;
  current_->core->Cancel();  // who waits in it learns of the new one
  return true;
}

// As soon as everybody has come back, there is nothing to wait for.
void StreamProducer::HurryOver() {
  MutexLock lock(mutex_);
  changed_.NotifyAll();
  if (next_ != nullptr && MayMove()) current_->core->Cancel();
}

bool StreamProducer::MayMove() {
  return Clock::now() >= grace_until_ ||
         next_->core->Stats().size() >= current_->core->Stats().size();
}

absl::StatusOr<std::shared_ptr<ProducerPart>> StreamProducer::PartToUse(Deadline* until) {
  MutexLock lock(mutex_);
  // Under the same lock as the choice: whoever cancels later finds the part that is used.
  VRAMD_RETURN_IF_ERROR(CheckGoingLocked());
  if (next_ == nullptr) return current_;
  if (!MayMove()) {
    *until = std::min(*until, grace_until_);
    return current_;
  }
  const auto old = std::exchange(current_, std::exchange(next_, nullptr));
  old->core->End(stream::EndReason::kMoved);
  // After the end: another thread may have published a moment ago.
  current_->first_sequence = old->first_sequence + old->core->published();
  current_->core->ContinueAfter(current_->first_sequence);
  store_.RetireRings(current_->first_generation + 1);
  store_.RetireSessions(current_->session);
  std::erase_if(joined_, [&](const auto& entry) { return entry.first.first < current_->session; });
  return current_;
}

std::shared_ptr<ProducerPart> StreamProducer::PartOf(uint32_t session) {
  MutexLock lock(mutex_);
  return current_->session == session ? current_ : nullptr;
}

// ---- Frames -----------------------------------------------------------------------------------

absl::Status StreamProducer::CheckGoing() {
  MutexLock lock(mutex_);
  return CheckGoingLocked();
}

absl::Status StreamProducer::CheckGoingLocked() {
  if (ended_)
    return absl::FailedPreconditionError(end_message_.empty() ? "the stream has ended"
                                                              : end_message_);
  if (std::exchange(cancelled_, false)) return absl::CancelledError("the wait was cancelled");
  return absl::OkStatus();
}

absl::StatusOr<ClientSlot> StreamProducer::Acquire(Deadline until) {
  for (;;) {
    Deadline wait_until = until;
    VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<ProducerPart> part, PartToUse(&wait_until));
    CollectBroken(*part);
    Retire(*part);
    ReturnSurplus(*part);
    auto acquired = part->core->Acquire({wait_until, spin_});
    if (acquired.ok())
      return ClientSlot{part->session, part->first_generation + acquired->generation,
                        *std::move(acquired)};
    // Cancelled, or late, because there is another part to go to: perhaps.
    const bool late = absl::IsDeadlineExceeded(acquired.status());
    if (late && Clock::now() >= until) return acquired.status();
    if (!late && !absl::IsCancelled(acquired.status())) {
      VRAMD_RETURN_IF_ERROR(CheckGoing());
      return acquired.status();
    }
  }
}

absl::Status StreamProducer::AwaitConsumers(uint32_t count, Deadline until) {
  MutexLock lock(mutex_);
  for (;;) {
    VRAMD_RETURN_IF_ERROR(CheckGoingLocked());
    size_t here = current_->core->Stats().size();
    if (next_ != nullptr) here = std::max(here, next_->core->Stats().size());
    if (here >= count) return absl::OkStatus();
    if (!changed_.WaitUntil(mutex_, until) && Clock::now() >= until)
      return absl::DeadlineExceededError(
          absl::StrCat("the stream has ", here, " of ", count, " consumers awaited"));
  }
}

absl::StatusOr<uint64_t> StreamProducer::Publish(uint32_t session, uint32_t slot,
                                                 const stream::FrameHeader& header) {
  const std::shared_ptr<ProducerPart> part = PartOf(session);
  if (part == nullptr)
    return absl::FailedPreconditionError(
        "the stream has moved to a new broker since this slot was acquired: abandon it");
  VRAMD_ASSIGN_OR_RETURN(const uint64_t sequence, part->core->Publish(slot, header));
  return part->first_sequence + sequence;
}

absl::Status StreamProducer::Abandon(uint32_t session, uint32_t slot) {
  const std::shared_ptr<ProducerPart> part = PartOf(session);
  return part == nullptr ? absl::OkStatus() : part->core->Abandon(slot);
}

// Waits again when it was another part that wanted the wait to end, not the user.
template <typename Wait>
absl::Status StreamProducer::WaitUntilDone(Wait wait) {
  for (;;) {
    absl::Status waited = wait();
    if (!absl::IsCancelled(waited)) return waited;
    VRAMD_RETURN_IF_ERROR(CheckGoing());
  }
}

// What can be known to fail is found before the broker is asked, so that consumers hear of no ring
// in vain. What fails afterwards (the reply or a handle does not come, a consumer took the room,
// the user gave up) has the broker retire the ring, if it made one: it allows no more than 32.
absl::Status StreamProducer::Resize(v1::ResizeStreamRequest request, Deadline until) {
  absl::Status status;
  do {
    status = TryToResize(request, until);
  } while (absl::IsAborted(status));
  return status;
}

// ABORTED: there is another part now, which is to be resized instead.
absl::Status StreamProducer::TryToResize(v1::ResizeStreamRequest& request, Deadline until) {
  VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<ProducerPart> part, PartToResize());
  const uint32_t images = request.image_count() != 0
                              ? request.image_count()
                              : std::max(request.min_image_count(), part->core->needed_images());
  VRAMD_RETURN_IF_ERROR(WaitUntilDone([&] {
    return part->core->AwaitRoom(images, {until, spin_});
  }));
  MutexLock numbering(numbering_);
  const RequestId id = part->link->NextRequest();
  request.set_request_id(id.value);
  request.set_part_id(part->id);
  stream::ImageRing ring;
  absl::Status status = MakeRing(*part, request, ring);
  if (status.ok())
    status = WaitUntilDone([&] { return part->core->NewGeneration(ring, {until, spin_}); });
  if (status.ok()) {
    Resized(*part, request);
    return status;
  }
  if (ring.generation == 0) {  // there was no reply
    part->link->GiveUpRing(part->id, id);
    return status;
  }
  store_.RemoveRing(part->first_generation + ring.generation);
  part->link->GiveBackRing(id, part->id, ring.generation);
  return status;
}

// A part that is about to follow the current one has its numbers already: a ring that the current
// one made now would get one of them.
absl::StatusOr<std::shared_ptr<ProducerPart>> StreamProducer::PartToResize() {
  Deadline unused = Deadline::max();
  VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<ProducerPart> part, PartToUse(&unused));
  MutexLock lock(mutex_);
  return next_ != nullptr ? next_ : part;
}

absl::Status StreamProducer::MakeRing(ProducerPart& part, const v1::ResizeStreamRequest& request,
                                      stream::ImageRing& made) {
  {
    MutexLock lock(mutex_);
    if (next_ != nullptr && next_.get() != &part)
      return absl::AbortedError("the stream moves to a new broker");
  }
  Link& link = *part.link;
  v1::ResizeStreamReply reply;
  const auto context = link.NewContext(timeout_);
  VRAMD_RETURN_IF_ERROR(link.Conclude(link.streams().Resize(context.get(), request, &reply)));
  link.Own(RequestId{request.request_id()}, reply);
  made.generation = reply.generation().number();
  VRAMD_ASSIGN_OR_RETURN(RingImages ring,
                         TakeRing(link, reply.generation(), Clock::now() + timeout_));
  made = RingOf(reply.generation(), ring);
  store_.AddImages(part.first_generation + made.generation, std::move(ring));
  return absl::OkStatus();
}

void StreamProducer::Resized(const ProducerPart& part, const v1::ResizeStreamRequest& request) {
  MutexLock lock(mutex_);
  *request_.mutable_resource() = request.resource();
  request_.set_intent(request.intent());
  request_.set_handle_type(request.handle_type());
  request_.set_image_count(request.image_count());
  request_.set_min_image_count(request.min_image_count());
  request_.set_max_image_count(request.max_image_count());
  // The next slot must be of the new ring, so the move can wait for nobody.
  if (next_.get() == &part) grace_until_ = Clock::now();
}

// The images of rings that nobody uses any more are let go of, here and in the broker. Asked only
// while there are several rings.
void StreamProducer::Retire(ProducerPart& part) {
  if (store_.oldest() == store_.newest()) return;
  const uint32_t oldest = part.core->OldestGeneration();
  if (part.first_generation + oldest <= store_.oldest()) return;
  store_.RetireRings(part.first_generation + oldest);
  part.link->Retire(part.id, oldest);
}

void StreamProducer::ReturnSurplus(ProducerPart& part) {
  const stream::ImageRing surplus = part.core->TakeSurplus();
  if (!surplus.images.empty()) part.link->ReturnImages(part.id, surplus.generation, surplus.images);
}

void StreamProducer::CollectBroken(ProducerPart& part) {
  for (const stream::BrokenLane& lane : part.core->TakeBrokenLanes()) {
    MutexLock lock(mutex_);
    ++broken_;
    last_broken_ = absl::StrCat("consumer ", lane.consumer.value, ": ", lane.why.message());
    joined_.erase({part.session, lane.consumer.value});
  }
}

void StreamProducer::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  changed_.NotifyAll();
  current_->core->Cancel();
}

// ---- Numbers ----------------------------------------------------------------------------------

std::string StreamProducer::name() {
  MutexLock lock(mutex_);
  return name_;
}

bool StreamProducer::uses_timeline() {
  MutexLock lock(mutex_);
  return timeline_;
}

StreamProducer::Stats StreamProducer::GetStats() {
  MutexLock lock(mutex_);
  Stats stats;
  stats.published = current_->first_sequence + current_->core->published();
  stats.session = current_->session;
  stats.attached = (next_ != nullptr ? next_ : current_)->attached();
  stats.consumers = static_cast<uint32_t>(current_->core->Stats().size());
  stats.broken = broken_;
  stats.last_broken = last_broken_;
  return stats;
}

std::vector<StreamProducer::ConsumerStats> StreamProducer::GetConsumers() {
  MutexLock lock(mutex_);
  std::vector<ConsumerStats> all;
  for (const stream::LaneStats& lane : current_->core->Stats()) {
    const Joined& joined = joined_[{current_->session, lane.consumer.value}];
    all.push_back({lane, joined.limit, joined.peer});
  }
  return all;
}

}  // namespace vramd
