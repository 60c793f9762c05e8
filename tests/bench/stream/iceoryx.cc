// iceoryx with its daemon, RouDi, as a child: a publisher and a polling subscriber in each process.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <utility>

#include "base/stream/wait.h"
#include "iceoryx_hoofs/log/logmanager.hpp"
#include "iceoryx_posh/popo/publisher.hpp"
#include "iceoryx_posh/popo/subscriber.hpp"
#include "iceoryx_posh/runtime/posh_runtime.hpp"
#include "tests/bench/stream/contender.h"

namespace vramd::bench {
namespace {

struct Message {
  uint64_t words[64];  // as large as a frame's header
};
using Publisher = iox::popo::Publisher<Message>;
using Subscriber = iox::popo::Subscriber<Message>;
using Sample = iox::popo::Sample<const Message>;

// A daemon with a few small blocks, instead of its usual hundreds of megabytes. It dies with us, or
// the next run would meet it: there can be one on a machine.
class RouDi : public Daemon {
 public:
  RouDi() {
    config_ = "/tmp/vramd-bench-roudi-" + std::to_string(getpid()) + ".toml";
    std::ofstream(config_) << "[general]\nversion = 1\n[[segment]]\n"
                              "[[segment.mempool]]\nsize = 1024\ncount = 1000\n";
    pid_ = fork();
    if (pid_ == 0) Become();
  }
  ~RouDi() override {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    unlink(config_.c_str());
  }

 private:
  [[noreturn]] void Become() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    execl(VRAMD_ROUDI_PROGRAM, "iox-roudi", "-c", config_.c_str(), "-m", "off", nullptr);
    _exit(127);
  }

  std::string config_;
  pid_t pid_ = 0;
};

class Iceoryx : public Contender {
 public:
  std::string name() const override { return "iceoryx, polling, 512 bytes"; }
  void StartPing() override { Start("vramd_bench_ping", "there", "back"); }
  void StartPong() override { Start("vramd_bench_pong", "back", "there"); }
  // As the streams do it: giving back and having a place for the next is no part of handing over.
  void Ping() override {
    Send();
    held_.reset();
    Loan();
    held_ = Take();
  }
  void Pong() override {
    held_ = Take();
    Send();
    held_.reset();
    Loan();
  }

 private:
  static iox::capro::ServiceDescription Service(const char* direction) {
    return {"vramd", "bench", iox::capro::IdString_t(iox::cxx::TruncateToCapacity, direction)};
  }
  void Start(const char* runtime, const char* out, const char* in) {
    iox::log::LogManager::GetLogManager().SetDefaultLogLevel(
        iox::log::LogLevel::kOff, iox::log::LogLevelOutput::kHideLogLevel);
    iox::runtime::PoshRuntime::initRuntime(
        iox::RuntimeName_t(iox::cxx::TruncateToCapacity, runtime));
    publisher_.emplace(Service(out));
    subscriber_.emplace(Service(in));
    while (subscriber_->getSubscriptionState() != iox::SubscribeState::SUBSCRIBED ||
           !publisher_->hasSubscribers())
      stream::RelaxCpu();
    Loan();
  }
  void Loan() {
    auto loan = publisher_->loan();
    if (loan.has_error()) std::abort();
    loaned_.emplace(std::move(loan.value()));
  }
  void Send() {
    for (uint64_t& word : (*loaned_)->words) word = count_;
    ++count_;
    loaned_->publish();
    loaned_.reset();
  }
  Sample Take() {
    for (;;) {
      auto taken = subscriber_->take();
      if (taken.has_error()) {
        stream::RelaxCpu();
        continue;
      }
      Sample sample = std::move(taken.value());
      uint64_t sum = 0;
      for (const uint64_t word : sample->words) sum += word;
      sink_ = sum;
      return sample;
    }
  }

  std::optional<Publisher> publisher_;
  std::optional<Subscriber> subscriber_;
  std::optional<iox::popo::Sample<Message>> loaned_;
  std::optional<Sample> held_;
  uint64_t count_ = 0;
  volatile uint64_t sink_ = 0;
};

}  // namespace

std::unique_ptr<Daemon> StartIceoryxDaemon() { return std::make_unique<RouDi>(); }
std::unique_ptr<Contender> MakeIceoryx() { return std::make_unique<Iceoryx>(); }

}  // namespace vramd::bench
