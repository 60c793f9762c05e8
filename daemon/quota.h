// Quotas as objects: a Charge is held by what it pays for and gives back when that ends.
//
// So nothing has to remember to subtract: a lease that goes away, for whatever reason, returns its
// bytes. A Quota that ends with charges outstanding is a bug: it is logged, and stops a debug
// build. Thread-safe.
#ifndef VRAMD_DAEMON_QUOTA_H_
#define VRAMD_DAEMON_QUOTA_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace vramd {

class Charge;

class Quota : public std::enable_shared_from_this<Quota> {
 public:
  // `name` as users see it in messages and in the configuration: "session.bytes".
  Quota(std::string name, uint64_t limit) : name_(std::move(name)), limit_(limit) {}
  ~Quota();

  // RESOURCE_EXHAUSTED names the quota, its limit, what is used and what was asked.
  absl::StatusOr<Charge> TryCharge(uint64_t amount);

  const std::string& name() const { return name_; }
  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }

 private:
  friend class Charge;
  absl::Status Take(uint64_t amount);
  void GiveBack(uint64_t amount);

  const std::string name_;
  const uint64_t limit_;
  std::atomic<uint64_t> used_ = 0;
};

class Charge {
 public:
  Charge() = default;
  Charge(Charge&& other) noexcept
      : quota_(std::move(other.quota_)), amount_(std::exchange(other.amount_, 0)) {}
  Charge& operator=(Charge&& other) noexcept;
  ~Charge() { Reset(); }

  uint64_t amount() const { return amount_; }

  // Changes what is charged. On failure the charge stays as it was.
  absl::Status Resize(uint64_t amount);

 private:
  friend class Quota;
  Charge(std::shared_ptr<Quota> quota, uint64_t amount)
      : quota_(std::move(quota)), amount_(amount) {}
  void Reset();

  std::shared_ptr<Quota> quota_;
  uint64_t amount_ = 0;
};

// Limits for one holder: a session, or a user with all its sessions.
struct QuotaLimits {
  uint64_t bytes = 0;
  uint64_t allocations = 0;
  uint64_t handles = 0;    // leases, and images of streams: each has had one handle
  uint64_t streams = 0;    // that it produces
  uint64_t consumers = 0;  // places in streams
  uint64_t sessions = 0;   // of a user; unused for a session
};

// The quotas of one holder.
struct Account {
  Account(const std::string& holder, const QuotaLimits& limits);

  std::shared_ptr<Quota> bytes;
  std::shared_ptr<Quota> allocations;
  std::shared_ptr<Quota> handles;
  std::shared_ptr<Quota> streams;
  std::shared_ptr<Quota> consumers;
  std::shared_ptr<Quota> sessions;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_QUOTA_H_
