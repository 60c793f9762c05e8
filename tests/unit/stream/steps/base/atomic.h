// Takes the place of base/atomic.h where the frame path is compiled for the scheduler: the same
// size and layout, but each operation is a step.
#ifndef VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_ATOMIC_H_
#define VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_ATOMIC_H_

#include <atomic>

#include "tests/unit/stream/steps/step.h"

namespace vramd {

template <typename T>
class Atomic {
 public:
  static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

  constexpr Atomic() = default;
  constexpr Atomic(T value) : value_(value) {}  // as std::atomic, on purpose not explicit
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  // The order of memory is always the strictest one, see schedule.h.
  T load(std::memory_order = std::memory_order_seq_cst) const {
    steps::Step(this, steps::Access::kRead);
    return value_.load();
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    value_.store(value);
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    return value_.exchange(value);
  }
  T fetch_add(T value, std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    return value_.fetch_add(value);
  }
  T fetch_sub(T value, std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    return value_.fetch_sub(value);
  }
  T fetch_or(T value, std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    return value_.fetch_or(value);
  }
  T fetch_and(T value, std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    return value_.fetch_and(value);
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    steps::Step(this, steps::Access::kWrite);
    return value_.compare_exchange_strong(expected, value);
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, value);
  }

  T Peek() const { return value_.load(); }  // no step

  operator T() const { return load(); }
  T operator=(T value) {
    store(value);
    return value;
  }

 private:
  std::atomic<T> value_{};
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_STREAM_STEPS_BASE_ATOMIC_H_
