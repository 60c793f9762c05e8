// What every part of the broker may know of a session: who it is, what it pays with, and when it is
// over.
//
// Broker owns the sessions. Other parts of the daemon keep things for sessions as well, each under
// a lock of its own: they hold the Member, and are told of its end as SessionObserver.
#ifndef VRAMD_DAEMON_MEMBER_H_
#define VRAMD_DAEMON_MEMBER_H_

#include <atomic>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/ids.h"
#include "base/peer.h"
#include "daemon/quota.h"

namespace vramd {

// One for all sessions of a user.
struct User {
  explicit User(const QuotaLimits& limits) : account("user", limits) {}
  const Account account;
};

struct Member {
  Member(SessionId id, const Peer& peer, const QuotaLimits& limits, std::shared_ptr<User> user)
      : id(id), peer(peer), user(std::move(user)), account("session", limits) {}

  const SessionId id;
  const Peer peer;
  const std::shared_ptr<User> user;
  const Account account;
  // Set before SessionEnded(), for good. Who adds a thing for the session looks here with its own
  // lock held: either it sees the end, or SessionEnded(), which takes that lock, finds the thing.
  std::atomic<bool> ended = false;
};

// Called on any thread, without the broker's lock, and may call the broker.
class SessionObserver {
 public:
  virtual ~SessionObserver() = default;
  virtual void SessionEnded(SessionId session) = 0;
  // The broker stops: sessions will end, but their processes live on.
  virtual void Draining(absl::string_view reason) = 0;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_MEMBER_H_
