// Names and watchers of the broker.
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "daemon/broker_state.h"
#include "daemon/names.h"

namespace vramd {
namespace {

BrokerEvent StreamEventOf(BrokerEvent::Kind kind, const std::string& name) {
  BrokerEvent event{.kind = kind};
  event.listing.name = name;
  return event;
}

}  // namespace

const Broker::Lease& Broker::LeaseBehind(const Name& name) const {
  return *sessions_.at(name.session)->leases.at(name.lease);
}

Listing Broker::MakeListing(const std::string& name, const Name& entry) const {
  const Allocation& allocation = *LeaseBehind(entry).allocation;
  return Listing{.name = name,
                 .allocation = allocation.id,
                 .recipe = allocation.recipe(),
                 .publisher = sessions_.at(entry.session)->peer(),
                 .label = allocation.label,
                 .lease_count = allocation.lease_count};
}

absl::StatusOr<std::string> Broker::Publish(SessionId id, LeaseId lease_id,
                                            absl::string_view name) {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
  VRAMD_ASSIGN_OR_RETURN(std::string whole, OwnName(name, session->peer()));
  const auto lease = session->leases.find(lease_id);
  if (lease == session->leases.end())
    return absl::NotFoundError(absl::StrCat("this session has no lease ", lease_id.value));
  const Allocation& allocation = *lease->second->allocation;
  // Publishing lets others open it: that is for the owner to decide.
  if (allocation.owner_user_id != session->peer().user_id)
    return absl::PermissionDeniedError(
        "the memory belongs to another user, who alone may publish it");
  if (lease->second->names.size() >= kMaxNamesPerLease)
    return absl::ResourceExhaustedError(absl::StrCat(
        "the lease has ", kMaxNamesPerLease, " names, the limit; withdraw one, or open another"));
  const auto [entry, fresh] = names_.try_emplace(whole, Name{id, lease_id});
  if (!fresh)
    return absl::AlreadyExistsError(
        absl::StrCat(whole, " is taken; withdraw it, or choose another name"));
  lease->second->names.push_back(whole);
  Tell({.kind = BrokerEvent::Kind::kPublished, .listing = MakeListing(whole, entry->second)},
       allocation.owner_user_id);
  return whole;
}

absl::Status Broker::Withdraw(SessionId id, absl::string_view name) {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Session * session, FindSession(id));
  VRAMD_ASSIGN_OR_RETURN(const std::string whole, OwnName(name, session->peer()));
  const auto found = names_.find(whole);
  if (found == names_.end() || found->second.session != id)
    return absl::NotFoundError(absl::StrCat("this session has published nothing as ", whole));
  Lease& lease = *session->leases.at(found->second.lease);
  std::erase(lease.names, whole);
  DropName(lease, whole, BrokerEvent::Kind::kWithdrawn);
  return absl::OkStatus();
}

void Broker::DropName(const Lease& lease, const std::string& name, BrokerEvent::Kind how) {
  names_.erase(name);
  BrokerEvent event{.kind = how};
  event.listing.name = name;
  event.listing.allocation = lease.allocation->id;
  Tell(event, lease.allocation->owner_user_id);
}

absl::StatusOr<std::vector<Listing>> Broker::List(SessionId id, absl::string_view prefix) const {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(const Session* session, FindSession(id));
  return ListFor(*session, prefix);
}

std::vector<Listing> Broker::ListFor(const Session& session, absl::string_view prefix) const {
  std::vector<Listing> listings;
  for (auto entry = names_.lower_bound(std::string(prefix));
       entry != names_.end() && absl::StartsWith(entry->first, prefix); ++entry) {
    const std::string& owner = LeaseBehind(entry->second).allocation->owner_user_id;
    if (policy_.CheckOpen(session.peer(), owner, entry->first).ok())
      listings.push_back(MakeListing(entry->first, entry->second));
  }
  return listings;
}

absl::StatusOr<WatcherId> Broker::AddWatcher(SessionId id, absl::string_view prefix,
                                             EventSink* sink) {
  MutexLock lock(mutex_);
  VRAMD_ASSIGN_OR_RETURN(Session * session, FindServedSession(id));
  if (session->watchers >= limits_.watchers_per_session)
    return absl::ResourceExhaustedError(
        absl::StrCat("this session has ", session->watchers, " watches, the limit; end one first"));
  ++session->watchers;
  const WatcherId watcher{++last_id_};
  watchers_.emplace(watcher, Watcher{id, std::string(prefix), sink});
  for (const Listing& listing : ListFor(*session, prefix))
    sink->Push({.kind = BrokerEvent::Kind::kPublished, .listing = listing});
  for (const auto& [name, owner] : streams_)
    if (absl::StartsWith(name, prefix) && policy_.CheckOpen(session->peer(), owner, name).ok())
      sink->Push(StreamEventOf(BrokerEvent::Kind::kStreamStarted, name));
  sink->Push({.kind = BrokerEvent::Kind::kCurrent});
  return watcher;
}

void Broker::RemoveWatcher(WatcherId id) {
  MutexLock lock(mutex_);
  const auto watcher = watchers_.extract(id);
  if (watcher.empty()) return;
  if (auto session = FindSession(watcher.mapped().session); session.ok()) --(*session)->watchers;
}

void Broker::Tell(const BrokerEvent& event, const std::string& owner_user_id) {
  for (const auto& [id, watcher] : watchers_) {
    if (!absl::StartsWith(event.listing.name, watcher.prefix)) continue;
    const Peer& peer = sessions_.at(watcher.session)->peer();
    if (policy_.CheckOpen(peer, owner_user_id, event.listing.name).ok()) watcher.sink->Push(event);
  }
}

void Broker::StreamStarted(const std::string& name, const std::string& owner_user_id) {
  MutexLock lock(mutex_);
  streams_.emplace(name, owner_user_id);
  Tell(StreamEventOf(BrokerEvent::Kind::kStreamStarted, name), owner_user_id);
}

void Broker::StreamEnded(const std::string& name) {
  MutexLock lock(mutex_);
  const auto stream = streams_.extract(name);
  if (stream.empty()) return;
  Tell(StreamEventOf(BrokerEvent::Kind::kStreamEnded, name), stream.mapped());
}

void Broker::TellNewPolicy(const std::string& owner_user_id, const Policy& before,
                           const BrokerEvent& shown, const BrokerEvent& hidden) {
  const std::string& name = shown.listing.name;
  for (const auto& [id, watcher] : watchers_) {
    if (!absl::StartsWith(name, watcher.prefix)) continue;
    const Peer& peer = sessions_.at(watcher.session)->peer();
    const bool was_open = before.CheckOpen(peer, owner_user_id, name).ok();
    const bool is_open = policy_.CheckOpen(peer, owner_user_id, name).ok();
    if (was_open != is_open) watcher.sink->Push(is_open ? shown : hidden);
  }
}

std::vector<SessionId> Broker::SetPolicy(Policy policy) {
  MutexLock lock(mutex_);
  std::swap(policy_, policy);
  for (const auto& [name, entry] : names_) {
    BrokerEvent shown{.kind = BrokerEvent::Kind::kPublished, .listing = MakeListing(name, entry)};
    BrokerEvent hidden = shown;
    hidden.kind = BrokerEvent::Kind::kWithdrawn;
    TellNewPolicy(LeaseBehind(entry).allocation->owner_user_id, policy, shown, hidden);
  }
  for (const auto& [name, owner] : streams_)
    TellNewPolicy(owner, policy, StreamEventOf(BrokerEvent::Kind::kStreamStarted, name),
                  StreamEventOf(BrokerEvent::Kind::kStreamEnded, name));
  std::vector<SessionId> unwanted;
  for (const auto& [id, session] : sessions_)
    if (!policy_.CheckConnect(session->peer()).ok()) unwanted.push_back(id);
  return unwanted;
}

void Broker::TellAll(const BrokerEvent& event) {
  for (const auto& [id, watcher] : watchers_) watcher.sink->Push(event);
}

void Broker::BeginDrain(absl::string_view reason) {
  const std::string words = absl::StrCat("the broker is going away: ", reason);
  {
    MutexLock lock(mutex_);
    draining_ = true;
    drain_reason_ = words;
    TellAll({.kind = BrokerEvent::Kind::kGoingAway, .reason = std::string(reason)});
  }
  if (observer_ != nullptr) observer_->Draining(words);
}

}  // namespace vramd
