#include "daemon/reaper.h"

#include <utility>

namespace vramd {

Reaper::~Reaper() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void Reaper::Take(std::shared_ptr<void> remains) {
  MutexLock lock(mutex_);
  waiting_.push_back(std::move(remains));
  changed_.NotifyAll();
}

void Reaper::Run() {
  for (bool goes_on = true; goes_on;) {
    std::vector<std::shared_ptr<void>> taken;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stopping_) changed_.Wait(mutex_);
      taken.swap(waiting_);
      goes_on = !taken.empty();
    }
    for (auto& remains : taken) remains.reset();
  }
}

}  // namespace vramd
