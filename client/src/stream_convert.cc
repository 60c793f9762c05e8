#include "client/src/stream_convert.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/src/c_convert.h"
#include "client/src/time_convert.h"
#include "proto/convert.h"

namespace vramd {
namespace {

using stream::ClockDomain;
using stream::FrameDetails;
using stream::FrameFacts;

static_assert(VRAMD_MAX_DAMAGE == stream::kMaxDamage);
static_assert(VRAMD_APPLICATION_BYTES == stream::kApplicationBytes);
static_assert(VRAMD_MAX_STREAM_IMAGES == stream::kSlotCapacity);
static_assert(VRAMD_FRAME_HAS_CROP == stream::kHasCrop);
static_assert(VRAMD_FRAME_HAS_HDR == stream::kHasHdr);
static_assert(VRAMD_FRAME_HAS_APPLICATION == stream::kHasApplication);
static_assert(sizeof(vramd_rectangle) == sizeof(stream::Rectangle));
static_assert(sizeof(vramd_hdr_metadata) == sizeof(stream::HdrMetadata));
static_assert(sizeof(vramd_frame::header) == sizeof(FrameFacts));

// A field of the C struct that has to fit into one byte.
absl::Status Narrow(uint32_t value, const char* name, uint8_t* out) {
  if (value > 255)
    return absl::InvalidArgumentError(
        absl::StrCat(name, " is ", value, ", but must be at most 255"));
  *out = static_cast<uint8_t>(value);
  return absl::OkStatus();
}

absl::StatusOr<v1::AllocateRequest> ResourceOf(const vramd_stream_info& in) {
  if (in.kind != VRAMD_RESOURCE_IMAGE && in.kind != VRAMD_RESOURCE_BUFFER)
    return absl::InvalidArgumentError("a stream's kind is an image or a buffer");
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.kind = in.kind;
  info.buffer = in.buffer;
  info.image = in.image;
  info.intent = in.intent;
  info.handle_type = in.handle_type;
  info.device = in.device;
  info.label = in.label;
  info.next = in.next;
  return FromC(info);
}

void CopyPeer(const v1::Peer& peer, vramd_consumer_stats* out) {
  out->process_id = peer.process_id();
  CopyText(peer.user(), out->user);
  CopyText(peer.executable(), out->executable);
}

}  // namespace

absl::StatusOr<stream::FrameHeader> FromC(const vramd_frame_info& in) {
  stream::FrameHeader out;
  FrameFacts& facts = out.facts;
  if ((in.flags & ~uint32_t{stream::kKnownFrameFlags}) != 0)
    return absl::InvalidArgumentError(absl::StrCat("flags has unknown bits: ", in.flags));
  if (in.damage_count > VRAMD_MAX_DAMAGE)
    return absl::InvalidArgumentError(absl::StrCat("damage_count is ", in.damage_count,
                                                   ", but at most ", VRAMD_MAX_DAMAGE,
                                                   " rectangles fit: merge some, or give none"));
  uint8_t presentation = 0, capture = 0;
  VRAMD_RETURN_IF_ERROR(Narrow(in.presentation_clock, "presentation_clock", &presentation));
  VRAMD_RETURN_IF_ERROR(Narrow(in.capture_clock, "capture_clock", &capture));
  VRAMD_RETURN_IF_ERROR(Narrow(in.transform, "transform", &facts.transform));
  VRAMD_RETURN_IF_ERROR(Narrow(in.colour_primaries, "colour_primaries", &facts.colour_primaries));
  VRAMD_RETURN_IF_ERROR(Narrow(in.transfer_characteristics, "transfer_characteristics",
                               &facts.transfer_characteristics));
  VRAMD_RETURN_IF_ERROR(
      Narrow(in.matrix_coefficients, "matrix_coefficients", &facts.matrix_coefficients));
  facts.flags = static_cast<uint16_t>(in.flags);
  facts.timeline_value = in.timeline_value;
  facts.presentation_ns = in.presentation_ns;
  facts.capture_ns = in.capture_ns;
  facts.duration_ns = in.duration_ns;
  facts.presentation_clock = static_cast<ClockDomain>(presentation);
  facts.capture_clock = static_cast<ClockDomain>(capture);
  facts.damage_count = static_cast<uint8_t>(in.damage_count);
  facts.video_full_range = in.video_full_range ? 1 : 0;
  std::memcpy(static_cast<void*>(out.details.damage), in.damage,
              in.damage_count * sizeof(vramd_rectangle));
  std::memcpy(static_cast<void*>(&out.details.crop), &in.crop, sizeof(in.crop));
  std::memcpy(static_cast<void*>(&out.details.hdr), &in.hdr, sizeof(in.hdr));
  out.details.sdr_white_level = in.sdr_white_level;
  std::memcpy(out.details.application, in.application, sizeof(in.application));
  return out;
}

vramd_frame_info ToC(const FrameFacts& facts, const FrameDetails& details) {
  vramd_frame_info out = VRAMD_FRAME_INFO_INIT;
  out.flags = facts.flags;
  out.timeline_value = facts.timeline_value;
  out.presentation_ns = facts.presentation_ns;
  out.capture_ns = facts.capture_ns;
  out.duration_ns = facts.duration_ns;
  out.presentation_clock = static_cast<vramd_clock_domain>(facts.presentation_clock);
  out.capture_clock = static_cast<vramd_clock_domain>(facts.capture_clock);
  out.transform = facts.transform;
  out.colour_primaries = facts.colour_primaries;
  out.transfer_characteristics = facts.transfer_characteristics;
  out.matrix_coefficients = facts.matrix_coefficients;
  out.video_full_range = facts.video_full_range != 0;
  out.damage_count = facts.damage_count;
  std::memcpy(out.damage, details.damage, sizeof(out.damage));
  std::memcpy(&out.crop, &details.crop, sizeof(out.crop));
  std::memcpy(&out.hdr, &details.hdr, sizeof(out.hdr));
  out.sdr_white_level = details.sdr_white_level;
  std::memcpy(out.application, details.application, sizeof(out.application));
  return out;
}

vramd_frame ToC(const ClientFrame& in) {
  vramd_frame out = VRAMD_FRAME_INIT;
  const FrameFacts& facts = in.frame.facts;
  out.session = in.session;
  out.sequence = in.sequence;
  out.generation = in.generation;
  out.image = facts.image;
  out.timeline_value = facts.timeline_value;
  out.published_ns = facts.published_ns;
  out.presentation_ns = facts.presentation_ns;
  out.kept = in.frame.kept;
  out.slot = in.frame.slot;
  std::memcpy(out.header, &facts, sizeof(facts));
  return out;
}

stream::ConsumerFrame FromC(const vramd_frame& in) {
  stream::ConsumerFrame out;
  out.slot = in.slot;
  out.kept = in.kept;
  std::memcpy(&out.facts, in.header, sizeof(in.header));
  return out;
}

vramd_slot ToC(const ClientSlot& in) {
  // Cleared but for the waits: a kilobyte, of which most frames have none.
  vramd_slot out;
  constexpr size_t kAfterWaits = offsetof(vramd_slot, waits) + sizeof(out.waits);
  std::memset(static_cast<void*>(&out), 0, offsetof(vramd_slot, waits));
  std::memset(reinterpret_cast<char*>(&out) + kAfterWaits, 0, sizeof(out) - kAfterWaits);
  out.session = in.session;
  out.generation = in.generation;
  out.image = in.acquired.image;
  out.slot = in.acquired.slot;
  for (const stream::SlotWait& wait : in.acquired.waits)
    out.waits[out.wait_count++] = {wait.consumer.value, wait.value};
  return out;
}

absl::StatusOr<ProducerSetup> FromC(const vramd_stream_info& in) {
  if (in.name == nullptr) return absl::InvalidArgumentError("a stream needs a name");
  VRAMD_ASSIGN_OR_RETURN(v1::AllocateRequest resource, ResourceOf(in));
  ProducerSetup out;
  VRAMD_ASSIGN_OR_RETURN(*out.request.mutable_name(), TextFromC("name", in.name));
  *out.request.mutable_resource() = std::move(*resource.mutable_resource());
  out.request.set_intent(resource.intent());
  out.request.set_device(resource.device());
  out.request.set_handle_type(resource.handle_type());
  out.request.set_image_count(in.image_count);
  out.request.set_consumer_limit(in.consumer_limit);
  out.request.set_allow_waiting(in.allow_waiting);
  out.request.set_label(resource.label());
  out.request.set_min_image_count(in.min_image_count);
  out.request.set_max_image_count(in.max_image_count);
  out.request.set_forget_last(in.forget_last);
  out.request.set_overcommit(in.overcommit);
  out.request.set_memory_type_bits(resource.memory_type_bits());
  out.options.keep_last = !in.forget_last;
  out.spin = std::chrono::nanoseconds(in.spin_ns);
  out.timeout = CallTimeout(in.timeout_ns);
  return out;
}

absl::StatusOr<v1::ResizeStreamRequest> ResizeFromC(const vramd_stream_info& in) {
  VRAMD_ASSIGN_OR_RETURN(v1::AllocateRequest resource, ResourceOf(in));
  v1::ResizeStreamRequest out;
  *out.mutable_resource() = std::move(*resource.mutable_resource());
  out.set_intent(resource.intent());
  out.set_handle_type(resource.handle_type());
  out.set_image_count(in.image_count);
  out.set_min_image_count(in.min_image_count);
  out.set_max_image_count(in.max_image_count);
  out.set_memory_type_bits(resource.memory_type_bits());
  return out;
}

absl::StatusOr<ConsumerSetup> FromC(const vramd_consumer_info& in) {
  if (in.name == nullptr) return absl::InvalidArgumentError("the name of a stream is needed");
  ConsumerSetup out;
  VRAMD_ASSIGN_OR_RETURN(*out.request.mutable_name(), TextFromC("name", in.name));
  out.request.set_mode(static_cast<v1::StreamMode>(in.mode));
  out.request.set_limit(in.limit);
  if (in.mode == VRAMD_STREAM_FIFO)
    out.request.set_when_full(static_cast<v1::WhenFull>(in.when_full));
  out.spin = std::chrono::nanoseconds(in.spin_ns);
  out.timeout = CallTimeout(in.timeout_ns);
  return out;
}

vramd_consumer_stats ToC(const StreamProducer::ConsumerStats& in) {
  vramd_consumer_stats out = VRAMD_CONSUMER_STATS_INIT;
  out.mode = in.lane.mode == stream::LaneMode::kFifo ? VRAMD_STREAM_FIFO : VRAMD_STREAM_MAILBOX;
  out.consumer_id = in.lane.consumer.value;
  out.limit = in.limit;
  out.offered = in.lane.offered;
  out.dropped = in.lane.dropped;
  out.held = in.lane.held;
  CopyPeer(in.peer, &out);
  return out;
}

absl::StatusOr<vramd_consumer_stats> ToC(const v1::StreamConsumer& in) {
  vramd_consumer_stats out = VRAMD_CONSUMER_STATS_INIT;
  out.mode = static_cast<vramd_stream_mode>(in.mode());
  out.consumer_id = in.consumer_id();
  out.limit = in.limit();
  out.received = in.received();
  out.dropped = in.dropped();
  out.latency_ns = in.latency_ns();
  out.measured = in.measured();
  out.latency_total_ns = in.latency_total_ns();
  CopyPeer(in.peer(), &out);
  return out;
}

vramd_stream_listing ToC(const v1::StreamListing& in) {
  vramd_stream_listing out = VRAMD_STREAM_LISTING_INIT;
  CopyText(in.name(), out.name);
  CopyText(in.producer().user(), out.user);
  out.process_id = in.producer().process_id();
  CopyText(in.producer().executable(), out.executable);
  CopyText(in.label(), out.label);
  out.generation = in.generation();
  out.image_count = in.image_count();
  out.timeline = in.timeline();
  out.published = in.published();
  out.consumer_count = static_cast<uint32_t>(in.consumers_size());
  return out;
}

}  // namespace vramd
