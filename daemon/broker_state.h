// What the broker keeps: the structs behind broker.h. Included by the broker's own sources only.
#ifndef VRAMD_DAEMON_BROKER_STATE_H_
#define VRAMD_DAEMON_BROKER_STATE_H_

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/broker.h"
#include "daemon/holding.h"

namespace vramd {

struct Broker::Allocation {
  // In this order: the memory must go before its device.
  std::shared_ptr<Device> device;
  std::unique_ptr<DeviceMemory> memory;
  AllocationId id;
  std::string owner_user_id;
  std::string label;
  // Under the broker's lock:
  uint32_t lease_count = 0;
  Payers payers;

  const Recipe& recipe() const { return memory->recipe(); }
};

struct Broker::Lease {
  LeaseId id;
  RequestId request;
  std::shared_ptr<Allocation> allocation;
  Holding holding;
  std::vector<std::string> names;  // published through this lease
};

struct Broker::Session {
  explicit Session(std::shared_ptr<Member> member) : member(std::move(member)) {}
  const Peer& peer() const { return member->peer; }

  const std::shared_ptr<Member> member;
  Charge user_session;
  Charge broker_session;
  uint64_t watchers = 0;
  std::unordered_map<RequestId, LeaseId> requests;
  std::map<LeaseId, std::unique_ptr<Lease>> leases;
};

}  // namespace vramd

#endif  // VRAMD_DAEMON_BROKER_STATE_H_
