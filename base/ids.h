// Each id has its own type: a LeaseId cannot be passed where a SessionId is meant.
// 0 is never given out and means "none".
#ifndef VRAMD_BASE_IDS_H_
#define VRAMD_BASE_IDS_H_

#include <compare>
#include <cstdint>
#include <functional>

namespace vramd {

template <typename Tag>
struct StrongId {
  uint64_t value = 0;
  constexpr explicit operator bool() const { return value != 0; }
  friend constexpr auto operator<=>(const StrongId&, const StrongId&) = default;
};

using SessionId = StrongId<struct SessionTag>;
using AllocationId = StrongId<struct AllocationTag>;
using LeaseId = StrongId<struct LeaseTag>;
using WatcherId = StrongId<struct WatcherTag>;
using PartId = StrongId<struct PartTag>;  // one session's place in a stream

// Chosen by the client for each call that makes a lease, so that it can give back a lease whose
// reply never reached it. Unique within one session.
using RequestId = StrongId<struct RequestTag>;

}  // namespace vramd

template <typename Tag>
struct std::hash<vramd::StrongId<Tag>> {
  size_t operator()(vramd::StrongId<Tag> id) const noexcept {
    return std::hash<uint64_t>()(id.value);
  }
};

#endif  // VRAMD_BASE_IDS_H_
