#include "daemon/quota.h"

#include <cassert>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"

namespace vramd {

Quota::~Quota() {
  if (used() == 0) return;
  log::Error("quota_leak", {{"quota", name_}, {"used", used()}});
  assert(false && "a charge outlives its quota");
}

absl::Status Quota::Take(uint64_t amount) {
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (amount > limit_ - used)
      return absl::ResourceExhaustedError(
          absl::StrCat("quota ", name_, " is ", limit_, ", ", used, " are in use and ", amount,
                       " more were asked for; release leases, or raise it in the configuration"));
    // No other memory is published with the count, so relaxed order is enough.
  } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
  return absl::OkStatus();
}

void Quota::GiveBack(uint64_t amount) { used_.fetch_sub(amount, std::memory_order_relaxed); }

absl::StatusOr<Charge> Quota::TryCharge(uint64_t amount) {
  VRAMD_RETURN_IF_ERROR(Take(amount));
  return Charge(shared_from_this(), amount);
}

Charge& Charge::operator=(Charge&& other) noexcept {
  if (this != &other) {
    Reset();
    quota_ = std::move(other.quota_);
    amount_ = std::exchange(other.amount_, 0);
  }
  return *this;
}

absl::Status Charge::Resize(uint64_t amount) {
  if (amount > amount_) VRAMD_RETURN_IF_ERROR(quota_->Take(amount - amount_));
  if (amount < amount_) quota_->GiveBack(amount_ - amount);
  amount_ = amount;
  return absl::OkStatus();
}

void Charge::Reset() {
  if (quota_ != nullptr) quota_->GiveBack(amount_);
  quota_.reset();
  amount_ = 0;
}

Account::Account(const std::string& holder, const QuotaLimits& limits)
    : bytes(std::make_shared<Quota>(holder + ".bytes", limits.bytes)),
      allocations(std::make_shared<Quota>(holder + ".allocations", limits.allocations)),
      handles(std::make_shared<Quota>(holder + ".handles", limits.handles)),
      streams(std::make_shared<Quota>(holder + ".streams", limits.streams)),
      consumers(std::make_shared<Quota>(holder + ".consumers", limits.consumers)),
      sessions(std::make_shared<Quota>(holder + ".sessions", limits.sessions)) {}

}  // namespace vramd
