// What the broker says of streams and their consumers at one moment, and what two moments say of
// the time between them.
//
// The numbers come from memory that the streams' parties write: they may be anything, and fall.
// What cannot be told from them is left out.
#ifndef VRAMD_TOOLS_VRAMCTL_STREAM_LOOK_H_
#define VRAMD_TOOLS_VRAMCTL_STREAM_LOOK_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "vramd/stream.h"

namespace vramctl {

struct SeenStream {
  vramd::StreamListing stream;
  std::vector<vramd_consumer_stats> consumers;
};

struct StreamLook {
  std::chrono::steady_clock::time_point when;
  std::vector<SeenStream> streams;
};

// Streams whose whole name begins with `prefix`.
vramd::Result<StreamLook> LookAtStreams(vramd::Client& client, const std::string& prefix);

// What happened to one consumer between two looks.
struct ConsumerPace {
  vramd_consumer_stats now;
  std::optional<double> received_rate;  // in a second
  std::optional<uint64_t> dropped;
  std::optional<double> latency_us;  // the mean
};

struct StreamPace {
  vramd::StreamListing now;
  std::optional<double> published_rate;  // in a second
  std::vector<ConsumerPace> consumers;
};

// Of each stream and consumer that is there now; of a new one nothing is known but its totals.
std::vector<StreamPace> Compare(const StreamLook& before, const StreamLook& now);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_STREAM_LOOK_H_
