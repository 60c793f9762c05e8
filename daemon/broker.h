// The broker: sessions, leases, names. It decides; adapters around it parse, transport and log.
//
// Objects and who keeps whom alive:
//
//   Session --owns--> Lease --shares--> Allocation --owns--> DeviceMemory
//                       |                                        |
//                       +-- Charges (session, user)              +-- shares Device
//   name ----refers to the publisher's Lease
//
// So ending a session needs no cleaning up: its leases go, their charges and names go with them,
// and an allocation goes with its last lease. A dead client is one that ended its session.
//
// No proto, no Vulkan and no OS header here: the unit tests run on fakes in milliseconds.
//
// Thread-safety: every member may be called from several threads. Drivers are called, and memory is
// freed, without the lock.
#ifndef VRAMD_DAEMON_BROKER_H_
#define VRAMD_DAEMON_BROKER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/environment.h"
#include "base/ids.h"
#include "base/mutex.h"
#include "base/os_handle.h"
#include "base/peer.h"
#include "base/recipe.h"
#include "daemon/holding.h"
#include "daemon/member.h"
#include "daemon/policy.h"
#include "daemon/quota.h"
#include "driver-shim/device_hub.h"

namespace vramd {

struct BrokerLimits {
  QuotaLimits session{.bytes = uint64_t{8} << 30,
                      .allocations = 4096,
                      .handles = 8192,
                      .streams = 32,
                      .consumers = 64};
  QuotaLimits user{.bytes = uint64_t{16} << 30,
                   .allocations = 16384,
                   .handles = 32768,
                   .streams = 128,
                   .consumers = 512,
                   .sessions = 64};
  uint64_t sessions = 256;  // of the whole broker
  uint64_t watchers_per_session = 4;
  std::chrono::milliseconds device_wait{30000};  // for a call that comes before the GPU is open
};

// What Allocate() and Open() give: a lease and a handle for the lane.
struct Grant {
  LeaseId lease;
  AllocationId allocation;
  Recipe recipe;
  OsHandle handle;
};

struct Listing {
  std::string name;
  AllocationId allocation;
  Recipe recipe;
  Peer publisher;
  std::string label;
  uint32_t lease_count = 0;
};

struct BrokerEvent {
  enum class Kind {
    kPublished,
    kWithdrawn,
    kReleased,
    kCurrent,
    kDeviceLost,
    kGoingAway,
    kStreamStarted,
    kStreamEnded,
  };
  Kind kind = Kind::kCurrent;
  Listing listing;  // kPublished whole; kWithdrawn, kReleased: name and allocation; kStream*: name
  DeviceIdentity device;  // kDeviceLost
  std::string reason;
};

// Where a watcher's events go. Push() is called under the broker's lock, so that events come in
// order: it must return at once and must not call the broker.
class EventSink {
 public:
  virtual ~EventSink() = default;
  virtual void Push(const BrokerEvent& event) = 0;
};

struct BrokerCounts {
  uint64_t sessions = 0;
  uint64_t allocations = 0;
  uint64_t bytes = 0;
};

class Broker {
 public:
  // `devices` must outlive the broker.
  Broker(DeviceHub* devices, const BrokerLimits& limits, Policy policy,
         Environment environment = {});
  ~Broker();

  // ---- Sessions
  absl::Status CheckConnect(const Peer& peer) const;
  absl::Status BeginSession(SessionId session, const Peer& peer);
  // Ends it for everybody at once: names, leases and what counts sessions are gone on return. Its
  // memory is freed, and its streams end, with what is returned, which may take a driver's time.
  [[nodiscard]] std::shared_ptr<void> TakeSession(SessionId session);
  void EndSession(SessionId session) { (void)TakeSession(session); }

  // ---- For the other parts of the daemon that keep things for sessions
  // Before the first session begins; must outlive the last one.
  void Observe(SessionObserver* observer) { observer_ = observer; }
  // UNAUTHENTICATED if the session has ended; the second also UNAVAILABLE while draining.
  absl::StatusOr<std::shared_ptr<Member>> FindMember(SessionId session) const;
  absl::StatusOr<std::shared_ptr<Member>> FindServedMember(SessionId session) const;
  absl::Status CheckHandover(const Peer& peer, const std::string& owner_user_id,
                             const DeviceInfo& device, HandleType type) const;
  absl::Status CheckOpen(const Peer& peer, const std::string& owner_user_id,
                         absl::string_view name) const;
  // Watchers who may open the stream of that whole name hear of it.
  void StreamStarted(const std::string& name, const std::string& owner_user_id);
  void StreamEnded(const std::string& name);
  // A driver said so: nobody is sent to this device any more, and watchers hear of it.
  void ReportLost(const Device& device, const absl::Status& why);

  // ---- Leases. `request` is the client's number for the call, see ReleaseByRequest().
  absl::StatusOr<Grant> Allocate(SessionId session, RequestId request,
                                 const AllocationRequest& what, absl::string_view device,
                                 absl::string_view label);
  absl::StatusOr<Grant> OpenByName(SessionId session, RequestId request, absl::string_view name);
  absl::StatusOr<Grant> OpenById(SessionId session, RequestId request, AllocationId allocation);
  absl::Status Release(SessionId session, LeaseId lease);
  // For a call whose reply never arrived: gives back its lease if it made one.
  absl::Status ReleaseByRequest(SessionId session, RequestId request);

  // ---- Names. Publish() returns the whole name.
  absl::StatusOr<std::string> Publish(SessionId session, LeaseId lease, absl::string_view name);
  absl::Status Withdraw(SessionId session, absl::string_view name);
  absl::StatusOr<std::vector<Listing>> List(SessionId session, absl::string_view prefix) const;

  // Tells `sink` the names and streams that exist, then kCurrent, then what changes. `sink` must
  // stay valid until RemoveWatcher() has returned.
  absl::StatusOr<WatcherId> AddWatcher(SessionId session, absl::string_view prefix,
                                       EventSink* sink);
  void RemoveWatcher(WatcherId watcher);

  // ---- The whole
  // For what is asked from now on. A watcher hears of names that it may open now (kPublished) and
  // of those that it may open no more (kWithdrawn). Leases stay. Returns the sessions of those who
  // may connect no more, for the caller to end.
  std::vector<SessionId> SetPolicy(Policy policy);
  // From now on nothing new is given out; watchers hear of it.
  void BeginDrain(absl::string_view reason);
  BrokerCounts Counts() const;
  // The session's and its user's quotas, as they stand.
  std::vector<std::shared_ptr<Quota>> QuotasOf(SessionId session) const;
  DeviceHub& devices() const { return *devices_; }

 private:
  struct Allocation;
  struct Lease;
  struct Session;
  struct Remains;  // of a session
  struct Name {    // a published allocation, found through its publisher's lease
    SessionId session;
    LeaseId lease;
  };
  struct Watcher {
    SessionId session;
    std::string prefix;
    EventSink* sink;
  };

  // NOT_FOUND if the session has ended; the second also UNAVAILABLE while draining.
  absl::StatusOr<Session*> FindSession(SessionId id) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Session*> FindServedSession(SessionId id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<User> UserOf(const Peer& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::shared_ptr<Allocation>> AllocateOn(std::shared_ptr<Device> device,
                                                         const AllocationRequest& what);
  absl::StatusOr<Grant> Open(SessionId session, RequestId request,
                             std::shared_ptr<Allocation> allocation);
  absl::StatusOr<Grant> MakeLease(SessionId session, RequestId request,
                                  std::shared_ptr<Allocation> allocation, Holding holding);
  // Takes the lease and its names out. The caller destroys it after it has let go of the lock.
  std::unique_ptr<Lease> TakeLease(Session& session, LeaseId lease, BrokerEvent::Kind names_end)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropName(const Lease& lease, const std::string& name, BrokerEvent::Kind how)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  const Lease& LeaseBehind(const Name& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Listing MakeListing(const std::string& name, const Name& entry) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<Listing> ListFor(const Session& session, absl::string_view prefix) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Tell(const BrokerEvent& event, const std::string& owner_user_id)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // `shown` to whom the new policy lets open that name, `hidden` to whom only the old one did.
  void TellNewPolicy(const std::string& owner_user_id, const Policy& before,
                     const BrokerEvent& shown, const BrokerEvent& hidden)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellAll(const BrokerEvent& event) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  DeviceHub* const devices_;
  const BrokerLimits limits_;
  const Environment environment_;
  SessionObserver* observer_ = nullptr;

  mutable Mutex mutex_;
  Policy policy_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::string drain_reason_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<SessionId, std::unique_ptr<Session>> sessions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::weak_ptr<User>> users_ ABSL_GUARDED_BY(mutex_);  // by user id
  std::map<std::string, Name> names_ ABSL_GUARDED_BY(mutex_);                 // by whole name
  std::map<std::string, std::string> streams_ ABSL_GUARDED_BY(mutex_);        // owner by whole name
  std::unordered_map<AllocationId, std::weak_ptr<Allocation>> allocations_ ABSL_GUARDED_BY(mutex_);
  std::map<WatcherId, Watcher> watchers_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<Quota> all_sessions_;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_BROKER_H_
