// How many images a ring needs so that nobody in the stream can hold up anybody else.
//
//   images = what all consumers may hold + 1 to render + 1 for the newest frame
//
// A consumer holds at most LaneTerms::HoldLimit() frames: in fifo mode its limit, those that wait
// in its lane included; in mailbox mode one less, because the one in its box is not held yet. All
// boxes have the same frame, the newest: each publishing puts the new frame into every box and
// takes the older one out. So the boxes cost one image together, and it is the one that a producer
// that keeps the newest frame keeps anyway.
//
// That is enough: when the producer acquires, each image is free unless a consumer holds it, it is
// the newest frame's, or it is being rendered already. With one rendered at a time, the first two
// are at most all but one. So an image is free, whatever the consumers do, or do not do, for ever.
// docs/streams.md has the proof in full; tests/model checks it.
#ifndef VRAMD_BASE_STREAM_COMMITMENT_H_
#define VRAMD_BASE_STREAM_COMMITMENT_H_

#include <cstdint>

#include "base/stream/lane.h"

namespace vramd::stream {

class Commitment {
 public:
  explicit Commitment(bool keep_last) : newest_(keep_last ? 1 : 0) {}

  void Add(const LaneTerms& terms) {
    held_ += terms.HoldLimit();
    if (terms.mode == LaneMode::kMailbox) newest_ = 1;
  }
  uint32_t images() const { return held_ + 1 + newest_; }

 private:
  uint32_t held_ = 0;
  uint32_t newest_;
};

}  // namespace vramd::stream

#endif  // VRAMD_BASE_STREAM_COMMITMENT_H_
