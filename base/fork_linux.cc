#include <pthread.h>

#include <atomic>

#include "base/fork.h"

namespace vramd {
namespace {

std::atomic<uint32_t> generation{0};

void CountFork() { generation.fetch_add(1, std::memory_order_relaxed); }

// When the program or the library is loaded: no thread can be in the middle of it at a fork.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, &CountFork);

}  // namespace

uint32_t ForkGeneration() { return generation.load(std::memory_order_relaxed); }

}  // namespace vramd
