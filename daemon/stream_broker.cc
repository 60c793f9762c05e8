// How streams and parts are made. Their rings are in stream_rings.cc; how they end, and what is
// told, is in stream_events.cc.
#include "daemon/stream_broker.h"

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

// ---- Streams

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
  stream->keep_last = what.keep_last;
  stream->overcommit = what.overcommit;
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

absl::StatusOr<CreatedStream> StreamBroker::Create(SessionId session, RequestId request,
                                                   const StreamRequest& what) {
  VRAMD_RETURN_IF_ERROR(CheckStreamRequest(what));
  VRAMD_ASSIGN_OR_RETURN(std::shared_ptr<Member> member, broker_->FindServedMember(session));
  VRAMD_ASSIGN_OR_RETURN(std::unique_ptr<Part> part, NewPart(member, request, false));
  VRAMD_RETURN_IF_ERROR(MakeStream(what, *part));
  const std::shared_ptr<Stream> stream = part->stream;
  VRAMD_ASSIGN_OR_RETURN(NewRing ring,
                         MakeRingOn(*member, stream->device, what.ring, what.ring.floor()));
  CreatedStream created{
      .name = stream->name, .ring = ring.images, .request = what.ring, .frames = stream->frames};
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

// ---- Consumers

namespace {

// A stream whose ring is resized again and again while a consumer wants to join.
constexpr int kMostTurns = 16;

}  // namespace

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
  // Whatever is made without the lock, the consumers and the ring may be others afterwards.
  for (int turn = 0; turn < kMostTurns; ++turn) {
    Growth growth;
    {
      Aftermath after;
      MutexLock lock(mutex_);
      VRAMD_RETURN_IF_ERROR(CheckJoin(*part));
      // Before the ring grows for one who may not have it, or cannot pay for it.
      VRAMD_RETURN_IF_ERROR(Hold(*part, stream->generations.back()).status());
      VRAMD_ASSIGN_OR_RETURN(growth, PlanGrowth(*stream, part->terms.lane));
      if (growth.count == 0) {
        const StreamGeneration& newest = *stream->generations.back();
        opened.ring = newest.ring;
        opened.generation = newest.number;
        opened.grows = newest.ring_request.grows();
        VRAMD_ASSIGN_OR_RETURN(opened.part, Join(std::move(part), opened.link, after));
        return opened;
      }
    }
    VRAMD_RETURN_IF_ERROR(Grow(*stream, growth));
  }
  return absl::UnavailableError(
      absl::StrCat("the ring of ", stream->name, " changes too fast to join it; try again"));
}

absl::Status StreamBroker::CheckJoin(const Part& part) const {
  const Stream& stream = *part.stream;
  VRAMD_RETURN_IF_ERROR(CheckInsert(part));
  if (!stream.producer)
    return absl::NotFoundError(absl::StrCat("the stream ", stream.name, " has just ended"));
  if (part.terms.wait_when_full && !stream.allow_waiting)
    return absl::FailedPreconditionError(absl::StrCat(
        stream.name, " lets nobody make its producer wait; open it with when_full = drop"));
  if (stream.consumers.size() < stream.consumer_limit) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(stream.name, " has ", stream.consumers.size(),
                   " consumers, its limit; close one, or raise consumer_limit in the producer"));
}

absl::StatusOr<PartId> StreamBroker::Join(std::unique_ptr<Part> part,
                                          const std::shared_ptr<const ConsumerLink>& link,
                                          Aftermath& after) {
  Stream& stream = *part->stream;
  for (const auto& generation : stream.generations) {
    VRAMD_ASSIGN_OR_RETURN(RingHold hold, Hold(*part, generation));
    part->holds.push_back(std::move(hold));
    // The reply has the newest. Frames of older ones may still be about, the kept one for example.
    if (generation != stream.generations.back())
      part->events.push_back({.kind = StreamEvent::Kind::kGeneration,
                              .ring = generation->ring,
                              .generation = generation->number,
                              .grows = generation->ring_request.grows()});
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
