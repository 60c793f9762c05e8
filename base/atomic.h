// The atomic type of the words that threads or processes share without a lock.
//
// It is std::atomic. It has a name of its own so that tests can put another type in its place,
// which stops before each operation: tests/unit/stream/steps runs the code under every order of
// steps.
#ifndef VRAMD_BASE_ATOMIC_H_
#define VRAMD_BASE_ATOMIC_H_

#include <atomic>

namespace vramd {

template <typename T>
using Atomic = std::atomic<T>;

}  // namespace vramd

#endif  // VRAMD_BASE_ATOMIC_H_
