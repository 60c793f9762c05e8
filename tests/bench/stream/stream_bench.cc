// How long a frame takes from its publisher to its woken consumer, next to what the machine can do
// at best and to other ways of doing it.
//
//   stream_bench [ROUNDS [EXCHANGES [CSV_FILE]]]      default: 15 rounds of 2000 exchanges
//
// Hand-off: half of a round trip between two processes, so that nothing but one clock of one
// process is read. The contenders take turns, round after round, and a ratio is the median of the
// rounds' ratios: what else the machine does meanwhile falls on all alike.
//
// Fan-out: one producer, 1, 2 and 8 consumers. Latency is from Publish() to the consumer's return
// from Next(), one frame at a time; the rate is with up to eight frames on their way.
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "tests/bench/stream/contender.h"
#include "tests/bench/stream/copy_cost.h"
#include "tests/bench/stream/stream_parts.h"

namespace vramd::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Figures = std::vector<double>;

double Quantile(Figures figures, double fraction) {
  if (figures.empty()) return 0;
  const auto at = static_cast<ptrdiff_t>(fraction * static_cast<double>(figures.size() - 1));
  std::nth_element(figures.begin(), figures.begin() + at, figures.end());
  return figures[static_cast<size_t>(at)];
}
double Median(const Figures& figures) { return Quantile(figures, 0.5); }

double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

// The two processes of a pair sit on two processors, the same for every pair.
void PinTo(bool first) {
  cpu_set_t allowed, one;
  sched_getaffinity(0, sizeof(allowed), &allowed);
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (first && CPU_COUNT(&one) > 0) break;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
  }
  sched_setaffinity(0, sizeof(one), &one);
}

// ---- Hand-off ---------------------------------------------------------------------------------

// A contender with its other process, which sleeps in read() between rounds.
class Pair {
 public:
  explicit Pair(std::unique_ptr<Contender> contender) : contender_(std::move(contender)) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) std::abort();
    pid_ = fork();
    if (pid_ == 0) RunPong(ends);
    close(ends[0]);
    order_ = ends[1];
  }
  ~Pair() {
    close(order_);
    waitpid(pid_, nullptr, 0);
  }

  Contender& contender() { return *contender_; }
  const Figures& samples() const { return samples_; }
  const Figures& medians() const { return medians_; }

  void Round(uint32_t exchanges) {
    if (write(order_, &exchanges, sizeof(exchanges)) != sizeof(exchanges)) std::abort();
    contender_->Ping();  // the other side is awake from here on
    Figures round;
    for (uint32_t i = 1; i < exchanges; ++i) {
      const Clock::time_point start = Clock::now();
      contender_->Ping();
      round.push_back(Microseconds(Clock::now() - start) / 2);
    }
    medians_.push_back(Median(round));
    samples_.insert(samples_.end(), round.begin(), round.end());
  }

 private:
  [[noreturn]] void RunPong(const std::array<int, 2>& ends) {
    close(ends[1]);
    // Orders end when the parent closes its end, of which later children must not have a copy.
    PinTo(false);
    contender_->StartPong();
    uint32_t exchanges = 0;
    while (read(ends[0], &exchanges, sizeof(exchanges)) == sizeof(exchanges))
      for (uint32_t i = 0; i < exchanges; ++i) contender_->Pong();
    contender_->EndPong();
    std::exit(0);  // in order: iceoryx's daemon wants to be told
  }

  std::unique_ptr<Contender> contender_;
  pid_t pid_ = 0;
  int order_ = -1;
  Figures samples_, medians_;
};

// A line of the file that `plot` draws from.
void Record(FILE* csv, const char* what, const std::string& name, int consumers,
            const Figures& medians, const Figures& samples, double rate) {
  if (csv == nullptr) return;
  std::fprintf(csv, "%s;%s;%d;%.3f;%.3f;%.0f\n", what, name.c_str(), consumers, Median(medians),
               Quantile(samples, 0.99), rate);
}

double Ratio(const Pair& pair, const Pair& floor) {
  Figures ratios;
  for (size_t i = 0; i < pair.medians().size(); ++i)
    ratios.push_back(pair.medians()[i] / floor.medians()[i]);
  return Median(ratios);
}

void PrintHandOff(std::vector<std::unique_ptr<Pair>>& pairs, FILE* csv) {
  std::printf("%-42s %9s %9s %9s %9s %9s\n", "hand-off, one way, us", "median", "p99", "/futex",
              "/spin", "/iceoryx");
  Pair* iceoryx = nullptr;
  for (auto& pair : pairs)
    if (pair->contender().name().starts_with("iceoryx")) iceoryx = pair.get();
  for (auto& pair : pairs) {
    std::printf("%-42s %9.3f %9.3f %9.2f %9.2f", pair->contender().name().c_str(),
                Median(pair->medians()), Quantile(pair->samples(), 0.99), Ratio(*pair, *pairs[0]),
                Ratio(*pair, *pairs[1]));
    if (iceoryx != nullptr) std::printf(" %9.2f", Ratio(*pair, *iceoryx));
    std::printf("\n");
    Record(csv, "hand-off", pair->contender().name(), 1, pair->medians(), pair->samples(), 0);
  }
}

void RunHandOff(uint32_t rounds, uint32_t exchanges, FILE* csv) {
  Contenders contenders;
  contenders.push_back(MakeFutexWord());  // the first two are what the others are compared to
  contenders.push_back(MakeSpinWord());
  contenders.push_back(MakeEventFd());
  contenders.push_back(MakeUnixSocket());
  contenders.push_back(MakeStream(WaitBy::kFutex, Header::kFull));
  contenders.push_back(MakeStream(WaitBy::kDoorbell, Header::kFull));
  contenders.push_back(MakeStream(WaitBy::kSpin, Header::kFull));
  contenders.push_back(MakeStream(WaitBy::kSpin, Header::kFacts));
  contenders.push_back(MakeGrpcStream());
  if (auto iceoryx = MakeIceoryx()) contenders.push_back(std::move(iceoryx));
  std::vector<std::unique_ptr<Pair>> pairs;
  for (auto& contender : contenders) pairs.push_back(std::make_unique<Pair>(std::move(contender)));
  PinTo(true);
  for (auto& pair : pairs) pair->contender().StartPing();
  for (uint32_t round = 0; round < rounds; ++round)
    for (auto& pair : pairs) pair->Round(exchanges);
  PrintHandOff(pairs, csv);
  if (csv != nullptr) std::fflush(csv);
  // The last made first: each child holds copies of the pipes of those before it.
  while (!pairs.empty()) pairs.pop_back();
}

// In a process of its own, which is no client of anybody's when the daemon ends.
void RunHandOffApart(uint32_t rounds, uint32_t exchanges, FILE* csv) {
  const std::unique_ptr<Daemon> daemon = StartIceoryxDaemon();
  const pid_t pid = fork();
  if (pid == 0) {
    RunHandOff(rounds, exchanges, csv);
    std::fflush(stdout);
    _exit(0);  // iceoryx ends with its daemon
  }
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) std::exit(1);
}

// ---- Fan-out ----------------------------------------------------------------------------------

constexpr int kMostConsumers = 8;
constexpr uint32_t kMostFrames = 20'000;

// Where the consumers leave their samples.
using Latencies = std::array<std::array<float, kMostFrames>, kMostConsumers>;

[[noreturn]] void FollowStream(stream::ConsumerCore& consumer, WaitBy wait, uint32_t frames,
                               std::array<float, kMostFrames>& latencies) {
  for (uint32_t i = 0; i < frames; ++i) {
    const stream::ConsumerFrame frame = TakeFrame(consumer, wait);
    const auto now = std::chrono::nanoseconds(Clock::now().time_since_epoch()).count();
    latencies[i] = static_cast<float>(now - frame.facts.published_ns) / 1000;
    ReleaseFrame(consumer, frame);
  }
  _exit(0);
}

struct FanOut {
  Figures latencies;
  double rate = 0;  // frames per second
};

FanOut MeasureFanOut(int consumers, WaitBy wait, uint32_t limit, uint32_t frames,
                     Latencies* latencies) {
  BenchStream stream(consumers, {stream::LaneMode::kFifo, limit});
  std::vector<pid_t> children;
  for (int i = 0; i < consumers; ++i) {
    const pid_t pid = fork();
    if (pid == 0)
      FollowStream(stream.consumer(i), wait, frames, (*latencies)[static_cast<size_t>(i)]);
    children.push_back(pid);
  }
  const stream::FrameHeader header = BenchHeader(Header::kFull);
  const Clock::time_point start = Clock::now();
  for (uint32_t i = 0; i < frames; ++i)
    PublishFrame(stream.producer(), header, wait == WaitBy::kSpin ? wait : WaitBy::kFutex);
  for (const pid_t child : children) waitpid(child, nullptr, 0);
  FanOut result;
  result.rate = frames / std::chrono::duration<double>(Clock::now() - start).count();
  for (int i = 0; i < consumers; ++i)
    for (uint32_t n = frames / 10; n < frames; ++n)  // without the start
      result.latencies.push_back((*latencies)[static_cast<size_t>(i)][n]);
  return result;
}

void RunFanOut(uint32_t frames, FILE* csv) {
  void* memory =
      mmap(nullptr, sizeof(Latencies), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  auto* latencies = static_cast<Latencies*>(memory);
  std::printf("\n%-42s %9s %9s %9s %14s\n", "fan-out, full header", "consumers", "median us",
              "p99 us", "frames/s");
  for (const WaitBy wait : {WaitBy::kFutex, WaitBy::kDoorbell, WaitBy::kSpin})
    for (const int consumers : {1, 2, kMostConsumers}) {
      // Spinning consumers without a processor each only wait for the scheduler.
      const bool crowded = wait == WaitBy::kSpin && consumers >= sysconf(_SC_NPROCESSORS_ONLN);
      const uint32_t count = std::min(crowded ? frames / 200 + 10 : frames, kMostFrames);
      const FanOut one = MeasureFanOut(consumers, wait, 1, count, latencies);
      const FanOut many = MeasureFanOut(consumers, wait, 7, count, latencies);
      std::printf("%-42s %9d %9.2f %9.2f %14.0f%s\n", Name(wait), consumers, Median(one.latencies),
                  Quantile(one.latencies, 0.99), many.rate,
                  crowded ? "  (fewer processors than spinners)" : "");
      Record(csv, crowded ? "fan-out, crowded" : "fan-out", Name(wait), consumers, one.latencies,
             one.latencies, many.rate);
    }
  munmap(memory, sizeof(Latencies));
}

// ---- Copies -----------------------------------------------------------------------------------

void RunCopies(uint32_t frames, FILE* csv) {
  struct Size {
    const char* name;
    size_t bytes;
  };
  std::printf("\n%-42s %9s %9s\n", "GStreamer shmsink to shmsrc, which copies", "median us",
              "p99 us");
  for (const Size& size : {Size{"1920 x 1080, 4 bytes a pixel", size_t{1920} * 1080 * 4},
                           Size{"3840 x 2160, 8 bytes a pixel", size_t{3840} * 2160 * 8}}) {
    const std::optional<CopyCost> cost = MeasureGstreamer(size.bytes, frames);
    if (!cost) {
      std::printf("%-42s is not there, or does not work\n", size.name);
      continue;
    }
    std::printf("%-42s %9.0f %9.0f\n", size.name, cost->median, cost->p99);
    Record(csv, "copy", size.name, 1, {cost->median}, {cost->p99}, 0);
  }
}

}  // namespace
}  // namespace vramd::bench

int main(int argc, char** argv) {
  const auto number = [&](int index, uint32_t otherwise) {
    return argc > index ? static_cast<uint32_t>(std::atoi(argv[index])) : otherwise;
  };
  const uint32_t rounds = number(1, 15), exchanges = number(2, 2000);
  if (rounds == 0 || exchanges < 2) {
    std::fprintf(stderr, "usage: stream_bench [ROUNDS [EXCHANGES [CSV_FILE]]]\n");
    return 2;
  }
  std::printf("processors: %ld, rounds: %u of %u exchanges\n\n", sysconf(_SC_NPROCESSORS_ONLN),
              rounds, exchanges);
  std::fflush(stdout);
  FILE* const csv = argc > 3 ? std::fopen(argv[3], "w") : nullptr;
  vramd::bench::RunHandOffApart(rounds, exchanges, csv);
  vramd::bench::RunFanOut(std::min(rounds * exchanges / 2, 20'000u), csv);
  vramd::bench::RunCopies(std::min(rounds * exchanges / 100 + 10, 200u), csv);
  if (csv != nullptr) std::fclose(csv);
}
