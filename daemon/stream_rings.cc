// The rings of a stream: how their images are made, and how they are retired.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "daemon/stream_broker.h"
#include "daemon/stream_state.h"

namespace vramd {

// ---- Making

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

}  // namespace vramd
