#include "base/bury.h"

#include <atomic>
#include <utility>

namespace vramd {
namespace {

struct Grave {
  std::shared_ptr<void> dead;
  Grave* next;
};

// Reachable, so that it is no leak to a checker. No lock: a fork may have left it locked.
std::atomic<Grave*> graves{nullptr};

}  // namespace

void Bury(std::shared_ptr<void> dead) {
  auto* grave = new Grave{std::move(dead), graves.load()};
  while (!graves.compare_exchange_weak(grave->next, grave)) {
  }
}

}  // namespace vramd
