#include "tests/unit/stream/steps/schedule.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"

namespace vramd::steps {
namespace {

// More is no progress: threads that wait for each other by looking again and again.
constexpr uint64_t kMostSteps = 100'000;

// Ends the body of a thread that can never go on.
struct GivenUp {};

thread_local Scheduler* t_scheduler = nullptr;
thread_local size_t t_self = 0;
const void* g_latest_word = nullptr;

uint64_t Mix(uint64_t a, uint64_t b) {  // SplitMix64's finaliser
  uint64_t mixed = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

bool Contains(ThreadSet set, size_t thread) { return (set >> thread & 1) != 0; }

}  // namespace

void Step(const void* word, Access access, const bool* busy) {
  if (t_scheduler != nullptr)
    t_scheduler->Step(t_self, word, access, busy);
  else
    g_latest_word = word;
}
void Note(const void* word) {
  if (t_scheduler != nullptr) t_scheduler->Note(t_self, word);
}
const void* LatestWord() { return g_latest_word; }

// ---- Threads ----------------------------------------------------------------------------------

Scheduler::Scheduler() {
  for (size_t i = 0; i < kMostThreads; ++i)
    workers_[i].thread = std::thread([this, i] { Live(i); });
}

Scheduler::~Scheduler() {
  closing_ = true;
  for (Worker& worker : workers_) worker.go.release();
  for (Worker& worker : workers_) worker.thread.join();
}

void Scheduler::Live(size_t self) {
  t_scheduler = this;
  t_self = self;
  Worker& worker = workers_[self];
  for (;;) {
    worker.go.acquire();
    if (closing_) return;
    try {
      if (!given_up_) worker.body();
    } catch (const GivenUp&) {
    }
    Finish(self);
  }
}

void Scheduler::Finish(size_t self) {
  workers_[self].done = true;
  ++step_;
  size_t left = kMostThreads;
  for (size_t i = 0; i < threads_; ++i)
    if (!workers_[i].done) left = i;
  if (left == kMostThreads) {
    over_.release();
    return;
  }
  if (!given_up_ && Ready() == 0) GiveUp("nobody can go on");
  GoTo(given_up_ ? left : Pick(self, true));
}

void Scheduler::GiveUp(const std::string& why) {
  Check(false, why);
  given_up_ = true;
}

// ---- A run ------------------------------------------------------------------------------------

void Scheduler::Begin(Choose choose, const Usages* contested, bool trace) {
  choose_ = std::move(choose);
  known_ = contested;
  trace_ = trace;
  given_up_ = false;
  step_ = 0;
  threads_ = 0;
  regions_.clear();
  unnamed_.clear();
  pasts_.clear();
  hand_overs_.clear();
  failure_.clear();
  usages_.clear();
}

void Scheduler::AddThread(std::string name, std::function<void()> body) {
  if (threads_ == kMostThreads) std::abort();
  Worker& worker = workers_[threads_];
  worker.name = std::move(name);
  worker.body = std::move(body);
  worker.done = false;
  worker.busy = nullptr;
  worker.history = Mix(0, ++threads_);
}

void Scheduler::Run() {
  GoTo(Pick(0, true));
  over_.acquire();
}

void Scheduler::GoTo(size_t next) { workers_[next].go.release(); }

ThreadSet Scheduler::Ready() const {
  ThreadSet ready = 0;
  for (size_t i = 0; i < threads_; ++i)
    if (!workers_[i].done && (workers_[i].busy == nullptr || !*workers_[i].busy))
      ready |= ThreadSet{1} << i;
  return ready;
}

uint64_t Scheduler::Position() const {
  uint64_t position = 0;
  for (size_t i = 0; i < threads_; ++i) position = Mix(position, workers_[i].history);
  return position;
}

size_t Scheduler::Pick(size_t running, bool free) {
  const size_t next = choose_({step_, Ready(), running, Position(), free});
  if (next != running || free) hand_overs_.push_back({step_, next});
  return next;
}

// Ends with this thread's turn.
void Scheduler::Step(size_t self, const void* word, Access access, const bool* busy) {
  if (given_up_) return;  // it ends, and what its destructors do is no matter
  Worker& worker = workers_[self];
  worker.busy = busy;
  const uint64_t name = NameOf(word, self);
  if (++step_ > kMostSteps) GiveUp("this takes more steps than anything should");
  const ThreadSet ready = Ready();
  if (ready == 0) GiveUp("nobody can go on");
  const bool free = !Contains(ready, self);
  if (!given_up_ && (free || MayHandOver(name))) {
    const size_t next = Pick(self, free);
    if (next != self) {
      GoTo(next);
      worker.go.acquire();
    }
  }
  if (given_up_) throw GivenUp();
  worker.busy = nullptr;
  Trace(self, word, access);
  Use(self, name, access);
}

void Scheduler::Note(size_t self, const void* word) {
  if (!given_up_) Use(self, NameOf(word, self), Access::kWrite);
}

void Scheduler::Check(bool holds, const std::string& what) {
  if (!holds && failure_.empty()) failure_ = what;
}

// ---- Words ------------------------------------------------------------------------------------

const Scheduler::Region* Scheduler::RegionOf(const void* word) const {
  const char* const at = static_cast<const char*>(word);
  for (const Region& region : regions_)
    if (at >= region.begin && at < region.begin + region.bytes) return &region;
  return nullptr;
}

void Scheduler::Name(std::string name, const void* begin, size_t bytes, Words words) {
  regions_.push_back({std::move(name), static_cast<const char*>(begin), bytes, words});
}

// The same for the same word in each run: by its object, or else by what its first user had done.
uint64_t Scheduler::NameOf(const void* word, size_t self) {
  if (const Region* const region = RegionOf(word)) {
    const auto offset = static_cast<uint64_t>(static_cast<const char*>(word) - region->begin);
    return Mix(std::hash<std::string>()(region->name), offset) << 1 |
           (region->words == Words::kData ? 1 : 0);
  }
  return unnamed_.try_emplace(word, Mix(workers_[self].history, 1) << 1).first->second;
}

bool Scheduler::MayHandOver(uint64_t name) const {
  if ((name & 1) != 0) return false;
  if (known_ == nullptr) return true;
  const auto found = known_->find(name);
  return found != known_->end() && found->second.Contested();
}

// A thread's history takes in that of the writer before, and, when it writes, of all who read
// since.
void Scheduler::Use(size_t self, uint64_t name, Access access) {
  Usage& usage = usages_[name];
  usage.users |= ThreadSet{1} << self;
  usage.written |= access == Access::kWrite;
  Past& past = pasts_[name];
  uint64_t& history = workers_[self].history;
  history = Mix(Mix(history, name), past.written);
  if (access == Access::kRead) {
    past.read += history;
    return;
  }
  history = Mix(history, past.read);
  past = {history, 0};
}

// ---- What is told -----------------------------------------------------------------------------

std::string Scheduler::Schedule() const {
  std::string schedule;
  for (const HandOver& hand_over : hand_overs_)
    absl::StrAppend(&schedule, schedule.empty() ? "" : " ", hand_over.step, ":", hand_over.to);
  return schedule;
}

std::string Scheduler::Describe() const {
  std::string text;
  for (const HandOver& hand_over : hand_overs_)
    absl::StrAppend(&text, "\n  from step ", hand_over.step, ": ", workers_[hand_over.to].name);
  return text;
}

void Scheduler::Trace(size_t self, const void* word, Access access) const {
  if (!trace_) return;
  std::cerr << step_ << " " << workers_[self].name
            << (access == Access::kRead ? " reads " : " writes ");
  const Region* const region = RegionOf(word);
  if (region == nullptr)
    std::cerr << word << "\n";
  else
    std::cerr << region->name << "+" << static_cast<const char*>(word) - region->begin << "\n";
}

}  // namespace vramd::steps
