// Waiting for what another process does, by the names that it publishes. Nothing here polls: the
// broker tells of each change.
#ifndef EXAMPLES_COMMON_WAITING_H_
#define EXAMPLES_COMMON_WAITING_H_

#include <chrono>
#include <string>

#include "vramd/client.h"

namespace example {

using Clock = std::chrono::steady_clock;

// The next event of `watch`, whatever it is, or the reason why there is none.
inline vramd::Result<vramd::Event> NextEvent(vramd::Watch& watch, Clock::time_point deadline,
                                             const std::string& awaited) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
  if (left.count() > 0) {
    auto event = watch.Next(left);
    if (event || event.status().code() != VRAMD_DEADLINE_EXCEEDED) return event;
  }
  return vramd::Status(VRAMD_DEADLINE_EXCEEDED, "nobody has published '" + awaited + "' in time");
}

// Waits until `name` is published, then opens it. The watch begins before the first try, so that
// no name can slip in between.
inline vramd::Result<vramd::Lease> OpenWhenPublished(vramd::Client& client, const std::string& name,
                                                     std::chrono::seconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  vramd::Result<vramd::Watch> watch = client.WatchNames();
  if (!watch) return watch.status();
  while (true) {
    vramd::Result<vramd::Lease> lease = client.Open(name);
    if (lease || lease.status().code() != VRAMD_NOT_FOUND) return lease;
    const auto event = NextEvent(*watch, deadline, name);
    if (!event) return event.status();
  }
}

// Waits for the publication of a whole name, seen even if it is withdrawn at once. Make the watch
// before the other process can get that far.
inline vramd::Status WaitUntilPublished(vramd::Watch& watch, const std::string& whole_name,
                                        std::chrono::seconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (true) {
    const auto event = NextEvent(watch, deadline, whole_name);
    if (!event) return event.status();
    if (event->kind == VRAMD_EVENT_PUBLISHED && event->name == whole_name) return vramd::Status();
  }
}

// "alice/demo/tile-3", "composite" -> "alice/demo/composite"
inline std::string Sibling(const std::string& whole_name, const std::string& label) {
  return whole_name.substr(0, whole_name.rfind('/') + 1) + label;
}

}  // namespace example

#endif  // EXAMPLES_COMMON_WAITING_H_
