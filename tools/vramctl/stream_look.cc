#include "tools/vramctl/stream_look.h"

#include <algorithm>
#include <cstring>

namespace vramctl {
namespace {

std::optional<uint64_t> Growth(uint64_t before, uint64_t now) {
  if (now < before) return std::nullopt;
  return now - before;
}

std::optional<double> RateOf(uint64_t before, uint64_t now, double seconds) {
  const auto growth = Growth(before, now);
  if (!growth || seconds <= 0) return std::nullopt;
  return static_cast<double>(*growth) / seconds;
}

// A stream of the same name may be another one by now.
const SeenStream* FindSame(const StreamLook& look, const vramd::StreamListing& stream) {
  for (const SeenStream& seen : look.streams)
    if (std::strcmp(seen.stream.name, stream.name) == 0 &&
        seen.stream.process_id == stream.process_id)
      return &seen;
  return nullptr;
}

ConsumerPace CompareConsumer(const SeenStream* before, const vramd_consumer_stats& now,
                             double seconds) {
  ConsumerPace pace{now};
  if (before == nullptr) return pace;
  const auto same = std::find_if(
      before->consumers.begin(), before->consumers.end(),
      [&now](const vramd_consumer_stats& other) { return other.consumer_id == now.consumer_id; });
  if (same == before->consumers.end()) return pace;
  pace.received_rate = RateOf(same->received, now.received, seconds);
  pace.dropped = Growth(same->dropped, now.dropped);
  const auto measured = Growth(same->measured, now.measured);
  const auto total = Growth(same->latency_total_ns, now.latency_total_ns);
  if (measured && total && *measured != 0)
    pace.latency_us = static_cast<double>(*total) / static_cast<double>(*measured) / 1000;
  return pace;
}

}  // namespace

vramd::Result<StreamLook> LookAtStreams(vramd::Client& client, const std::string& prefix) {
  auto streams = vramd::ListStreams(client, prefix);
  if (!streams.ok()) return streams.status();
  StreamLook look{std::chrono::steady_clock::now(), {}};
  for (const vramd::StreamListing& stream : *streams) {
    auto consumers = vramd::ListStreamConsumers(client, stream.name);
    if (consumers.status().code() == VRAMD_NOT_FOUND) continue;  // it has ended meanwhile
    if (!consumers.ok()) return consumers.status();
    look.streams.push_back({stream, *std::move(consumers)});
  }
  return look;
}

std::vector<StreamPace> Compare(const StreamLook& before, const StreamLook& now) {
  const double seconds = std::chrono::duration<double>(now.when - before.when).count();
  std::vector<StreamPace> paces;
  for (const SeenStream& seen : now.streams) {
    const SeenStream* const same = FindSame(before, seen.stream);
    StreamPace pace{seen.stream, std::nullopt, {}};
    if (same != nullptr)
      pace.published_rate = RateOf(same->stream.published, seen.stream.published, seconds);
    for (const vramd_consumer_stats& consumer : seen.consumers)
      pace.consumers.push_back(CompareConsumer(same, consumer, seconds));
    paces.push_back(std::move(pace));
  }
  return paces;
}

}  // namespace vramctl
