// Between the structs of vramd_stream.h and the ones inside.
#ifndef VRAMD_CLIENT_SRC_STREAM_CONVERT_H_
#define VRAMD_CLIENT_SRC_STREAM_CONVERT_H_

#include "absl/status/statusor.h"
#include "base/stream/control_layout.h"
#include "client/src/stream_consumer.h"
#include "client/src/stream_producer.h"
#include "vramd/vramd_stream.h"

namespace vramd {

// INVALID_ARGUMENT names the field that does not fit; what fits but is not sound, Publish() finds.
absl::StatusOr<stream::FrameHeader> FromC(const vramd_frame_info& info);
vramd_frame_info ToC(const stream::FrameFacts& facts, const stream::FrameDetails& details);

vramd_frame ToC(const ClientFrame& frame);
stream::ConsumerFrame FromC(const vramd_frame& frame);
vramd_slot ToC(const ClientSlot& slot);

absl::StatusOr<ProducerSetup> FromC(const vramd_stream_info& info);
absl::StatusOr<v1::ResizeStreamRequest> ResizeFromC(const vramd_stream_info& info);
absl::StatusOr<ConsumerSetup> FromC(const vramd_consumer_info& info);

vramd_consumer_stats ToC(const StreamProducer::ConsumerStats& stats);
absl::StatusOr<vramd_consumer_stats> ToC(const v1::StreamConsumer& consumer);
// Without the recipe.
vramd_stream_listing ToC(const v1::StreamListing& listing);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STREAM_CONVERT_H_
