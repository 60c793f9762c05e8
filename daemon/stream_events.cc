// What the parts of a stream are told, and how parts end.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/stream/board.h"
#include "daemon/stream_state.h"

namespace vramd {

StreamBroker::Aftermath::~Aftermath() {
  for (const auto& timeline : released_)
    if (const absl::Status status = ReleaseWaiters(*timeline->timeline); !status.ok())
      log::Warning("stream_waiters_not_released", {{"why", status.message()}});
  for (const auto& [follower, why] : ended_) follower->End(why);
  for (const auto& follower : woken_) follower->Wake();
}

// ---- How parts end

void StreamBroker::EndPart(PartId id, const Ending& how, Aftermath& after) {
  auto node = parts_.extract(id);
  if (node.empty()) return;
  std::unique_ptr<Part> part = std::move(node.mapped());
  requests_.erase({part->member->id, part->request});
  if (part->consumes)
    LeaveStream(*part, how, after);
  else
    EndStream(*part->stream, how, after);
  if (part->follower != nullptr) after.End(part->follower, how.to_follower);
  after.Free(std::move(part));
}

// The producer's part has ended. It still holds the generations, so none is freed here.
void StreamBroker::EndStream(Stream& stream, const Ending& how, Aftermath& after) {
  stream.producer = PartId();
  stream.generations.clear();
  names_.erase(stream.name);
  // A broker that stops leaves alone what runs without it.
  if (draining_) return;
  if (stream.started) broker_->StreamEnded(stream.name);
  if (how.died) after.ReleaseFrames(stream);
  for (const PartId consumer : stream.consumers)
    Push(consumer,
         {.kind = StreamEvent::Kind::kProducerLeft, .died = how.died, .reason = how.reason}, after);
}

void StreamBroker::LeaveStream(const Part& consumer, const Ending& how, Aftermath& after) {
  Stream& stream = *consumer.stream;
  stream.consumers.erase(consumer.id);
  if (draining_) return;
  after.Release(consumer.releases);
  if (!stream.producer) return;
  const bool untold =
      std::erase_if(parts_.at(stream.producer)->events, [&](const StreamEvent& event) {
        return event.kind == StreamEvent::Kind::kConsumerJoined && event.consumer == consumer.id;
      }) != 0;
  if (untold) return;
  Push(stream.producer,
       {.kind = StreamEvent::Kind::kConsumerLeft,
        .consumer = consumer.id,
        .died = how.died,
        .reason = how.reason},
       after);
}

absl::Status StreamBroker::Leave(SessionId session, PartId id) {
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_RETURN_IF_ERROR(FindPart(session, id).status());
  EndPart(id, {false, "it left", absl::OkStatus()}, after);
  return absl::OkStatus();
}

absl::Status StreamBroker::LeaveByRequest(SessionId session, RequestId request) {
  Aftermath after;
  MutexLock lock(mutex_);
  const auto found = requests_.find({session, request});
  if (found == requests_.end()) return absl::OkStatus();
  EndPart(found->second, {true, "it gave up opening", absl::OkStatus()}, after);
  return absl::OkStatus();
}

void StreamBroker::SessionEnded(SessionId session) {
  Aftermath after;
  MutexLock lock(mutex_);
  std::vector<PartId> parts;
  for (const auto& [id, part] : parts_)
    if (part->member->id == session) parts.push_back(id);
  for (const PartId part : parts)
    EndPart(part, {true, "its session ended", absl::CancelledError("the session ended")}, after);
  if (draining_) return;
  // A producer that left may have had frames on its GPU. They are done by now, or never will be.
  for (const auto& [id, part] : parts_)
    if (part->stream->producer_session == session) after.ReleaseFrames(*part->stream);
}

void StreamBroker::Draining(absl::string_view reason) {
  Aftermath after;
  MutexLock lock(mutex_);
  draining_ = true;
  for (const auto& [id, part] : parts_)
    if (part->follower != nullptr)
      after.End(std::exchange(part->follower, nullptr), absl::UnavailableError(reason));
}

// ---- What they are told

void StreamBroker::Push(PartId id, StreamEvent event, Aftermath& after) {
  Part& part = *parts_.at(id);
  part.events.push_back(std::move(event));
  if (part.follower != nullptr) after.Wake(part.follower);
}

absl::Status StreamBroker::Follow(SessionId session, PartId id,
                                  std::shared_ptr<StreamFollower> follower) {
  VRAMD_RETURN_IF_ERROR(broker_->FindServedMember(session).status());
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Part * part, FindPart(session, id));
  if (part->follower != nullptr)
    return absl::FailedPreconditionError(
        absl::StrCat("part ", id.value, " is followed already; one call does it"));
  part->events.push_front({.kind = StreamEvent::Kind::kFollowing});
  part->follower = std::move(follower);
  after.Wake(part->follower);
  return absl::OkStatus();
}

std::optional<StreamEvent> StreamBroker::NextEvent(PartId id, const StreamFollower* follower) {
  MutexLock lock(mutex_);
  const auto found = parts_.find(id);
  if (found == parts_.end() || found->second->follower.get() != follower) return std::nullopt;
  std::deque<StreamEvent>& events = found->second->events;
  if (events.empty()) return std::nullopt;
  StreamEvent event = std::move(events.front());
  events.pop_front();
  return event;
}

void StreamBroker::StopFollowing(PartId id, const StreamFollower* follower,
                                 const absl::Status& why) {
  Aftermath after;
  MutexLock lock(mutex_);
  const auto found = parts_.find(id);
  if (found == parts_.end() || found->second->follower.get() != follower) return;
  EndPart(id, {true, std::string(why.message()), why}, after);
}

// ---- Listing

StreamListing StreamBroker::MakeListing(const Stream& stream) const {
  const StreamGeneration& newest = *stream.generations.back();
  const stream::BoardReader board(static_cast<const stream::Board*>(stream.board_view.data()));
  StreamListing listing{.name = stream.name,
                        .producer = stream.producer_peer,
                        .label = stream.label,
                        .generation = newest.number,
                        .recipe = newest.ring->recipe(),
                        .image_count = static_cast<uint32_t>(newest.ring->images.size()),
                        .timeline = stream.frames != nullptr,
                        .published = board.base() + board.published()};
  for (const PartId consumer : stream.consumers) {
    const Part& part = *parts_.at(consumer);
    const auto& lane = *static_cast<const stream::Lane*>(part.lane_view.data());
    listing.consumers.push_back(
        {consumer, part.member->peer, part.terms, stream::ReadCounts(lane)});
  }
  return listing;
}

absl::StatusOr<std::vector<StreamListing>> StreamBroker::List(SessionId session,
                                                              absl::string_view prefix) const {
  VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<Member> member, broker_->FindMember(session));
  std::vector<StreamListing> listings;
  MutexLock lock(mutex_);
  for (auto entry = names_.lower_bound(std::string(prefix));
       entry != names_.end() && absl::StartsWith(entry->first, prefix); ++entry) {
    const Stream& stream = *entry->second;
    if (stream.started &&
        broker_->CheckOpen(member->peer, stream.producer_peer.user_id, stream.name).ok())
      listings.push_back(MakeListing(stream));
  }
  return listings;
}

}  // namespace vramd
