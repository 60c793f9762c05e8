// From the C interface's nanoseconds to the clocks inside, which must not overflow.
#ifndef VRAMD_CLIENT_SRC_TIME_CONVERT_H_
#define VRAMD_CLIENT_SRC_TIME_CONVERT_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace vramd {

// Longer than anybody waits for the broker, and short enough to be added to any clock's time.
inline constexpr std::chrono::milliseconds kLongestCall = std::chrono::hours(24 * 365 * 10);

// How long a call to the broker may take: whole milliseconds, rounded up; 0 stays 0.
inline std::chrono::milliseconds CallTimeout(uint64_t timeout_ns) {
  const uint64_t count = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0 ? 1 : 0);
  return std::chrono::milliseconds(
      std::min<uint64_t>(count, static_cast<uint64_t>(kLongestCall.count())));
}

// When a wait that begins `now` ends: never, for VRAMD_FOREVER and whatever the clock cannot tell.
template <typename TimePoint>
TimePoint DeadlineAfter(TimePoint now, uint64_t timeout_ns) {
  static_assert(std::is_same_v<typename TimePoint::duration, std::chrono::nanoseconds>);
  const auto most = static_cast<uint64_t>((TimePoint::max() - now).count());
  if (timeout_ns >= most) return TimePoint::max();
  return now + std::chrono::nanoseconds(timeout_ns);
}

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_TIME_CONVERT_H_
