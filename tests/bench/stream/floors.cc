// What the machine can do at best: the least that each way of waiting costs, with no protocol.
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/stream/wait.h"
#include "tests/bench/stream/contender.h"

namespace vramd::bench {
namespace {

void Require(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  std::abort();
}

// Each direction has a word in a cache line of its own, which counts messages.
struct Words {
  alignas(64) std::atomic<uint32_t> ping{0};
  alignas(64) std::atomic<uint32_t> pong{0};
};

class SharedWords {
 public:
  SharedWords() {
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Require(page != MAP_FAILED, "mmap");
    words_ = new (page) Words;
  }
  ~SharedWords() { munmap(words_, 4096); }
  Words* operator->() const { return words_; }

 private:
  Words* words_;
};

class FutexWord : public Contender {
 public:
  std::string name() const override { return "bare futex, one word"; }
  void Ping() override {
    Send(words_->ping);
    Await(words_->pong, ++count_);
  }
  void Pong() override {
    Await(words_->ping, ++count_);
    Send(words_->pong);
  }

 private:
  static void Send(std::atomic<uint32_t>& word) {
    word.fetch_add(1);
    syscall(SYS_futex, &word, FUTEX_WAKE, 1, nullptr, nullptr, 0);
  }
  static void Await(std::atomic<uint32_t>& word, uint32_t count) {
    while (word.load() != count)
      syscall(SYS_futex, &word, FUTEX_WAIT, count - 1, nullptr, nullptr, 0);
  }

  SharedWords words_;
  uint32_t count_ = 0;
};

class SpinWord : public Contender {
 public:
  std::string name() const override { return "bare spin, one word"; }
  void Ping() override {
    words_->ping.store(++count_, std::memory_order_release);
    Await(words_->pong);
  }
  void Pong() override {
    ++count_;
    Await(words_->ping);
    words_->pong.store(count_, std::memory_order_release);
  }

 private:
  void Await(std::atomic<uint32_t>& word) const {
    while (word.load(std::memory_order_acquire) != count_) stream::RelaxCpu();
  }

  SharedWords words_;
  uint32_t count_ = 0;
};

class EventFd : public Contender {
 public:
  EventFd() : ping_(eventfd(0, EFD_CLOEXEC)), pong_(eventfd(0, EFD_CLOEXEC)) {
    Require(ping_ >= 0 && pong_ >= 0, "eventfd");
  }
  ~EventFd() override {
    close(ping_);
    close(pong_);
  }
  std::string name() const override { return "bare eventfd, blocking read"; }
  void Ping() override {
    Require(eventfd_write(ping_, 1) == 0, "eventfd_write");
    Await(pong_);
  }
  void Pong() override {
    Await(ping_);
    Require(eventfd_write(pong_, 1) == 0, "eventfd_write");
  }

 private:
  static void Await(int fd) {
    eventfd_t value;
    Require(eventfd_read(fd, &value) == 0, "eventfd_read");
  }

  const int ping_, pong_;
};

class UnixSocket : public Contender {
 public:
  UnixSocket() {
    Require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_.data()) == 0, "socketpair");
  }
  ~UnixSocket() override {
    for (const int end : ends_) close(end);
  }
  std::string name() const override { return "Unix socket, 64 bytes"; }
  void Ping() override {
    Send(ends_[0]);
    Await(ends_[0]);
  }
  void Pong() override {
    Await(ends_[1]);
    Send(ends_[1]);
  }

 private:
  void Send(int end) { Require(send(end, message_.data(), message_.size(), 0) == 64, "send"); }
  void Await(int end) { Require(recv(end, message_.data(), message_.size(), 0) == 64, "recv"); }

  std::array<int, 2> ends_{};
  std::array<char, 64> message_{};
};

}  // namespace

std::unique_ptr<Contender> MakeFutexWord() { return std::make_unique<FutexWord>(); }
std::unique_ptr<Contender> MakeSpinWord() { return std::make_unique<SpinWord>(); }
std::unique_ptr<Contender> MakeEventFd() { return std::make_unique<EventFd>(); }
std::unique_ptr<Contender> MakeUnixSocket() { return std::make_unique<UnixSocket>(); }

}  // namespace vramd::bench
