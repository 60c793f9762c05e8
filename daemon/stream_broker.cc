// How streams, rings and parts are made. How they end, and what is told, is in stream_events.cc.
#include "daemon/stream_broker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stream/board.h"
#include "daemon/names.h"
#include "daemon/stream_state.h"

namespace vramd {

StreamBroker::StreamBroker(Broker* broker, std::chrono::milliseconds device_wait,
                           Environment environment)
    : broker_(broker), device_wait_(device_wait), environment_(std::move(environment)) {
  broker_->Observe(this);
}

StreamBroker::~StreamBroker() { broker_->Observe(nullptr); }

// ---- Finding

absl::StatusOr<StreamBroker::Part*> StreamBroker::FindPart(SessionId session, PartId id) const {
  const auto found = parts_.find(id);
  if (found == parts_.end() || found->second->member->id != session)
    return absl::NotFoundError(absl::StrCat("this session has no part ", id.value, " in a stream"));
  return found->second.get();
}

absl::StatusOr<StreamBroker::Part*> StreamBroker::FindProducer(SessionId session, PartId id) const {
  VRAMD_ASSIGN_OR_RETURN(Part * part, FindPart(session, id));
  if (part->consumes)
    return absl::FailedPreconditionError(
        absl::StrCat("part ", id.value, " is a consumer's; only the producer may do this"));
  return part;
}

absl::StatusOr<std::shared_ptr<StreamBroker::Stream>> StreamBroker::FindStream(
    const Peer& peer, absl::string_view name) const {
  VRAMD_ASSIGN_OR_RETURN(const std::string whole, WholeName(name, peer));
  const auto found = names_.find(whole);
  if (found == names_.end() || !found->second->started)
    return absl::NotFoundError(
        absl::StrCat("no stream is called ", whole, "; see vramctl streams"));
  VRAMD_RETURN_IF_ERROR(broker_->CheckOpen(peer, found->second->producer_peer.user_id, whole));
  return found->second;
}

// ---- Parts

absl::StatusOr<std::unique_ptr<StreamBroker::Part>> StreamBroker::NewPart(
    std::shared_ptr<Member> member, RequestId request, bool consumes) const {
  const Account& own = member->account;
  const Account& user = member->user->account;
  const uint64_t bytes = consumes ? stream::LaneBytes() : stream::BoardBytes();
  auto part = std::make_unique<Part>();
  part->request = request;
  part->consumes = consumes;
  VRAMD_ASSIGN_OR_RETURN(part->session_part,
                         (consumes ? own.consumers : own.streams)->TryCharge(1));
  VRAMD_ASSIGN_OR_RETURN(part->user_part, (consumes ? user.consumers : user.streams)->TryCharge(1));
  VRAMD_ASSIGN_OR_RETURN(part->session_bytes, own.bytes->TryCharge(bytes));
  VRAMD_ASSIGN_OR_RETURN(part->user_bytes, user.bytes->TryCharge(bytes));
  part->member = std::move(member);
  return part;
}

absl::Status StreamBroker::CheckInsert(const Part& part) const {
  if (part.member->ended)
    return absl::UnauthenticatedError("this session has ended; connect again");
  if (!part.request || requests_.contains({part.member->id, part.request}))
    return absl::InvalidArgumentError(absl::StrCat("request_id ", part.request.value,
                                                   " is 0 or was used before in this session"));
  return absl::OkStatus();
}

PartId StreamBroker::Insert(std::unique_ptr<Part> part) {
  // Not counted up: an id from before a restart must not name something else after it.
  PartId id;
  while (!id || parts_.contains(id)) environment_.random(&id.value, sizeof(id.value));
  part->id = id;
  requests_.emplace(std::make_pair(part->member->id, part->request), id);
  parts_.emplace(id, std::move(part));
  return id;
}

// ---- Streams and rings

absl::StatusOr<std::shared_ptr<const StreamTimeline>> StreamBroker::MakeTimeline(
    const std::shared_ptr<Device>& device) {
  if (!device->info().timelines.can_export) return nullptr;
  auto made = device->CreateTimeline();
  if (absl::IsUnavailable(made.status())) broker_->ReportLost(*device, made.status());
  VRAMD_RETURN_IF_ERROR(made.status());
  auto timeline = std::make_shared<StreamTimeline>();
  timeline->device = device;
  timeline->timeline = *std::move(made);
  VRAMD_ASSIGN_OR_RETURN(timeline->handle, timeline->timeline->Export());
  return timeline;
}

absl::Status StreamBroker::MakeStream(const StreamRequest& what, Part& producer) {
  auto stream = std::make_shared<Stream>();
  stream->producer_peer = producer.member->peer;
  stream->producer_session = producer.member->id;
  VRAMD_ASSIGN_OR_RETURN(stream->name, OwnName(what.name, stream->producer_peer));
  stream->label = what.label;
  stream->consumer_limit = what.consumer_limit == 0 ? kDefaultStreamConsumers : what.consumer_limit;
  stream->allow_waiting = what.allow_waiting;
  VRAMD_ASSIGN_OR_RETURN(stream->device,
                         broker_->devices().Find(what.device, environment_.now() + device_wait_));
  VRAMD_ASSIGN_OR_RETURN(stream->board,
                         CreateOneWriterSection(stream::BoardBytes(), "vramd-board"));
  VRAMD_ASSIGN_OR_RETURN(stream->board_view, MappedSection::Map(stream->board, stream::BoardBytes(),
                                                                SectionAccess::kReadOnly));
  VRAMD_ASSIGN_OR_RETURN(stream->frames, MakeTimeline(stream->device));
  producer.stream = std::move(stream);
  return absl::OkStatus();
}

absl::StatusOr<StreamRing::Image> StreamBroker::MakeImage(Device& device,
                                                          const AllocationRequest& what) {
  auto memory = device.Allocate(what);
  if (absl::IsUnavailable(memory.status())) broker_->ReportLost(device, memory.status());
  VRAMD_RETURN_IF_ERROR(memory.status());
  StreamRing::Image image{.memory = *std::move(memory)};
  VRAMD_ASSIGN_OR_RETURN(image.handle, image.memory->Export());
  return image;
}

absl::Status StreamBroker::CheckHandover(const Peer& peer, const std::string& owner_user_id,
                                         const StreamRing& ring) const {
  return broker_->CheckHandover(peer, owner_user_id, ring.device->info(),
                                ring.images.front().memory->recipe().handle_type);
}

absl::StatusOr<RingHold> StreamBroker::Hold(
    const Part& consumer, const std::shared_ptr<StreamGeneration>& generation) const {
  VRAMD_RETURN_IF_ERROR(CheckHandover(consumer.member->peer, consumer.stream->producer_peer.user_id,
                                      *generation->ring));
  RingHold hold{.generation = generation};
  VRAMD_ASSIGN_OR_RETURN(hold.paid,
                         PayFor(*consumer.member, generation->ring->size(), &generation->payers));
  return hold;
}

absl::StatusOr<NewRing> StreamBroker::MakeRingOn(const Member& member,
                                                 const std::shared_ptr<Device>& device,
                                                 const RingRequest& what) {
  VRAMD_ASSIGN_OR_RETURN(const uint64_t bytes, device->SizeOf(what.image));
  NewRing made;
  VRAMD_ASSIGN_OR_RETURN(
      made.paid,
      PayFor(member,
             {.bytes = bytes * what.count, .allocations = what.count, .handles = what.count},
             nullptr));
  auto ring = std::make_shared<StreamRing>();
  ring->device = device;
  while (ring->images.size() < what.count) {
    VRAMD_ASSIGN_OR_RETURN(StreamRing::Image image, MakeImage(*device, what.image));
    ring->images.push_back(std::move(image));
  }
  VRAMD_RETURN_IF_ERROR(CheckHandover(member.peer, member.peer.user_id, *ring));
  VRAMD_RETURN_IF_ERROR(made.paid.ResizeBytes(ring->size().bytes));
  made.images = std::move(ring);
  return made;
}

uint32_t StreamBroker::AddGeneration(Part& producer, NewRing ring) {
  auto generation = std::make_shared<StreamGeneration>();
  generation->number = ++producer.stream->last_generation;
  generation->ring = std::move(ring.images);
  generation->payers[producer.member->peer.user_id] = ring.paid.user_hold;
  producer.stream->generations.push_back(generation);
  producer.holds.push_back({std::move(generation), std::move(ring.paid)});
  return producer.stream->last_generation;
}

absl::StatusOr<CreatedStream> StreamBroker::Create(SessionId session, RequestId request,
                                                   const StreamRequest& what) {
  VRAMD_RETURN_IF_ERROR(CheckStreamRequest(what));
  VRAMD_ASSIGN_OR_RETURN(std::shared_ptr<Member> member, broker_->FindServedMember(session));
  VRAMD_ASSIGN_OR_RETURN(std::unique_ptr<Part> part, NewPart(member, request, false));
  VRAMD_RETURN_IF_ERROR(MakeStream(what, *part));
  const std::shared_ptr<Stream> stream = part->stream;
  VRAMD_ASSIGN_OR_RETURN(NewRing ring, MakeRingOn(*member, stream->device, what.ring));
  CreatedStream created{.name = stream->name, .ring = ring.images, .frames = stream->frames};
  VRAMD_ASSIGN_OR_RETURN(created.board, stream->board.Duplicate());
  MutexLock lock(mutex_);
  VRAMD_RETURN_IF_ERROR(CheckInsert(*part));
  if (!names_.try_emplace(stream->name, stream).second)
    return absl::AlreadyExistsError(
        absl::StrCat("a stream ", stream->name, " exists already; end it, or choose another name"));
  created.generation = AddGeneration(*part, std::move(ring));
  created.part = stream->producer = Insert(std::move(part));
  return created;
}

absl::Status StreamBroker::Start(SessionId session, PartId id) {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Part* part, FindProducer(session, id));
  VRAMD_RETURN_IF_ERROR(CheckRefusesWriters(part->stream->board));
  Stream& stream = *part->stream;
  if (!std::exchange(stream.started, true))
    broker_->StreamStarted(stream.name, stream.producer_peer.user_id);
  return absl::OkStatus();
}

namespace {

absl::Status CheckRingCount(size_t rings) {
  if (rings < kMaxStreamRings) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the stream has ", rings, " generations, the limit; retire the oldest"));
}

}  // namespace

absl::StatusOr<NewRing> StreamBroker::MakeRing(SessionId session, PartId id,
                                               const RingRequest& what) {
  VRAMD_RETURN_IF_ERROR(CheckRingRequest(what));
  VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<Member> member, broker_->FindServedMember(session));
  std::shared_ptr<Device> device;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(const Part* part, FindProducer(session, id));
    VRAMD_RETURN_IF_ERROR(CheckRingCount(part->stream->generations.size()));
    device = part->stream->device;
  }
  return MakeRingOn(*member, device, what);
}

absl::StatusOr<uint32_t> StreamBroker::AddRing(SessionId session, PartId id, RequestId request,
                                               NewRing ring) {
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Part * producer, FindProducer(session, id));
  const std::shared_ptr<Stream> stream = producer->stream;
  VRAMD_RETURN_IF_ERROR(CheckRingCount(stream->generations.size()));
  const uint32_t number = AddGeneration(*producer, std::move(ring));
  const std::shared_ptr<StreamGeneration> generation = stream->generations.back();
  generation->request = request;
  for (const PartId consumer : std::set<PartId>(stream->consumers)) {
    Part& part = *parts_.at(consumer);
    auto hold = Hold(part, generation);
    if (!hold.ok()) {
      const std::string reason =
          absl::StrCat("it cannot hold the new images: ", hold.status().message());
      EndPart(consumer, {true, reason, absl::Status(hold.status().code(), reason)}, after);
      continue;
    }
    part.holds.push_back(*std::move(hold));
    Push(consumer,
         {.kind = StreamEvent::Kind::kGeneration, .ring = generation->ring, .generation = number},
         after);
  }
  return number;
}

// `retired(number)` says whether a generation is.
template <typename Retired>
void StreamBroker::RetireThose(Stream& stream, Retired retired, Aftermath& after) {
  std::set<PartId> parts = stream.consumers;
  parts.insert(stream.producer);
  for (const PartId each : parts) {
    Part& part = *parts_.at(each);
    std::erase_if(part.events, [&](const StreamEvent& event) {
      return event.kind == StreamEvent::Kind::kGeneration && retired(event.generation);
    });
    for (RingHold& hold : part.holds)
      if (retired(hold.generation->number)) after.Free(std::exchange(hold, {}));
    std::erase_if(part.holds, [](const RingHold& hold) { return hold.generation == nullptr; });
  }
  std::erase_if(stream.generations,
                [&](const auto& generation) { return retired(generation->number); });
}

absl::Status StreamBroker::Retire(SessionId session, PartId id, uint32_t oldest) {
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Part* producer, FindProducer(session, id));
  // Not last_generation, which may be one that was retired by request: one must be left.
  const uint32_t newest = producer->stream->generations.back()->number;
  if (oldest > newest)
    return absl::InvalidArgumentError(
        absl::StrCat("oldest_generation is ", oldest, ", but the newest is ", newest));
  RetireThose(
      *producer->stream, [oldest](uint32_t number) { return number < oldest; }, after);
  return absl::OkStatus();
}

// Of one generation that the producer never used: `wanted(generation)` says of which.
template <typename Wanted>
absl::Status StreamBroker::RetireOne(SessionId session, PartId id, Wanted wanted) {
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Part* producer, FindProducer(session, id));
  const auto& generations = producer->stream->generations;
  const auto found = std::find_if(generations.begin(), generations.end(),
                                  [&](const auto& generation) { return wanted(*generation); });
  if (found == generations.end()) return absl::OkStatus();
  const uint32_t unused = (*found)->number;
  if (generations.size() == 1)
    return absl::FailedPreconditionError(absl::StrCat(
        "generation ", unused, " is the only one of ", producer->stream->name,
        "; a stream has at least one that is not retired: resize it, then retire this one"));
  RetireThose(
      *producer->stream, [unused](uint32_t number) { return number == unused; }, after);
  return absl::OkStatus();
}

absl::Status StreamBroker::RetireByRequest(SessionId session, PartId id, RequestId request) {
  return RetireOne(session, id, [request](const StreamGeneration& generation) {
    return request && generation.request == request;
  });
}

absl::Status StreamBroker::RetireUnused(SessionId session, PartId id, uint32_t number) {
  return RetireOne(session, id, [number](const StreamGeneration& generation) {
    return generation.number == number;
  });
}

// ---- Consumers

absl::StatusOr<std::shared_ptr<const ConsumerLink>> StreamBroker::MakeLink(
    const std::shared_ptr<Device>& device) {
  auto link = std::make_shared<ConsumerLink>();
  VRAMD_ASSIGN_OR_RETURN(link->lane, CreateSection(stream::LaneBytes(), "vramd-lane"));
  VRAMD_ASSIGN_OR_RETURN(link->frames, stream::CreateDoorbell());
  VRAMD_ASSIGN_OR_RETURN(link->releases, stream::CreateDoorbell());
  VRAMD_ASSIGN_OR_RETURN(link->timeline, MakeTimeline(device));
  return link;
}

absl::StatusOr<OpenedStream> StreamBroker::Open(SessionId session, RequestId request,
                                                absl::string_view name,
                                                const ConsumerTerms& terms) {
  VRAMD_RETURN_IF_ERROR(CheckConsumerTerms(terms));
  VRAMD_ASSIGN_OR_RETURN(std::shared_ptr<Member> member, broker_->FindServedMember(session));
  VRAMD_ASSIGN_OR_RETURN(std::unique_ptr<Part> part, NewPart(member, request, true));
  part->terms = terms;
  if (terms.lane.limit == 0) part->terms.lane.limit = kDefaultConsumerLimit;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(part->stream, FindStream(member->peer, name));
  }
  const std::shared_ptr<Stream> stream = part->stream;
  OpenedStream opened{.name = stream->name,
                      .frames = stream->frames,
                      .terms = part->terms,
                      .producer = stream->producer_peer};
  VRAMD_ASSIGN_OR_RETURN(opened.board, DuplicateForReader(stream->board));
  VRAMD_ASSIGN_OR_RETURN(opened.link, MakeLink(stream->device));
  part->releases = opened.link->timeline;
  VRAMD_ASSIGN_OR_RETURN(part->lane_view, MappedSection::Map(opened.link->lane, stream::LaneBytes(),
                                                             SectionAccess::kReadOnly));
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(opened.part, Join(std::move(part), opened.link, after));
  opened.ring = stream->generations.back()->ring;
  opened.generation = stream->generations.back()->number;
  return opened;
}

absl::StatusOr<PartId> StreamBroker::Join(std::unique_ptr<Part> part,
                                          const std::shared_ptr<const ConsumerLink>& link,
                                          Aftermath& after) {
  Stream& stream = *part->stream;
  VRAMD_RETURN_IF_ERROR(CheckInsert(*part));
  if (!stream.producer)
    return absl::NotFoundError(absl::StrCat("the stream ", stream.name, " has just ended"));
  if (part->terms.wait_when_full && !stream.allow_waiting)
    return absl::FailedPreconditionError(absl::StrCat(
        stream.name, " lets nobody make its producer wait; open it with when_full = drop"));
  if (stream.consumers.size() >= stream.consumer_limit)
    return absl::ResourceExhaustedError(
        absl::StrCat(stream.name, " has ", stream.consumers.size(), " consumers, its limit"));
  for (const auto& generation : stream.generations) {
    VRAMD_ASSIGN_OR_RETURN(RingHold hold, Hold(*part, generation));
    part->holds.push_back(std::move(hold));
    // The reply has the newest. Frames of older ones may still be about, the kept one for example.
    if (generation != stream.generations.back())
      part->events.push_back({.kind = StreamEvent::Kind::kGeneration,
                              .ring = generation->ring,
                              .generation = generation->number});
  }
  StreamEvent joined{.kind = StreamEvent::Kind::kConsumerJoined,
                     .link = link,
                     .terms = part->terms,
                     .peer = part->member->peer};
  joined.consumer = Insert(std::move(part));
  stream.consumers.insert(joined.consumer);
  const PartId id = joined.consumer;
  Push(stream.producer, std::move(joined), after);
  return id;
}

}  // namespace vramd
