// What the stream broker keeps: the structs behind stream_broker.h. Included by its own sources
// only.
#ifndef VRAMD_DAEMON_STREAM_STATE_H_
#define VRAMD_DAEMON_STREAM_STATE_H_

#include <algorithm>
#include <deque>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/section.h"
#include "daemon/stream_broker.h"

namespace vramd {

struct StreamGeneration {
  uint32_t number = 0;
  RequestId request;  // of the resize that made it; none: the stream began with it
  RingRequest ring_request;
  std::shared_ptr<const StreamRing> ring;  // as it is now
  uint16_t last_image = 0;                 // the highest number that an image has had
  uint32_t promised = 0;                   // images that are being made, and paid for already
  Payers payers;

  // What a consumer pays for: the ring may grow to this while it is here.
  HoldingSize reach() const {
    return ring->SizeOf(std::max<size_t>(ring_request.ceiling(), ring->images.size()));
  }
};

// One part's hold on the images of one generation.
struct RingHold {
  std::shared_ptr<StreamGeneration> generation;
  Holding paid;
};

struct StreamBroker::Stream {
  // Set once, before anybody else knows of it.
  std::string name;
  std::string label;
  Peer producer_peer;
  SessionId producer_session;
  std::shared_ptr<Device> device;
  OsHandle board;
  MappedSection board_view;  // read-only: for List()
  std::shared_ptr<const StreamTimeline> frames;
  uint32_t consumer_limit = 0;
  bool allow_waiting = false;
  bool keep_last = true;
  bool overcommit = false;
  // Under the lock:
  bool started = false;
  bool frames_released = false;  // its waiters were told not to wait any more
  PartId producer;               // none once it has left
  std::set<PartId> consumers;
  uint32_t last_generation = 0;
  std::vector<std::shared_ptr<StreamGeneration>> generations;  // not retired, the newest last
};

struct StreamBroker::Part {
  PartId id;
  RequestId request;
  std::shared_ptr<Member> member;
  Charge session_part, user_part;    // one stream, or one consumer
  Charge session_bytes, user_bytes;  // of the board, or of the lane
  std::shared_ptr<Stream> stream;
  std::vector<RingHold> holds;
  std::deque<StreamEvent> events;
  std::shared_ptr<StreamFollower> follower;
  bool consumes = false;
  // A consumer's:
  ConsumerTerms terms;
  MappedSection lane_view;  // read-only: for List()
  std::shared_ptr<const StreamTimeline> releases;
};

// How a part ends: what the other side and what its own follower is told.
struct StreamBroker::Ending {
  bool died = false;
  std::string reason;
  absl::Status to_follower;
};

// What is left to do once the lock is gone: tell followers, signal semaphores, free memory.
// Declared before the lock, so that its destructor, which does it all, runs after.
class StreamBroker::Aftermath {
 public:
  Aftermath() = default;
  ~Aftermath();
  Aftermath(const Aftermath&) = delete;
  Aftermath& operator=(const Aftermath&) = delete;

  void Wake(std::shared_ptr<StreamFollower> follower) { woken_.push_back(std::move(follower)); }
  void End(std::shared_ptr<StreamFollower> follower, absl::Status why) {
    ended_.emplace_back(std::move(follower), std::move(why));
  }
  void ReleaseFrames(Stream& stream) {
    if (stream.frames != nullptr && !std::exchange(stream.frames_released, true))
      Release(stream.frames);
  }
  void Release(std::shared_ptr<const StreamTimeline> timeline) {
    if (timeline != nullptr) released_.push_back(std::move(timeline));
  }
  void Free(std::unique_ptr<Part> part) { parts_.push_back(std::move(part)); }
  void Free(RingHold hold) { holds_.push_back(std::move(hold)); }
  void Free(std::shared_ptr<const StreamRing> ring) { rings_.push_back(std::move(ring)); }

 private:
  std::vector<std::unique_ptr<Part>> parts_;
  std::vector<RingHold> holds_;
  std::vector<std::shared_ptr<const StreamRing>> rings_;
  std::vector<std::shared_ptr<const StreamTimeline>> released_;
  std::vector<std::pair<std::shared_ptr<StreamFollower>, absl::Status>> ended_;
  std::vector<std::shared_ptr<StreamFollower>> woken_;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_STREAM_STATE_H_
