#include "daemon/front_door.h"

#include <algorithm>

#include "base/log.h"
#include "base/status_macros.h"
#include "ipc/grpc_transport.h"

namespace vramd {
namespace {

absl::StatusOr<SecretToken> TokenOf(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(kTokenMetadata);
  SecretToken token;
  if (found == metadata.end() || found->second.size() != token.size())
    return absl::UnauthenticatedError("the call carries no session token");
  std::copy_n(found->second.data(), token.size(), token.begin());
  return token;
}

}  // namespace

absl::StatusOr<Caller> FrontDoor::Authenticate(const grpc::ServerContextBase& context) const {
  VRAMD_ASSIGN_OR_RETURN(const SecretToken token, TokenOf(context));
  const std::string connection = context.peer();
  MutexLock lock(mutex_);
  const auto session = by_connection_.find(connection);
  if (session != by_connection_.end()) {
    const Entry& entry = entries_.at(session->second);
    if (EqualInConstantTime(entry.token, token)) return entry.caller;
    // Once: how often it was tried is told at the end, so that nobody fills the log.
    if (entry.wrong_tokens++ == 0)
      log::Warning("wrong_token", {{"session", entry.caller.session.value},
                                   {"peer", entry.caller.peer.Describe()}});
  }
  return absl::UnauthenticatedError("the session token does not belong to this connection");
}

absl::Status FrontDoor::Admit(const Peer& peer) { return broker_->CheckConnect(peer); }

absl::StatusOr<SecretToken> FrontDoor::Enter(SessionId session, const Peer& peer,
                                             std::shared_ptr<HandleSender> lane) {
  VRAMD_RETURN_IF_ERROR(broker_->BeginSession(session, peer));
  Entry entry{.caller = {session, peer, std::move(lane)}, .token = environment_.NewToken()};
  const SecretToken token = entry.token;
  MutexLock lock(mutex_);
  entries_.emplace(session, std::move(entry));
  return token;
}

void FrontDoor::Serve(SessionId session, OsHandle stream, std::function<void()> hung_up) {
  const std::string connection = GrpcPeerName(stream);
  {
    MutexLock lock(mutex_);
    Entry& entry = entries_.at(session);
    entry.connection = connection;
    by_connection_[connection] = session;
    log::Info("session_begin",
              {{"session", session.value}, {"peer", entry.caller.peer.Describe()}});
  }
  ServeOnStream(server_, std::move(stream), std::move(hung_up));
}

void FrontDoor::Left(SessionId session, absl::string_view why) {
  {
    MutexLock lock(mutex_);
    const auto entry = entries_.find(session);
    if (entry == entries_.end()) return;
    log::Info(
        "session_end",
        {{"session", session.value}, {"peer", entry->second.caller.peer.Describe()}, {"why", why}});
    if (entry->second.wrong_tokens > 1)
      log::Warning("wrong_tokens",
                   {{"session", session.value}, {"count", entry->second.wrong_tokens}});
    const auto connection = by_connection_.find(entry->second.connection);
    if (connection != by_connection_.end() && connection->second == session)
      by_connection_.erase(connection);
    entries_.erase(entry);
  }
  reaper_.Take(broker_->TakeSession(session));
}

void FrontDoor::Refused(const Peer& peer, const absl::Status& why) {
  log::Warning("refused", {{"peer", peer.Describe()},
                           {"code", absl::StatusCodeToString(why.code())},
                           {"why", why.message()}});
}

}  // namespace vramd
