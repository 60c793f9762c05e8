// Sessions and leases. Names and watchers are in broker_names.cc.
#include "daemon/broker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "daemon/broker_state.h"
#include "daemon/names.h"

namespace vramd {

Broker::Broker(DeviceHub* devices, const BrokerLimits& limits, Policy policy,
               Environment environment)
    : devices_(devices),
      limits_(limits),
      environment_(std::move(environment)),
      policy_(std::move(policy)),
      all_sessions_(std::make_shared<Quota>("broker.sessions", limits.sessions)) {}

Broker::~Broker() = default;

// ---- Sessions

absl::Status Broker::CheckConnect(const Peer& peer) const {
  MutexLock lock(mutex_);
  return policy_.CheckConnect(peer);
}

absl::Status Broker::BeginSession(SessionId id, const Peer& peer) {
  MutexLock lock(mutex_);
  if (draining_) return absl::UnavailableError(drain_reason_);
  VRAMD_RETURN_IF_ERROR(policy_.CheckConnect(peer));
  auto session =
      std::make_unique<Session>(std::make_shared<Member>(id, peer, limits_.session, UserOf(peer)));
  VRAMD_ASSIGN_OR_RETURN(session->broker_session, all_sessions_->TryCharge(1));
  VRAMD_ASSIGN_OR_RETURN(session->user_session,
                         session->member->user->account.sessions->TryCharge(1));
  sessions_.emplace(id, std::move(session));
  return absl::OkStatus();
}

struct Broker::Remains {
  Remains(SessionObserver* observer, SessionId session) : observer(observer), session(session) {}
  ~Remains() {
    if (observer != nullptr) observer->SessionEnded(session);
  }

  SessionObserver* const observer;
  const SessionId session;
  std::vector<std::unique_ptr<Lease>> leases;
};

std::shared_ptr<void> Broker::TakeSession(SessionId id) {
  std::unique_ptr<Session> session;  // goes after the lock
  MutexLock lock(mutex_);
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return nullptr;
  auto remains = std::make_shared<Remains>(observer_, id);
  std::erase_if(watchers_, [&](const auto& entry) { return entry.second.session == id; });
  while (!found->second->leases.empty()) {
    const LeaseId lease = found->second->leases.begin()->first;
    remains->leases.push_back(TakeLease(*found->second, lease, BrokerEvent::Kind::kReleased));
  }
  session = std::move(found->second);
  session->member->ended = true;
  sessions_.erase(found);
  return remains;
}

absl::StatusOr<std::shared_ptr<Member>> Broker::FindMember(SessionId id) const {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Session* session, FindSession(id));
  return session->member;
}

absl::StatusOr<std::shared_ptr<Member>> Broker::FindServedMember(SessionId id) const {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Session* session, FindServedSession(id));
  return session->member;
}

absl::Status Broker::CheckOpen(const Peer& peer, const std::string& owner_user_id,
                               absl::string_view name) const {
  MutexLock lock(mutex_);
  return policy_.CheckOpen(peer, owner_user_id, name);
}

absl::Status Broker::CheckHandover(const Peer& peer, const std::string& owner_user_id,
                                   const DeviceInfo& device, HandleType type) const {
  MutexLock lock(mutex_);
  return policy_.CheckHandover(peer, owner_user_id, device, type);
}

absl::StatusOr<Broker::Session*> Broker::FindSession(SessionId id) const {
  const auto found = sessions_.find(id);
  if (found == sessions_.end())
    return absl::UnauthenticatedError("this session has ended; connect again");
  return found->second.get();
}

absl::StatusOr<Broker::Session*> Broker::FindServedSession(SessionId id) const {
  if (draining_) return absl::UnavailableError(drain_reason_);
  return FindSession(id);
}

std::shared_ptr<User> Broker::UserOf(const Peer& peer) {
  std::erase_if(users_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<User>& known = users_[peer.user_id];
  std::shared_ptr<User> user = known.lock();
  if (user == nullptr) known = user = std::make_shared<User>(limits_.user);
  return user;
}

// ---- Leases

absl::StatusOr<Grant> Broker::Allocate(SessionId id, RequestId request,
                                       const AllocationRequest& what, absl::string_view selector,
                                       absl::string_view label) {
  if (label.size() > kMaxLabelBytes)
    return absl::InvalidArgumentError(absl::StrCat(
        "the label has ", label.size(), " bytes; at most ", kMaxLabelBytes, " are allowed"));
  VRAMD_ASSIGN_OR_RETURN(std::shared_ptr<Device> device,
                         devices_->Find(selector, environment_.now() + limits_.device_wait));
  VRAMD_ASSIGN_OR_RETURN(const uint64_t bytes, device->SizeOf(what));
  Holding holding;
  Peer owner;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
    VRAMD_ASSIGN_OR_RETURN(holding, PayFor(*session->member, {.bytes = bytes}, nullptr));
    owner = session->peer();
  }
  VRAMD_ASSIGN_OR_RETURN(std::shared_ptr<Allocation> allocation, AllocateOn(device, what));
  VRAMD_RETURN_IF_ERROR(CheckHandover(owner, owner.user_id, allocation->device->info(),
                                      allocation->recipe().handle_type));
  allocation->owner_user_id = owner.user_id;
  allocation->label = std::string(label);
  VRAMD_RETURN_IF_ERROR(holding.ResizeBytes(allocation->recipe().allocation_size));
  return MakeLease(id, request, std::move(allocation), std::move(holding));
}

absl::StatusOr<std::shared_ptr<Broker::Allocation>> Broker::AllocateOn(
    std::shared_ptr<Device> device, const AllocationRequest& what) {
  auto memory = device->Allocate(what);
  if (absl::IsUnavailable(memory.status())) ReportLost(*device, memory.status());
  if (!memory.ok()) return memory.status();
  auto allocation = std::make_shared<Allocation>();
  allocation->device = std::move(device);
  allocation->memory = *std::move(memory);
  // Not counted up: an id from before a restart must not name something else after it.
  environment_.random(&allocation->id.value, sizeof(allocation->id.value));
  return allocation;
}

absl::StatusOr<Grant> Broker::OpenByName(SessionId id, RequestId request, absl::string_view name) {
  std::shared_ptr<Allocation> allocation;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
    VRAMD_ASSIGN_OR_RETURN(const std::string whole, WholeName(name, session->peer()));
    const auto found = names_.find(whole);
    if (found == names_.end())
      return absl::NotFoundError(
          absl::StrCat("nothing is published as ", whole, "; see vramctl list"));
    allocation = LeaseBehind(found->second).allocation;
    VRAMD_RETURN_IF_ERROR(
        policy_.CheckOpen(session->peer(), allocation->owner_user_id, found->first));
    VRAMD_RETURN_IF_ERROR(policy_.CheckHandover(session->peer(), allocation->owner_user_id,
                                                allocation->device->info(),
                                                allocation->recipe().handle_type));
  }
  return Open(id, request, std::move(allocation));
}

absl::StatusOr<Grant> Broker::OpenById(SessionId id, RequestId request, AllocationId wanted) {
  std::shared_ptr<Allocation> allocation;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
    if (auto found = allocations_.find(wanted); found != allocations_.end())
      allocation = found->second.lock();
    // The same answer for another user's memory as for none, so that ids tell nothing.
    if (allocation == nullptr ||
        !policy_.CheckOpen(session->peer(), allocation->owner_user_id, "").ok())
      return absl::NotFoundError(absl::StrCat("this user has no allocation ", wanted.value));
  }
  return Open(id, request, std::move(allocation));
}

absl::StatusOr<Grant> Broker::Open(SessionId id, RequestId request,
                                   std::shared_ptr<Allocation> allocation) {
  Holding holding;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
    VRAMD_ASSIGN_OR_RETURN(holding,
                           PayFor(*session->member, {.bytes = allocation->recipe().allocation_size},
                                  &allocation->payers));
  }
  return MakeLease(id, request, std::move(allocation), std::move(holding));
}

absl::StatusOr<Grant> Broker::MakeLease(SessionId id, RequestId request,
                                        std::shared_ptr<Allocation> allocation, Holding holding) {
  Grant grant;
  grant.allocation = allocation->id;
  grant.recipe = allocation->recipe();
  VRAMD_ASSIGN_OR_RETURN(grant.handle, allocation->memory->Export());
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
  if (!request || session->requests.contains(request))
    return absl::InvalidArgumentError(
        absl::StrCat("request_id ", request.value, " is 0 or was used before in this session"));
  auto lease = std::make_unique<Lease>();
  lease->id = grant.lease = LeaseId{++last_id_};
  lease->request = request;
  allocation->payers[session->peer().user_id] = holding.user_hold;
  allocations_[allocation->id] = allocation;
  ++allocation->lease_count;
  lease->holding = std::move(holding);
  lease->allocation = std::move(allocation);
  session->requests.emplace(request, lease->id);
  session->leases.emplace(lease->id, std::move(lease));
  return grant;
}

std::unique_ptr<Broker::Lease> Broker::TakeLease(Session& session, LeaseId id,
                                                 BrokerEvent::Kind names_end) {
  auto node = session.leases.extract(id);
  std::unique_ptr<Lease> lease = std::move(node.mapped());
  session.requests.erase(lease->request);
  const AllocationId allocation = lease->allocation->id;
  for (const std::string& name : lease->names) DropName(*lease, name, names_end);
  if (--lease->allocation->lease_count == 0) allocations_.erase(allocation);
  return lease;
}

absl::Status Broker::Release(SessionId id, LeaseId lease) {
  std::unique_ptr<Lease> taken;
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Session * session, FindSession(id));
  if (!session->leases.contains(lease))
    return absl::NotFoundError(absl::StrCat("this session has no lease ", lease.value));
  taken = TakeLease(*session, lease, BrokerEvent::Kind::kReleased);
  return absl::OkStatus();
}

absl::Status Broker::ReleaseByRequest(SessionId id, RequestId request) {
  LeaseId lease;
  {
    MutexLock lock(mutex_);
    VRAMD_ASSIGN_OR_RETURN(Session * session, FindSession(id));
    const auto found = session->requests.find(request);
    if (found == session->requests.end()) return absl::OkStatus();
    lease = found->second;
  }
  const absl::Status released = Release(id, lease);
  return absl::IsNotFound(released) ? absl::OkStatus() : released;
}

// ---- The whole

BrokerCounts Broker::Counts() const {
  MutexLock lock(mutex_);
  BrokerCounts counts;
  counts.sessions = sessions_.size();
  for (const auto& [id, weak] : allocations_) {
    const std::shared_ptr<Allocation> allocation = weak.lock();
    if (allocation == nullptr) continue;
    ++counts.allocations;
    counts.bytes += allocation->recipe().allocation_size;
  }
  return counts;
}

std::vector<std::shared_ptr<Quota>> Broker::QuotasOf(SessionId id) const {
  MutexLock lock(mutex_);
  auto session = FindSession(id);
  if (!session.ok()) return {};
  const Account& own = (*session)->member->account;
  const Account& user = (*session)->member->user->account;
  return {own.bytes,     own.allocations, own.handles,      own.streams,
          own.consumers, user.bytes,      user.allocations, user.handles,
          user.streams,  user.consumers,  user.sessions,    all_sessions_};
}

void Broker::ReportLost(const Device& device, const absl::Status& why) {
  if (!devices_->MarkLost(device, why.message())) return;
  MutexLock lock(mutex_);
  TellAll(BrokerEvent{.kind = BrokerEvent::Kind::kDeviceLost,
                      .device = device.info().identity,
                      .reason = std::string(why.message())});
}

}  // namespace vramd
