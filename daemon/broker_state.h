// What the broker keeps: the structs behind broker.h. Included by the broker's own sources only.
#ifndef VRAMD_DAEMON_BROKER_STATE_H_
#define VRAMD_DAEMON_BROKER_STATE_H_

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/broker.h"

namespace vramd {

// What one user pays for one allocation, however many of its sessions hold leases on it.
struct UserHold {
  Charge bytes;
  Charge allocation;
};

struct Broker::Allocation {
  // In this order: the memory must go before its device.
  std::shared_ptr<Device> device;
  std::unique_ptr<DeviceMemory> memory;
  AllocationId id;
  std::string owner_user_id;
  std::string label;
  // Under the broker's lock:
  uint32_t lease_count = 0;
  std::map<std::string, std::weak_ptr<UserHold>> payers;  // by user id

  const Recipe& recipe() const { return memory->recipe(); }
};

// All that a lease pays for. A session pays for each of its leases, a user once per allocation.
struct Broker::LeaseCharges {
  // Keeps the account alive, so that a user who comes back finds there what is still paid for.
  std::shared_ptr<User> user;
  Charge session_bytes;
  Charge session_allocation;
  Charge session_handle;
  Charge user_handle;
  std::shared_ptr<UserHold> user_hold;
};

struct Broker::Lease {
  LeaseId id;
  RequestId request;
  std::shared_ptr<Allocation> allocation;
  LeaseCharges charges;
  std::vector<std::string> names;  // published through this lease
};

struct Broker::User {
  explicit User(const QuotaLimits& limits) : account("user", limits) {}
  Account account;
};

struct Broker::Session {
  Session(const Peer& peer, const QuotaLimits& limits, std::shared_ptr<User> user)
      : peer(peer), user(std::move(user)), account("session", limits) {}
  Peer peer;
  std::shared_ptr<User> user;
  Account account;
  Charge user_session;
  Charge broker_session;
  uint64_t watchers = 0;
  std::unordered_map<RequestId, LeaseId> requests;
  std::map<LeaseId, std::unique_ptr<Lease>> leases;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_BROKER_STATE_H_
