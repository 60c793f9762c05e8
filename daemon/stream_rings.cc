// The rings of a stream: how their images are made, how they grow and shrink, and how they retire.
//
// A ring grows when a consumer joins for whom it is too small, before that consumer is let in: so
// who is let in stays in, and who is not is told at once. It shrinks when its producer has had
// images to spare for a while. The producer stops using them, then offers them; the broker, which
// alone knows who has joined meanwhile, takes those that the consumers do not need.
// base/stream/commitment.h says how many they need.
//
// A consumer pays when it joins for the largest size that the ring may have, so nobody's joining
// can cost another its place. The producer pays for what there is.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/stream/commitment.h"
#include "daemon/stream_broker.h"
#include "daemon/stream_state.h"

namespace vramd {

// ---- Making

absl::StatusOr<std::shared_ptr<StreamImage>> StreamBroker::MakeImage(
    const std::shared_ptr<Device>& device, const AllocationRequest& what) {
  auto memory = device->Allocate(what);
  if (absl::IsUnavailable(memory.status())) broker_->ReportLost(*device, memory.status());
  VRAMD_RETURN_IF_ERROR(memory.status());
  auto image = std::make_shared<StreamImage>();
  image->device = device;
  image->memory = *std::move(memory);
  VRAMD_ASSIGN_OR_RETURN(image->handle, image->memory->Export());
  return image;
}

absl::Status StreamBroker::CheckHandover(const Peer& peer, const std::string& owner_user_id,
                                         const StreamRing& ring) const {
  return broker_->CheckHandover(peer, owner_user_id, ring.images.front()->device->info(),
                                ring.recipe().handle_type);
}

absl::StatusOr<RingHold> StreamBroker::Hold(
    const Part& consumer, const std::shared_ptr<StreamGeneration>& generation) const {
  VRAMD_RETURN_IF_ERROR(CheckHandover(consumer.member->peer, consumer.stream->producer_peer.user_id,
                                      *generation->ring));
  RingHold hold{.generation = generation};
  VRAMD_ASSIGN_OR_RETURN(hold.paid,
                         PayFor(*consumer.member, generation->reach(), &generation->payers));
  return hold;
}

absl::StatusOr<NewRing> StreamBroker::MakeRingOn(const Member& member,
                                                 const std::shared_ptr<Device>& device,
                                                 const RingRequest& what, uint32_t count) {
  VRAMD_ASSIGN_OR_RETURN(const uint64_t bytes, device->SizeOf(what.image));
  NewRing made{.request = what};
  VRAMD_ASSIGN_OR_RETURN(
      made.paid,
      PayFor(member, {.bytes = bytes * count, .allocations = count, .handles = count}, nullptr));
  auto ring = std::make_shared<StreamRing>();
  for (uint16_t number = 0; number < count; ++number) {
    VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<StreamImage> image, MakeImage(device, what.image));
    image->number = number;
    ring->images.push_back(image);
  }
  VRAMD_RETURN_IF_ERROR(CheckHandover(member.peer, member.peer.user_id, *ring));
  VRAMD_RETURN_IF_ERROR(made.paid.ResizeBytes(ring->size().bytes));
  made.images = std::move(ring);
  return made;
}

uint32_t StreamBroker::AddGeneration(Part& producer, NewRing ring) {
  auto generation = std::make_shared<StreamGeneration>();
  generation->number = ++producer.stream->last_generation;
  generation->ring_request = std::move(ring.request);
  generation->ring = std::move(ring.images);
  generation->last_image = generation->ring->images.back()->number;
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
  uint32_t count = 0;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(const Part* part, FindProducer(session, id));
    VRAMD_RETURN_IF_ERROR(CheckRingCount(part->stream->generations.size()));
    VRAMD_ASSIGN_OR_RETURN(count, ImagesFor(*part->stream, what, nullptr));
    device = part->stream->device;
  }
  return MakeRingOn(*member, device, what, count);
}

absl::StatusOr<uint32_t> StreamBroker::AddRing(SessionId session, PartId id, RequestId request,
                                               NewRing ring) {
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Part * producer, FindProducer(session, id));
  const std::shared_ptr<Stream> stream = producer->stream;
  VRAMD_RETURN_IF_ERROR(CheckRingCount(stream->generations.size()));
  VRAMD_ASSIGN_OR_RETURN(const uint32_t count, ImagesFor(*stream, ring.request, nullptr));
  if (ring.images->images.size() < count)
    return absl::AbortedError("a consumer joined while the ring was made; make a larger one");
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
         {.kind = StreamEvent::Kind::kGeneration,
          .ring = generation->ring,
          .generation = number,
          .grows = generation->ring_request.grows()},
         after);
  }
  return number;
}

// ---- Growing

namespace {

std::string NoRoom(const std::string& name, const RingRequest& ring, uint32_t needed) {
  return absl::StrCat(
      "the ring of ", name, " needs ", needed,
      " images for its consumers: as many as they may hold, one to render and one for the newest "
      "frame; the producer allows ",
      ring.ceiling(), ". Ask for a lower limit, close a consumer, or raise ",
      ring.grows() ? "max_image_count" : "image_count", " in the producer");
}

// One that no image has had, and that differs from all images that there are modulo the capacity of
// a board. 0: there is none.
uint16_t NextNumber(const StreamRing& ring, uint16_t last) {
  stream::SlotSet taken = 0;
  for (const auto& image : ring.images)
    taken |= stream::Only(image->number % stream::kSlotCapacity);
  for (uint32_t number = last + 1u; number <= UINT16_MAX; ++number)
    if (!stream::Contains(taken, number % stream::kSlotCapacity))
      return static_cast<uint16_t>(number);
  return 0;
}

// So many numbers are left for a ring that must still grow when it no longer shrinks.
constexpr uint16_t kLastToShrink = UINT16_MAX - 64 * 64;

}  // namespace

// How many images the ring must have for the consumers that there are, and for one more.
absl::StatusOr<uint32_t> StreamBroker::ImagesFor(const Stream& stream, const RingRequest& ring,
                                                 const stream::LaneTerms* one_more) const {
  stream::Commitment commitment(stream.keep_last);
  for (const PartId consumer : stream.consumers) commitment.Add(parts_.at(consumer)->terms.lane);
  if (one_more != nullptr) commitment.Add(*one_more);
  if (commitment.images() > ring.ceiling() && !stream.overcommit)
    return absl::ResourceExhaustedError(NoRoom(stream.name, ring, commitment.images()));
  return std::clamp(commitment.images(), ring.floor(), ring.ceiling());
}

RingHold* StreamBroker::ProducersHold(const Stream& stream,
                                      const StreamGeneration& generation) const {
  if (!stream.producer) return nullptr;
  std::vector<RingHold>& holds = parts_.at(stream.producer)->holds;
  const auto found = std::find_if(holds.begin(), holds.end(), [&](const RingHold& hold) {
    return hold.generation.get() == &generation;
  });
  return found == holds.end() ? nullptr : &*found;
}

// What is needed, and its price, which the producer pays from now on.
absl::StatusOr<StreamBroker::Growth> StreamBroker::PlanGrowth(const Stream& stream,
                                                              const stream::LaneTerms& terms) {
  Growth growth;
  growth.generation = stream.generations.back();
  StreamGeneration& newest = *growth.generation;
  VRAMD_ASSIGN_OR_RETURN(const uint32_t wanted, ImagesFor(stream, newest.ring_request, &terms));
  const size_t have = newest.ring->images.size();
  if (have >= wanted) return growth;
  growth.count = static_cast<uint32_t>(wanted - have);
  const size_t after = have + newest.promised + growth.count;
  const absl::Status paid = ProducersHold(stream, newest)->paid.Resize(newest.ring->SizeOf(after));
  if (!paid.ok())
    return absl::ResourceExhaustedError(
        absl::StrCat("the ring of ", stream.name,
                     " has to grow for one more consumer, and its producer cannot pay for it: ",
                     paid.message()));
  newest.promised += growth.count;
  return growth;
}

absl::Status StreamBroker::Grow(const Stream& stream, const Growth& growth) {
  StreamGeneration& generation = *growth.generation;
  absl::Status made;
  std::vector<std::shared_ptr<StreamImage>> images;
  while (made.ok() && images.size() < growth.count) {
    auto image = MakeImage(stream.device, generation.ring_request.image);
    made = image.status();
    if (made.ok()) images.push_back(*std::move(image));
  }
  Aftermath after;
  MutexLock lock(mutex_);
  generation.promised -= growth.count;
  RingHold* const hold = ProducersHold(stream, generation);
  if (hold == nullptr) return made;  // retired meanwhile, or the producer has left
  const bool newest = stream.generations.back() == growth.generation;
  if (newest && !images.empty()) Append(stream, generation, std::move(images), after);
  const size_t size = generation.ring->images.size() + generation.promised;
  // Less than was paid for, or as much.
  (void)hold->paid.Resize(generation.ring->SizeOf(size));
  return made;
}

void StreamBroker::Append(const Stream& stream, StreamGeneration& generation,
                          std::vector<std::shared_ptr<StreamImage>> images, Aftermath& after) {
  auto ring = std::make_shared<StreamRing>(*generation.ring);
  auto added = std::make_shared<StreamRing>();
  for (const auto& image : images) {
    image->number = NextNumber(*ring, generation.last_image);
    if (image->number == 0) break;  // kLastToShrink keeps this from happening
    generation.last_image = image->number;
    ring->images.push_back(image);
    added->images.push_back(image);
  }
  generation.ring = std::move(ring);
  std::set<PartId> parts = stream.consumers;
  parts.insert(stream.producer);
  for (const PartId part : parts)
    Push(part,
         {.kind = StreamEvent::Kind::kImagesAdded, .ring = added, .generation = generation.number},
         after);
}

// ---- Shrinking

absl::Status StreamBroker::ReturnImages(SessionId session, PartId id, uint32_t number,
                                        const std::vector<uint16_t>& images) {
  Aftermath after;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Part* producer, FindProducer(session, id));
  const Stream& stream = *producer->stream;
  StreamGeneration& newest = *stream.generations.back();
  // Older ones go as a whole, when they are retired.
  if (newest.number != number || !newest.ring_request.grows()) return absl::OkStatus();
  const auto wanted = ImagesFor(stream, newest.ring_request, nullptr);
  size_t least = wanted.ok() ? *wanted : newest.ring_request.ceiling();
  if (newest.last_image >= kLastToShrink) least = newest.ring->images.size();
  std::vector<uint16_t> gone, kept;
  auto ring = std::make_shared<StreamRing>();
  for (const auto& image : newest.ring->images) {
    const bool returned = std::count(images.begin(), images.end(), image->number) != 0;
    const bool goes =
        returned && image->number != 0 && newest.ring->images.size() - gone.size() > least;
    if (!goes) ring->images.push_back(image);
    if (returned) (goes ? gone : kept).push_back(image->number);
  }
  after.Free(std::exchange(newest.ring, std::move(ring)));
  const size_t size = newest.ring->images.size() + newest.promised;
  (void)ProducersHold(stream, newest)->paid.Resize(newest.ring->SizeOf(size));  // less than before
  TellReturned(stream, number, gone, kept, after);
  return absl::OkStatus();
}

void StreamBroker::TellReturned(const Stream& stream, uint32_t generation,
                                const std::vector<uint16_t>& gone,
                                const std::vector<uint16_t>& kept, Aftermath& after) {
  if (!kept.empty())
    Push(stream.producer,
         {.kind = StreamEvent::Kind::kImagesKept, .generation = generation, .images = kept}, after);
  if (gone.empty()) return;
  Push(stream.producer,
       {.kind = StreamEvent::Kind::kImagesGone, .generation = generation, .images = gone}, after);
  for (const PartId consumer : stream.consumers) {
    std::vector<uint16_t> told = gone;
    ForgetUntold(*parts_.at(consumer), generation, told, after);
    if (!told.empty())
      Push(consumer,
           {.kind = StreamEvent::Kind::kImagesGone, .generation = generation, .images = told},
           after);
  }
}

// Takes images that are gone out of the events that wait. What is left in `gone` was told before.
void StreamBroker::ForgetUntold(Part& part, uint32_t generation, std::vector<uint16_t>& gone,
                                Aftermath& after) {
  for (StreamEvent& event : part.events) {
    if (event.ring == nullptr || event.generation != generation) continue;
    auto ring = std::make_shared<StreamRing>();
    for (const auto& image : event.ring->images)
      if (std::count(gone.begin(), gone.end(), image->number) == 0) ring->images.push_back(image);
    for (const auto& image : event.ring->images) std::erase(gone, image->number);
    after.Free(std::exchange(event.ring, std::move(ring)));
  }
  std::erase_if(part.events, [](const StreamEvent& event) {
    return event.kind == StreamEvent::Kind::kImagesAdded && event.ring->images.empty();
  });
}

// ---- Retiring

// `retired(number)` says whether a generation is.
template <typename Retired>
void StreamBroker::RetireThose(Stream& stream, Retired retired, Aftermath& after) {
  std::set<PartId> parts = stream.consumers;
  parts.insert(stream.producer);
  for (const PartId each : parts) {
    Part& part = *parts_.at(each);
    std::erase_if(part.events, [&](const StreamEvent& event) {
      const bool of_a_ring = event.ring != nullptr || !event.images.empty();
      return of_a_ring && retired(event.generation);
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
