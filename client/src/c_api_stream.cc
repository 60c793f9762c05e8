// The C interface of vramd_stream.h: checks arguments, translates, and calls the cores. No
// exception and no C++ type passes this file.
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/src/c_support.h"
#include "client/src/last_error.h"
#include "client/src/stream_convert.h"
#include "vramd/vramd_stream.h"

// One of the two.
struct vramd_stream {
  vramd::StreamProducer* producer = nullptr;
  vramd::StreamConsumer* consumer = nullptr;
  vramd::Birth birth;

  vramd::StreamStore& store() const {
    return producer != nullptr ? producer->store() : consumer->store();
  }
};

struct vramd_producer {
  std::shared_ptr<vramd::ClientCore> client;
  std::unique_ptr<vramd::StreamProducer> core;
  std::string name;
  vramd_stream stream;
  vramd::Birth birth;
};

struct vramd_consumer {
  std::shared_ptr<vramd::ClientCore> client;
  std::unique_ptr<vramd::StreamConsumer> core;
  vramd_stream stream;
  vramd::Birth birth;
};

namespace vramd {
namespace {

stream::Deadline After(uint64_t timeout_ns) {
  if (timeout_ns == 0) return stream::Deadline::min();
  return DeadlineAfter(std::chrono::steady_clock::now(), timeout_ns);
}

vramd_producer_stats PublicStats(const StreamProducer::Stats& in, uint32_t generation) {
  vramd_producer_stats out = VRAMD_PRODUCER_STATS_INIT;
  out.published = in.published;
  out.session = in.session;
  out.generation = generation;
  out.consumer_count = in.consumers;
  out.attached = in.attached;
  out.broken = in.broken;
  CopyText(in.last_broken, out.last_broken);
  return out;
}

vramd_consumer_counters PublicCounters(const StreamConsumer::Counters& in) {
  vramd_consumer_counters out = VRAMD_CONSUMER_COUNTERS_INIT;
  out.received = in.received;
  out.dropped = in.dropped;
  out.held = in.held;
  out.session = in.session;
  out.attached = in.attached;
  return out;
}

absl::StatusOr<v1::ListStreamsReply> List(vramd_client& client, const char* prefix) {
  v1::ListStreamsRequest request;
  v1::ListStreamsReply reply;
  VRAMD_ASSIGN_OR_RETURN(*request.mutable_prefix(), TextFromC("prefix", prefix));
  VRAMD_ASSIGN_OR_RETURN(const auto link, client.core->Connect());
  const auto context = link->NewContext(client.core->timeout());
  VRAMD_RETURN_IF_ERROR(link->Conclude(link->streams().List(context.get(), request, &reply)));
  return reply;
}

// The fields that a slot must have been filled with.
absl::StatusOr<vramd_slot> ReadSlot(const vramd_slot* slot) {
  VRAMD_RETURN_IF_ERROR(CheckSized(slot));
  VRAMD_RETURN_IF_ERROR(CheckTail(slot, sizeof(vramd_slot), StructName<vramd_slot>::kName));
  vramd_slot own;
  std::memcpy(&own, slot, offsetof(vramd_slot, waits));
  return own;
}

// Ends a producer or a consumer.
template <typename Side>
void Destroy(Side* side) {
  if (side == nullptr) return;
  if (!side->birth.is_here()) {
    Bury(std::move(side->core));
    Bury(std::move(side->client));
  }
  (void)RunCall([&] {
    delete side;
    return absl::OkStatus();
  });
}

absl::Status GiveFrame(absl::StatusOr<ClientFrame> next, vramd_frame* frame) {
  VRAMD_RETURN_IF_ERROR(next.status());
  WriteSized(ToC(*next), frame);
  return absl::OkStatus();
}

}  // namespace
}  // namespace vramd

using vramd::RunCall;

extern "C" {

// ---- The producer -----------------------------------------------------------------------------

vramd_result vramd_producer_create(vramd_client* client, const vramd_stream_info* info,
                                   vramd_producer** producer) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, info, producer);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const auto own, vramd::ReadSized<vramd_memory_wish>(info));
    VRAMD_ASSIGN_OR_RETURN(vramd::ProducerSetup setup, vramd::FromC(own));
    if (setup.timeout.count() == 0) setup.timeout = client->core->timeout();
    VRAMD_ASSIGN_OR_RETURN(auto core,
                           vramd::StreamProducer::Create(client->core, std::move(setup)));
    auto made = std::make_unique<vramd_producer>();
    made->client = client->core;
    made->name = core->name();
    made->stream.producer = core.get();
    made->core = std::move(core);
    *producer = made.release();
    return absl::OkStatus();
  });
}

void vramd_producer_destroy(vramd_producer* producer) { vramd::Destroy(producer); }

const char* vramd_producer_get_name(const vramd_producer* producer) {
  return producer == nullptr ? nullptr : producer->name.c_str();
}

vramd_stream* vramd_producer_get_stream(vramd_producer* producer) {
  return producer == nullptr ? nullptr : &producer->stream;
}

vramd_result vramd_producer_acquire(vramd_producer* producer, uint64_t timeout_ns,
                                    vramd_slot* slot) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer, slot);
    VRAMD_RETURN_IF_FORKED(producer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(slot));
    VRAMD_ASSIGN_OR_RETURN(const vramd::ClientSlot acquired,
                           producer->core->Acquire(vramd::After(timeout_ns)));
    vramd::WriteSized(vramd::ToC(acquired), slot);
    return absl::OkStatus();
  });
}

vramd_result vramd_producer_publish(vramd_producer* producer, const vramd_slot* slot,
                                    const vramd_frame_info* info, uint64_t* sequence) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer, slot);
    VRAMD_RETURN_IF_FORKED(producer);
    VRAMD_ASSIGN_OR_RETURN(const vramd_slot own, vramd::ReadSlot(slot));
    vramd::stream::FrameHeader header;
    if (info != nullptr) {
      VRAMD_ASSIGN_OR_RETURN(const auto told, vramd::ReadSized(info));
      VRAMD_ASSIGN_OR_RETURN(header, vramd::FromC(told));
    }
    VRAMD_ASSIGN_OR_RETURN(const uint64_t number,
                           producer->core->Publish(own.session, own.slot, header));
    if (sequence != nullptr) *sequence = number;
    return absl::OkStatus();
  });
}

vramd_result vramd_producer_abandon(vramd_producer* producer, const vramd_slot* slot) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer, slot);
    VRAMD_RETURN_IF_FORKED(producer);
    VRAMD_ASSIGN_OR_RETURN(const vramd_slot own, vramd::ReadSlot(slot));
    return producer->core->Abandon(own.session, own.slot);
  });
}

vramd_result vramd_producer_resize(vramd_producer* producer, const vramd_stream_info* info,
                                   uint64_t timeout_ns) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer, info);
    VRAMD_RETURN_IF_FORKED(producer);
    VRAMD_ASSIGN_OR_RETURN(const auto own, vramd::ReadSized<vramd_memory_wish>(info));
    VRAMD_ASSIGN_OR_RETURN(auto request, vramd::ResizeFromC(own));
    return producer->core->Resize(std::move(request), vramd::After(timeout_ns));
  });
}

vramd_result vramd_producer_end(vramd_producer* producer, vramd_end_reason reason) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer);
    VRAMD_RETURN_IF_FORKED(producer);
    if (reason != VRAMD_END_FINISHED && reason != VRAMD_END_FAILED)
      return absl::InvalidArgumentError(
          "a producer ends its stream as VRAMD_END_FINISHED or VRAMD_END_FAILED");
    return producer->core->End(static_cast<vramd::stream::EndReason>(reason));
  });
}

void vramd_producer_cancel(vramd_producer* producer) {
  if (producer != nullptr && producer->birth.is_here()) producer->core->Cancel();
}

vramd_result vramd_producer_get_stats(vramd_producer* producer, vramd_producer_stats* stats) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer, stats);
    VRAMD_RETURN_IF_FORKED(producer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(stats));
    const uint32_t generation = producer->core->store().newest();
    vramd::WriteSized(vramd::PublicStats(producer->core->GetStats(), generation), stats);
    return absl::OkStatus();
  });
}

vramd_result vramd_producer_await_consumers(vramd_producer* producer, uint32_t count,
                                            uint64_t timeout_ns) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer);
    VRAMD_RETURN_IF_FORKED(producer);
    return producer->core->AwaitConsumers(count, vramd::After(timeout_ns));
  });
}

vramd_result vramd_producer_enumerate_consumers(vramd_producer* producer, uint32_t* count,
                                                vramd_consumer_stats* consumers) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(producer, count);
    VRAMD_RETURN_IF_FORKED(producer);
    return vramd::Enumerate(producer->core->GetConsumers(), count, consumers);
  });
}

// ---- The consumer -----------------------------------------------------------------------------

vramd_result vramd_consumer_open(vramd_client* client, const vramd_consumer_info* info,
                                 vramd_consumer** consumer) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, info, consumer);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const auto own, vramd::ReadSized(info));
    VRAMD_ASSIGN_OR_RETURN(vramd::ConsumerSetup setup, vramd::FromC(own));
    if (setup.timeout.count() == 0) setup.timeout = client->core->timeout();
    VRAMD_ASSIGN_OR_RETURN(auto core, vramd::StreamConsumer::Open(client->core, std::move(setup)));
    auto made = std::make_unique<vramd_consumer>();
    made->client = client->core;
    made->stream.consumer = core.get();
    made->core = std::move(core);
    *consumer = made.release();
    return absl::OkStatus();
  });
}

void vramd_consumer_destroy(vramd_consumer* consumer) { vramd::Destroy(consumer); }

const char* vramd_consumer_get_name(const vramd_consumer* consumer) {
  return consumer == nullptr ? nullptr : consumer->core->name().c_str();
}

vramd_stream* vramd_consumer_get_stream(vramd_consumer* consumer) {
  return consumer == nullptr ? nullptr : &consumer->stream;
}

vramd_result vramd_consumer_next(vramd_consumer* consumer, uint64_t timeout_ns,
                                 vramd_frame* frame) {
  const vramd_result result = RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, frame);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(frame));
    return vramd::GiveFrame(consumer->core->Next(vramd::After(timeout_ns)), frame);
  });
  // The end has no code among gRPC's; inside, nothing but the end has this one.
  return result == VRAMD_OUT_OF_RANGE ? VRAMD_END_OF_STREAM : result;
}

vramd_result vramd_consumer_get_frame_info(vramd_consumer* consumer, const vramd_frame* frame,
                                           vramd_frame_info* info) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, frame, info);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(info));
    VRAMD_ASSIGN_OR_RETURN(const vramd_frame own, vramd::ReadSized(frame));
    const vramd::stream::ConsumerFrame inner = vramd::FromC(own);
    VRAMD_ASSIGN_OR_RETURN(const auto details, consumer->core->ReadDetails(own.session, inner));
    vramd::WriteSized(vramd::ToC(inner.facts, details), info);
    return absl::OkStatus();
  });
}

vramd_result vramd_consumer_release(vramd_consumer* consumer, const vramd_frame* frame,
                                    uint64_t timeline_value) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, frame);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_ASSIGN_OR_RETURN(const vramd_frame own, vramd::ReadSized(frame));
    return consumer->core->Release(own.session, vramd::FromC(own), timeline_value);
  });
}

vramd_result vramd_consumer_last_frame(vramd_consumer* consumer, vramd_frame* frame) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, frame);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(frame));
    return vramd::GiveFrame(consumer->core->LastFrame(), frame);
  });
}

vramd_result vramd_consumer_arm(vramd_consumer* consumer, bool* armed) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, armed);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_ASSIGN_OR_RETURN(*armed, consumer->core->Arm());
    return absl::OkStatus();
  });
}

intptr_t vramd_consumer_get_poll_handle(vramd_consumer* consumer) {
  if (consumer == nullptr || !consumer->birth.is_here()) return -1;
  return (intptr_t)consumer->core->poll_handle();
}

void vramd_consumer_cancel(vramd_consumer* consumer) {
  if (consumer != nullptr && consumer->birth.is_here()) consumer->core->Cancel();
}

vramd_result vramd_consumer_get_end(vramd_consumer* consumer, vramd_consumer_end* end) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, end);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(end));
    const vramd::StreamConsumer::End told = consumer->core->GetEnd();
    vramd_consumer_end own = VRAMD_CONSUMER_END_INIT;
    own.reason = static_cast<vramd_end_reason>(told.reason);
    vramd::CopyText(told.message, own.message);
    vramd::WriteSized(own, end);
    return absl::OkStatus();
  });
}

vramd_result vramd_consumer_get_counters(vramd_consumer* consumer,
                                         vramd_consumer_counters* counters) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(consumer, counters);
    VRAMD_RETURN_IF_FORKED(consumer);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(counters));
    vramd::WriteSized(vramd::PublicCounters(consumer->core->GetCounters()), counters);
    return absl::OkStatus();
  });
}

// ---- Images and semaphores --------------------------------------------------------------------

bool vramd_stream_uses_timeline(const vramd_stream* stream) {
  if (stream == nullptr || !stream->birth.is_here()) return false;
  return stream->producer != nullptr ? stream->producer->uses_timeline()
                                     : stream->consumer->uses_timeline();
}

void vramd_stream_get_generations(vramd_stream* stream, uint32_t* newest, uint32_t* image_count,
                                  uint32_t* oldest_in_use) {
  for (uint32_t* out : {newest, image_count, oldest_in_use})
    if (out != nullptr) *out = 0;
  if (stream == nullptr || !stream->birth.is_here()) return;
  const uint32_t number = stream->store().newest();
  if (newest != nullptr) *newest = number;
  if (image_count != nullptr) *image_count = stream->store().CountImages(number);
  if (oldest_in_use != nullptr)
    *oldest_in_use = stream->producer != nullptr ? stream->producer->oldest_in_use()
                                                 : stream->consumer->oldest_in_use();
}

vramd_result vramd_stream_enumerate_images(vramd_stream* stream, uint32_t generation,
                                           uint32_t* count, uint32_t* images) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(stream, count);
    VRAMD_RETURN_IF_FORKED(stream);
    const std::vector<uint16_t> numbers = stream->store().ListImages(generation);
    if (numbers.empty())
      return absl::NotFoundError(
          absl::StrCat("generation ", generation, " of the stream's images is not in use"));
    const auto available = static_cast<uint32_t>(numbers.size());
    *count = images == nullptr ? available : std::min(*count, available);
    if (images != nullptr) std::copy_n(numbers.begin(), *count, images);
    return absl::OkStatus();
  });
}

uint64_t vramd_stream_get_revision(const vramd_stream* stream) {
  if (stream == nullptr || !stream->birth.is_here()) return 0;
  return stream->store().revision();
}

vramd_result vramd_stream_get_image(vramd_stream* stream, uint32_t generation, uint32_t image,
                                    vramd_recipe* recipe, intptr_t* handle) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(stream, recipe);
    VRAMD_RETURN_IF_FORKED(stream);
    VRAMD_RETURN_IF_ERROR(vramd::CheckRecipe(recipe));
    VRAMD_ASSIGN_OR_RETURN(const vramd::Recipe found,
                           stream->store().FindRecipe(generation, image));
    vramd::WriteRecipe(found, recipe);
    if (handle == nullptr) return absl::OkStatus();
    VRAMD_ASSIGN_OR_RETURN(vramd::OsHandle copy,
                           stream->store().DuplicateHandle(generation, image));
    *handle = (intptr_t)copy.Release();
    return absl::OkStatus();
  });
}

vramd_result vramd_stream_get_semaphore(vramd_stream* stream, uint32_t session,
                                        uint64_t consumer_id, intptr_t* handle) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(stream);
    VRAMD_RETURN_IF_FORKED(stream);
    if (handle == nullptr) return stream->store().CheckSemaphore(session, consumer_id);
    VRAMD_ASSIGN_OR_RETURN(vramd::OsHandle copy,
                           stream->store().DuplicateSemaphore(session, consumer_id));
    *handle = (intptr_t)copy.Release();
    return absl::OkStatus();
  });
}

// ---- Looking around ---------------------------------------------------------------------------

vramd_result vramd_list_streams(vramd_client* client, const char* prefix, uint32_t* count,
                                vramd_stream_listing* streams) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, count);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const auto reply, vramd::List(*client, prefix));
    return vramd::Enumerate(reply.streams(), count, streams);
  });
}

vramd_result vramd_list_stream_consumers(vramd_client* client, const char* name, uint32_t* count,
                                         vramd_consumer_stats* consumers) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(client, name, count);
    VRAMD_RETURN_IF_FORKED(client);
    VRAMD_ASSIGN_OR_RETURN(const auto reply, vramd::List(*client, name));
    for (const vramd::v1::StreamListing& listing : reply.streams())
      if (listing.name() == name) return vramd::Enumerate(listing.consumers(), count, consumers);
    return absl::NotFoundError(absl::StrCat("there is no stream '", name, "'"));
  });
}

}  // extern "C"
