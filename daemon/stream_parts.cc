#include "daemon/stream_parts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "daemon/names.h"

namespace vramd {
namespace {

absl::Status CheckRange(absl::string_view field, uint64_t value, uint64_t least, uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is ", value, "; it must be ", least, " to ", most));
}

}  // namespace

uint32_t RingRequest::floor() const {
  if (!grows()) return count;
  if (min_count != 0) return min_count;
  return max_count == 0 ? kDefaultMinStreamImages : std::min(max_count, kDefaultMinStreamImages);
}

uint32_t RingRequest::ceiling() const {
  if (!grows()) return count;
  return max_count == 0 ? std::max(min_count, kDefaultMaxStreamImages) : max_count;
}

absl::Status CheckRingRequest(const RingRequest& request) {
  if (request.image.kind != ResourceKind::kImage && request.image.kind != ResourceKind::kBuffer)
    return absl::InvalidArgumentError("a stream is made of images or buffers; set one of them");
  if (request.grows()) {
    VRAMD_RETURN_IF_ERROR(
        CheckRange("min_image_count", request.floor(), kMinStreamImages, kMaxStreamImages));
    return CheckRange("max_image_count", request.ceiling(), request.floor(), kMaxStreamImages);
  }
  if (request.min_count != 0 || request.max_count != 0)
    return absl::InvalidArgumentError(
        absl::StrCat("image_count is ", request.count,
                     ", which fixes the size of the ring; with min_image_count or max_image_count "
                     "it must be 0"));
  return CheckRange("image_count", request.count, kMinStreamImages, kMaxStreamImages);
}

absl::Status CheckStreamRequest(const StreamRequest& request) {
  VRAMD_RETURN_IF_ERROR(CheckRingRequest(request.ring));
  VRAMD_RETURN_IF_ERROR(
      CheckRange("consumer_limit", request.consumer_limit, 0, kMaxStreamConsumers));
  if (request.label.size() > kMaxLabelBytes)
    return absl::InvalidArgumentError(absl::StrCat("the label has ", request.label.size(),
                                                   " bytes; at most ", kMaxLabelBytes,
                                                   " are allowed"));
  return absl::OkStatus();
}

absl::Status CheckConsumerTerms(const ConsumerTerms& terms) {
  const bool mailbox = terms.lane.mode == stream::LaneMode::kMailbox;
  if (mailbox && terms.wait_when_full)
    return absl::InvalidArgumentError(
        "when_full is for fifo consumers; a mailbox is never full, leave it unspecified");
  if (terms.lane.limit == 0) return absl::OkStatus();
  return CheckRange("limit", terms.lane.limit, mailbox ? 2 : 1, kMaxConsumerLimit);
}

HoldingSize StreamRing::SizeOf(size_t count) const {
  return {.bytes = recipe().allocation_size * count, .allocations = count, .handles = count};
}

}  // namespace vramd
