// Time and randomness, passed in so that tests decide both.
#ifndef VRAMD_BASE_ENVIRONMENT_H_
#define VRAMD_BASE_ENVIRONMENT_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace vramd {

using Clock = std::chrono::steady_clock;
using SecretToken = std::array<uint8_t, 16>;  // 128 bits from the system's random source

struct Environment {
  std::function<Clock::time_point()> now = &Clock::now;
  // Fills `size` bytes that nobody can guess. Aborts the process if the system has no randomness.
  std::function<void(void* bytes, size_t size)> random = &SystemRandom;

  SecretToken NewToken() const {
    SecretToken token;
    random(token.data(), token.size());
    return token;
  }

  static void SystemRandom(void* bytes, size_t size);
};

// Compares without telling by its duration where the first difference is.
inline bool EqualInConstantTime(const SecretToken& a, const SecretToken& b) {
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

}  // namespace vramd

#endif  // VRAMD_BASE_ENVIRONMENT_H_
