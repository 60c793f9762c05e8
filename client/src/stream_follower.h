// One thread that hears what the broker tells of a part of a stream, and that gets the stream a new
// part when the broker has gone and come back.
//
// A part is what the broker calls it: the producer's or one consumer's place in a stream, known to
// one broker and gone with it. Frames need no broker, so a part whose link is broken goes on; it
// only hears of no changes.
#ifndef VRAMD_CLIENT_SRC_STREAM_FOLLOWER_H_
#define VRAMD_CLIENT_SRC_STREAM_FOLLOWER_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "client/src/link.h"
#include "vramd/v1/streams.pb.h"

namespace vramd {

struct StreamPart {
  virtual ~StreamPart() = default;

  // Says good-bye to the broker, if there is one.
  void Leave(std::chrono::milliseconds timeout);
  bool attached() const { return !link->broken(); }

  std::shared_ptr<Link> link;
  uint64_t id = 0;       // the broker's
  RequestId events;      // the handles in events belong to it
  uint32_t session = 1;  // one more for each broker that the stream has seen
};

class PartFollower {
 public:
  // What follows is called in the follower's thread.
  class Owner {
   public:
    virtual ~Owner() = default;
    // The first event is FOLLOWING. An error gives the part up.
    virtual absl::Status HandleEvent(const std::shared_ptr<StreamPart>& part,
                                     const v1::StreamEvent& event) = 0;
    // The broker lives, but has ended the part.
    virtual void HandleEnd(const std::shared_ptr<StreamPart>& part, const absl::Status& why) = 0;
    // A new part, from the broker that runs now. After any error it is asked again, until wanted()
    // is false.
    virtual absl::StatusOr<std::shared_ptr<StreamPart>> Renew() = 0;
    virtual bool wanted() = 0;
  };

  explicit PartFollower(Owner* owner) : owner_(owner) {}
  ~PartFollower() { Stop(); }

  // Returns once the first event of the part has been handled, or says why it was not.
  absl::Status Start(std::shared_ptr<StreamPart> part, std::chrono::milliseconds timeout);
  // No call to the owner runs or begins after this. Not to be called by the owner's methods.
  void Stop();
  // Ends the pause before the next attempt to renew.
  void Hurry();

 private:
  void Run(std::shared_ptr<StreamPart> part);
  absl::Status Follow(const std::shared_ptr<StreamPart>& part);
  std::shared_ptr<StreamPart> RenewUntilDone();
  bool Pause(std::chrono::milliseconds pause);
  void Settle(const absl::Status& status);

  Owner* const owner_;
  std::thread thread_;

  Mutex mutex_;
  Condition changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool hurry_ ABSL_GUARDED_BY(mutex_) = false;
  bool settled_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status first_status_ ABSL_GUARDED_BY(mutex_);
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;  // of the call that runs
};

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_STREAM_FOLLOWER_H_
