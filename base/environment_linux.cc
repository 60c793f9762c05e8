#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

#include "base/environment.h"

namespace vramd {

void Environment::SystemRandom(void* bytes, size_t size) {
  auto* next = static_cast<uint8_t*>(bytes);
  while (size > 0) {
    const ssize_t got = getrandom(next, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) std::abort();
    next += got;
    size -= static_cast<size_t>(got);
  }
}

}  // namespace vramd
