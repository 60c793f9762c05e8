// A stream for measurements: what a broker would do, done by hand, before a fork.
#ifndef VRAMD_TESTS_BENCH_STREAM_STREAM_PARTS_H_
#define VRAMD_TESTS_BENCH_STREAM_STREAM_PARTS_H_

#include <memory>

#include "base/stream/consumer_core.h"
#include "base/stream/producer_core.h"
#include "tests/bench/stream/contender.h"

namespace vramd::bench {

// Both ends, of which each process uses one after the fork.
class BenchStream {
 public:
  BenchStream(int consumers, const stream::LaneTerms& terms);

  stream::ProducerCore& producer() { return *producer_; }
  stream::ConsumerCore& consumer(int index) { return *consumers_[index]; }

 private:
  OsHandle board_;
  std::unique_ptr<stream::ProducerCore> producer_;
  std::vector<std::unique_ptr<stream::ConsumerCore>> consumers_;
};

// A header with every field in use, 16 damage rectangles too; or with the hot line alone.
stream::FrameHeader BenchHeader(Header header);

// The next frame, waited for as told, with its header read. The caller gives it back.
stream::ConsumerFrame TakeFrame(stream::ConsumerCore& consumer, WaitBy wait);
void PublishFrame(stream::ProducerCore& producer, const stream::FrameHeader& header, WaitBy wait);

void ReleaseFrame(stream::ConsumerCore& consumer, const stream::ConsumerFrame& frame);

const char* Name(WaitBy wait);

}  // namespace vramd::bench

#endif  // VRAMD_TESTS_BENCH_STREAM_STREAM_PARTS_H_
