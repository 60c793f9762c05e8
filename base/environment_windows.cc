#include <windows.h>
// bcrypt.h needs windows.h before it.
#include <bcrypt.h>

#include <algorithm>
#include <cstdlib>

#include "base/environment.h"

namespace vramd {

void Environment::SystemRandom(void* bytes, size_t size) {
  auto* next = static_cast<UCHAR*>(bytes);
  while (size > 0) {
    const auto part = static_cast<ULONG>(std::min<size_t>(size, 1 << 20));
    if (BCryptGenRandom(nullptr, next, part, BCRYPT_USE_SYSTEM_PREFERRED_RNG) != 0) std::abort();
    next += part;
    size -= part;
  }
}

}  // namespace vramd
