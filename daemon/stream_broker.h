// The broker's side of streams: sets up the path on which frames go, tells each side of the other,
// and steps in when one of them is gone. Frames themselves never pass here.
//
//   Member --owns--> producer part --shares--> Stream (board, timeline, rings)
//                                                 |
//   Member --owns--> consumer part --shares-------+
//                         +-- its own hold on each ring, and what it pays for it
//
// A part is one session's place in a stream, and everything hangs on parts: when one ends, whether
// by Leave(), with its session or with its follower, its charges and holds end with it, and so do
// the stream's name (the producer's part) and its memory (the last part that holds it).
//
// Events wait in the part that they are for until its follower takes them. No limit is needed for
// them: a consumer that left before its producer heard of it is never told, and neither are rings
// and images that are gone before a consumer heard of them. So there are never more than two events
// for each consumer, or one for each ring and two for each image that a ring can have.
//
// No proto, no Vulkan and no OS header here. Thread-safe. Drivers are called, handles made and
// memory freed without the lock.
#ifndef VRAMD_DAEMON_STREAM_BROKER_H_
#define VRAMD_DAEMON_STREAM_BROKER_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/environment.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/os_handle.h"
#include "base/peer.h"
#include "base/stream/lane.h"
#include "daemon/broker.h"
#include "daemon/stream_parts.h"

namespace vramd {

struct RingHold;
struct StreamGeneration;

class StreamBroker final : public SessionObserver {
 public:
  // Observes `broker`, whose sessions and policy it goes by, and which must outlive it.
  StreamBroker(Broker* broker, std::chrono::milliseconds device_wait, Environment environment = {});
  ~StreamBroker() override;

  // ---- The producer's side. `request` is the client's number for the call, see LeaveByRequest().
  absl::StatusOr<CreatedStream> Create(SessionId session, RequestId request,
                                       const StreamRequest& what);
  // FAILED_PRECONDITION if the board is not sealed against writers.
  absl::Status Start(SessionId session, PartId part);
  // A ring for the stream of this part. It counts only once it is added: its handles can be given
  // to the producer before any consumer hears of it.
  absl::StatusOr<NewRing> MakeRing(SessionId session, PartId part, const RingRequest& what);
  // Returns its generation's number. A consumer that cannot pay for it loses its part. `request` is
  // the client's number for the call, see RetireByRequest().
  // ABORTED: consumers joined meanwhile for whom it is too small; make another.
  absl::StatusOr<uint32_t> AddRing(SessionId session, PartId part, RequestId request, NewRing ring);
  // The producer does without these images of a ring that grows: frees those that no consumer
  // needs, and tells of both kinds by events. Numbers that the ring does not have are ignored.
  absl::Status ReturnImages(SessionId session, PartId part, uint32_t generation,
                            const std::vector<uint16_t>& images);
  // Generations before `oldest` are in nobody's use any more.
  absl::Status Retire(SessionId session, PartId part, uint32_t oldest);
  // For a resize that failed at the client: retires the generation that it made, if it made one,
  // which the producer never used. FAILED_PRECONDITION: the stream has no other.
  absl::Status RetireByRequest(SessionId session, PartId part, RequestId request);
  // The same by its number, for a producer that was told it.
  absl::Status RetireUnused(SessionId session, PartId part, uint32_t generation);

  // ---- The consumer's side
  absl::StatusOr<OpenedStream> Open(SessionId session, RequestId request, absl::string_view name,
                                    const ConsumerTerms& terms);

  // ---- Both
  absl::Status Leave(SessionId session, PartId part);
  // For a call whose reply never arrived: ends its part if it made one.
  absl::Status LeaveByRequest(SessionId session, RequestId request);
  absl::StatusOr<std::vector<StreamListing>> List(SessionId session,
                                                  absl::string_view prefix) const;

  // ---- Events. One follower for each part.
  absl::Status Follow(SessionId session, PartId part, std::shared_ptr<StreamFollower> follower);
  // The next event for this follower, if there is one.
  std::optional<StreamEvent> NextEvent(PartId part, const StreamFollower* follower);
  // The follower is no more, or cannot deliver: its part ends with it, as if its process had died.
  void StopFollowing(PartId part, const StreamFollower* follower, const absl::Status& why);

  // ---- SessionObserver
  void SessionEnded(SessionId session) override;
  void Draining(absl::string_view reason) override;

 private:
  struct Stream;
  struct Part;
  struct Ending;
  class Aftermath;
  // Images that a ring needs for one more consumer, paid for and not made yet.
  struct Growth {
    std::shared_ptr<StreamGeneration> generation;
    uint32_t count = 0;
  };
  absl::StatusOr<std::unique_ptr<Part>> NewPart(std::shared_ptr<Member> member, RequestId request,
                                                bool consumes) const;
  absl::Status MakeStream(const StreamRequest& what, Part& producer);
  absl::StatusOr<NewRing> MakeRingOn(const Member& member, const std::shared_ptr<Device>& device,
                                     const RingRequest& what, uint32_t count);
  // May `peer` have the images that `owner_user_id` made?
  absl::Status CheckHandover(const Peer& peer, const std::string& owner_user_id,
                             const StreamRing& ring) const;
  // What a consumer has of a generation. PERMISSION_DENIED as Policy::CheckHandover() says,
  // RESOURCE_EXHAUSTED by its quota.
  absl::StatusOr<RingHold> Hold(const Part& consumer,
                                const std::shared_ptr<StreamGeneration>& generation) const;
  absl::StatusOr<std::shared_ptr<StreamImage>> MakeImage(const std::shared_ptr<Device>& device,
                                                         const AllocationRequest& what);
  absl::StatusOr<std::shared_ptr<const StreamTimeline>> MakeTimeline(
      const std::shared_ptr<Device>& device);
  absl::StatusOr<std::shared_ptr<const ConsumerLink>> MakeLink(
      const std::shared_ptr<Device>& device);

  absl::StatusOr<Part*> FindPart(SessionId session, PartId part) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Part*> FindProducer(SessionId session, PartId part) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<Stream>> FindStream(const Peer& peer, absl::string_view name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckInsert(const Part& part) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckJoin(const Part& part) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  PartId Insert(std::unique_ptr<Part> part) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<PartId> Join(std::unique_ptr<Part> part,
                              const std::shared_ptr<const ConsumerLink>& link, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  uint32_t AddGeneration(Part& producer, NewRing ring) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<uint32_t> ImagesFor(const Stream& stream, const RingRequest& ring,
                                     const stream::LaneTerms* one_more) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  RingHold* ProducersHold(const Stream& stream, const StreamGeneration& generation) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Growth> PlanGrowth(const Stream& stream, const stream::LaneTerms& terms)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Grow(const Stream& stream, const Growth& growth) ABSL_LOCKS_EXCLUDED(mutex_);
  void Append(const Stream& stream, StreamGeneration& generation,
              std::vector<std::shared_ptr<StreamImage>> images, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellReturned(const Stream& stream, uint32_t generation, const std::vector<uint16_t>& gone,
                    const std::vector<uint16_t>& kept, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static void ForgetUntold(Part& part, uint32_t generation, std::vector<uint16_t>& gone,
                           Aftermath& after);
  template <typename Wanted>
  absl::Status RetireOne(SessionId session, PartId part, Wanted wanted);
  template <typename Retired>
  void RetireThose(Stream& stream, Retired retired, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Push(PartId part, StreamEvent event, Aftermath& after) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndPart(PartId part, const Ending& how, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndStream(Stream& stream, const Ending& how, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void LeaveStream(const Part& consumer, const Ending& how, Aftermath& after)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  StreamListing MakeListing(const Stream& stream) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Broker* const broker_;
  const std::chrono::milliseconds device_wait_;
  const Environment environment_;

  mutable Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<PartId, std::unique_ptr<Part>> parts_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<SessionId, RequestId>, PartId> requests_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<Stream>> names_ ABSL_GUARDED_BY(mutex_);  // by whole name
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_STREAM_BROKER_H_
