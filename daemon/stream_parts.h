// The nouns of stream_broker.h: what is asked of it, what it answers, and what it tells.
#ifndef VRAMD_DAEMON_STREAM_PARTS_H_
#define VRAMD_DAEMON_STREAM_PARTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/ids.h"
#include "base/os_handle.h"
#include "base/peer.h"
#include "base/recipe.h"
#include "base/stream/lane.h"
#include "base/stream/wait.h"
#include "daemon/holding.h"
#include "driver-shim/device.h"

namespace vramd {

inline constexpr uint32_t kMinStreamImages = 2;
inline constexpr uint32_t kMaxStreamImages = 64;
inline constexpr uint32_t kDefaultMinStreamImages = 3;  // one viewer fits in
inline constexpr uint32_t kDefaultMaxStreamImages = 16;
inline constexpr uint32_t kMaxStreamConsumers = 62;
inline constexpr uint32_t kDefaultStreamConsumers = 16;
inline constexpr uint32_t kMaxConsumerLimit = 62;
inline constexpr uint32_t kDefaultConsumerLimit = 2;
inline constexpr uint32_t kMaxStreamRings = 32;  // not retired

// A ring of a fixed size, or, with count 0, one that has as many images as its consumers need,
// between min_count and max_count.
struct RingRequest {
  AllocationRequest image;  // of each
  uint32_t count = 0;
  uint32_t min_count = 0;  // 0: kDefaultMinStreamImages, or max_count if that is less
  uint32_t max_count = 0;  // 0: kDefaultMaxStreamImages, or min_count if that is more

  bool grows() const { return count == 0; }
  uint32_t floor() const;
  uint32_t ceiling() const;
};

struct StreamRequest {
  std::string name;  // application/label
  RingRequest ring;
  std::string device;           // a selector
  uint32_t consumer_limit = 0;  // 0: kDefaultStreamConsumers
  bool allow_waiting = false;
  bool keep_last = true;    // the newest frame stays for those who come late
  bool overcommit = false;  // admit consumers for whom there are too few images
  std::string label;
};

struct ConsumerTerms {
  stream::LaneTerms lane{.limit = 0};  // limit 0: kDefaultConsumerLimit
  bool wait_when_full = false;
};

// INVALID_ARGUMENT that names the field and what it may be.
absl::Status CheckRingRequest(const RingRequest& request);
absl::Status CheckStreamRequest(const StreamRequest& request);
absl::Status CheckConsumerTerms(const ConsumerTerms& terms);

// One image of a ring. Its handle is exported once and duplicated for everybody, so that no driver
// is asked when one is given out.
struct StreamImage {
  std::shared_ptr<Device> device;  // goes after the memory
  uint16_t number = 0;             // see base/stream/image_ring.h
  std::unique_ptr<DeviceMemory> memory;
  OsHandle handle;
};

// The images of one generation, or some of them, as they are at one moment.
struct StreamRing {
  std::vector<std::shared_ptr<const StreamImage>> images;

  const Recipe& recipe() const { return images.front()->memory->recipe(); }  // of each
  HoldingSize size() const { return SizeOf(images.size()); }
  // What so many images of this kind cost.
  HoldingSize SizeOf(size_t count) const;
};

// One that is not a stream's yet.
struct NewRing {
  RingRequest request;
  std::shared_ptr<const StreamRing> images;
  Holding paid;
};

// A semaphore and the handle to give out.
struct StreamTimeline {
  std::shared_ptr<Device> device;
  std::unique_ptr<DeviceTimeline> timeline;
  OsHandle handle;
};

// What joins one consumer and the producer.
struct ConsumerLink {
  OsHandle lane;
  stream::Doorbell frames;                         // the producer rings
  stream::Doorbell releases;                       // the consumer rings
  std::shared_ptr<const StreamTimeline> timeline;  // the consumer signals; null: none
};

struct CreatedStream {
  PartId part;
  std::string name;
  OsHandle board;
  std::shared_ptr<const StreamRing> ring;
  uint32_t generation = 0;
  RingRequest request;                           // of the ring
  std::shared_ptr<const StreamTimeline> frames;  // null: none
};

struct OpenedStream {
  PartId part;
  std::string name;
  OsHandle board;  // for reading
  std::shared_ptr<const ConsumerLink> link;
  std::shared_ptr<const StreamRing> ring;
  uint32_t generation = 0;
  bool grows = false;                            // the ring
  std::shared_ptr<const StreamTimeline> frames;  // null: none
  ConsumerTerms terms;                           // defaults filled in
  Peer producer;
};

struct StreamEvent {
  enum class Kind {
    kFollowing,
    kConsumerJoined,
    kConsumerLeft,
    kGeneration,
    kImagesAdded,  // to both sides: the ring has grown
    kImagesGone,   // to both sides: the producer has given images back
    kImagesKept,   // to the producer: consumers need what it wanted to give back
    kProducerLeft
  };
  Kind kind = Kind::kFollowing;
  PartId consumer;                           // kConsumer...
  std::shared_ptr<const ConsumerLink> link;  // kConsumerJoined
  ConsumerTerms terms;                       // kConsumerJoined
  Peer peer;                                 // kConsumerJoined
  std::shared_ptr<const StreamRing> ring;    // kGeneration; kImagesAdded: the new ones
  uint32_t generation = 0;                   // kGeneration, kImages...
  bool grows = false;                        // kGeneration
  std::vector<uint16_t> images;              // kImagesGone, kImagesKept: their numbers
  bool died = false;                         // k...Left
  std::string reason;                        // k...Left
};

// Who takes a part's events. Called without locks, from any thread, also after the part has ended.
class StreamFollower {
 public:
  virtual ~StreamFollower() = default;
  // There is something for NextEvent().
  virtual void Wake() = 0;
  // The part has ended. OK: by Leave().
  virtual void End(const absl::Status& why) = 0;
};

struct StreamConsumerListing {
  PartId part;
  Peer peer;
  ConsumerTerms terms;
  stream::LaneCounts counts;  // by its own and the producer's word
};

struct StreamListing {
  std::string name;
  Peer producer;
  std::string label;
  uint32_t generation = 0;
  Recipe recipe;  // of each image of the current generation
  uint32_t image_count = 0;
  bool timeline = false;
  uint64_t published = 0;
  std::vector<StreamConsumerListing> consumers;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_STREAM_PARTS_H_
