#include "daemon/holding.h"

#include <array>
#include <utility>

#include "base/status_macros.h"

namespace vramd {

absl::Status Holding::ResizeBytes(uint64_t bytes) {
  VRAMD_RETURN_IF_ERROR(session_bytes.Resize(bytes));
  return user_hold->bytes.Resize(bytes);
}

absl::Status Holding::Resize(const HoldingSize& size) {
  const std::array<std::pair<Charge*, uint64_t>, 6> all = {
      {{&session_bytes, size.bytes},
       {&session_allocations, size.allocations},
       {&session_handles, size.handles},
       {&user_handles, size.handles},
       {&user_hold->bytes, size.bytes},
       {&user_hold->allocations, size.allocations}}};
  std::array<uint64_t, 6> before;
  for (size_t i = 0; i < all.size(); ++i) {
    before[i] = all[i].first->amount();
    const absl::Status status = all[i].first->Resize(all[i].second);
    if (status.ok()) continue;
    // The ones before it went up with it, or it would not have failed: going down cannot.
    while (i-- > 0) (void)all[i].first->Resize(before[i]);
    return status;
  }
  return absl::OkStatus();
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
