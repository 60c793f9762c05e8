#include "daemon/holding.h"

#include "base/status_macros.h"

namespace vramd {

absl::Status Holding::ResizeBytes(uint64_t bytes) {
  VRAMD_RETURN_IF_ERROR(session_bytes.Resize(bytes));
  return user_hold->bytes.Resize(bytes);
}

absl::StatusOr<Holding> PayFor(const Member& member, const HoldingSize& size, Payers* payers) {
  const Account& own = member.account;
  const Account& user = member.user->account;
  Holding holding;
  holding.user = member.user;
  VRAMD_ASSIGN_OR_RETURN(holding.session_handles, own.handles->TryCharge(size.handles));
  VRAMD_ASSIGN_OR_RETURN(holding.session_bytes, own.bytes->TryCharge(size.bytes));
  VRAMD_ASSIGN_OR_RETURN(holding.user_handles, user.handles->TryCharge(size.handles));
  if (payers == nullptr) {
    VRAMD_ASSIGN_OR_RETURN(holding.session_allocations,
                           own.allocations->TryCharge(size.allocations));
  } else if (auto paid = (*payers)[member.peer.user_id].lock(); paid != nullptr) {
    holding.user_hold = std::move(paid);
    return holding;
  }
  holding.user_hold = std::make_shared<UserHold>();
  VRAMD_ASSIGN_OR_RETURN(holding.user_hold->bytes, user.bytes->TryCharge(size.bytes));
  VRAMD_ASSIGN_OR_RETURN(holding.user_hold->allocations,
                         user.allocations->TryCharge(size.allocations));
  // At once: another session of this user may be about to pay for the same.
  if (payers != nullptr) (*payers)[member.peer.user_id] = holding.user_hold;
  return holding;
}

}  // namespace vramd
