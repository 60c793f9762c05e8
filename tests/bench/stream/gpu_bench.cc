// Frames of a stream between two processes on one GPU, next to what the driver's own shared
// timeline semaphores take for the same work without vramd.
//
//   stream_gpu_bench [ROUNDS [EXCHANGES [FRAMES [WIDTH HEIGHT]]]]
//                                                   default: 5 rounds of 100, 2000 frames, 3840
//                                                   2160
//
// Ping-pong: one process clears an image, the other looks at it, clears one of its own and hands
// that back. A sample is half of the time from the first submission until the GPU is done with the
// returned image. Raw: the other process has submitted its part ahead, so its CPU has no share;
// there is no faster way to have two processes take turns on this GPU.
//
// Rate: one process clears, the other looks, with up to kAhead images on their way.
//
// Where timelines cannot be shared there is no raw part, and the stream waits for fences.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tests/bench/stream/gpu_side.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"
#include "vramd/vulkan.h"

namespace vramd::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Figures = std::vector<double>;

constexpr uint32_t kAhead = 5;

struct Settings {
  uint32_t rounds = 5, exchanges = 100, frames = 2000;
  FrameSize size;
};

double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

double Quantile(Figures figures, double fraction) {
  if (figures.empty()) return 0;
  std::sort(figures.begin(), figures.end());
  return figures[static_cast<size_t>(fraction * static_cast<double>(figures.size() - 1))];
}

// ---- The other process ------------------------------------------------------------------------

class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}

  // Both come here before either goes on.
  void Meet() {
    char byte = 0;
    if (send(socket_, &byte, 1, MSG_NOSIGNAL) != 1 || recv(socket_, &byte, 1, MSG_WAITALL) != 1)
      example::Die("the other process is gone");
  }

  void SendFd(int fd) {
    Message message;
    cmsghdr* part = CMSG_FIRSTHDR(&message.header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &fd, sizeof(fd));
    if (sendmsg(socket_, &message.header, MSG_NOSIGNAL) != 1) example::Die("cannot send an fd");
    close(fd);
  }
  int ReceiveFd() {
    Message message;
    if (recvmsg(socket_, &message.header, MSG_CMSG_CLOEXEC) != 1 ||
        CMSG_FIRSTHDR(&message.header) == nullptr)
      example::Die("cannot receive an fd");
    int fd;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message.header)), sizeof(fd));
    return fd;
  }

 private:
  struct Message {
    char byte = 0;
    iovec data = {&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header = {};
    Message() {
      header.msg_iov = &data;
      header.msg_iovlen = 1;
      header.msg_control = control;
      header.msg_controllen = sizeof(control);
    }
  };

  const int socket_;
};

// ---- Raw --------------------------------------------------------------------------------------

// Two timelines, and an image for each process.
class Raw {
 public:
  Raw(GpuSide& side, Peer& peer, bool near, const FrameSize& size)
      : side_(side),
        image_(side, size),
        corner_(side.gpu(), 4096, VK_BUFFER_USAGE_TRANSFER_DST_BIT) {
    for (VkSemaphore* timeline : {&there_, &back_}) {
      if (near) *timeline = side.MakeTimeline();
      if (near) peer.SendFd(side.Export(*timeline));
      if (!near) *timeline = side.Import(peer.ReceiveFd());
    }
  }
  ~Raw() {
    vkDeviceWaitIdle(side_.gpu().device());
    for (const VkSemaphore timeline : {there_, back_})
      vkDestroySemaphore(side_.gpu().device(), timeline, nullptr);
  }

  void Ping(bool work) {
    ++value_;
    side_.Submit({}, Order().Add(there_, value_), Clear(work));
    side_.Submit(Order().Add(back_, value_), {}, Look(work));
    side_.AwaitNewest();
  }
  // All at once, but for what the driver cannot have waiting.
  void Pong(bool work, uint32_t exchanges) {
    const uint64_t first = value_;
    for (uint32_t i = 0; i < exchanges; ++i) {
      ++value_;
      side_.Submit(Order().Add(there_, value_), {}, Look(work));
      side_.Submit({}, Order().Add(back_, value_), Clear(work));
      if (value_ - first > 16) side_.Await(back_, value_ - 16);
    }
    side_.AwaitNewest();
  }
  void Produce(uint32_t frames) {
    const uint64_t first = value_;
    for (uint32_t i = 0; i < frames; ++i) {
      ++value_;
      const uint64_t free = std::max(first, value_ - std::min<uint64_t>(value_, kAhead));
      side_.Submit(Order().Add(back_, free), Order().Add(there_, value_), Clear(true));
    }
    side_.Await(back_, value_);
  }
  void Consume(uint32_t frames) {
    for (uint32_t i = 0; i < frames; ++i) {
      ++value_;
      side_.Submit(Order().Add(there_, value_), Order().Add(back_, value_), Look(true));
    }
    side_.AwaitNewest();
  }

 private:
  GpuSide::Record Clear(bool work) {
    if (!work) return nullptr;
    return [this](VkCommandBuffer commands) { RecordClear(commands, image_.image()); };
  }
  GpuSide::Record Look(bool work) {
    if (!work) return nullptr;
    return [this](VkCommandBuffer commands) {
      RecordLook(commands, image_.image(), corner_.buffer());
    };
  }

  GpuSide& side_;
  PrivateImage image_;
  const example::HostBuffer corner_;
  VkSemaphore there_ = VK_NULL_HANDLE, back_ = VK_NULL_HANDLE;
  uint64_t value_ = 0;
};

// ---- Streams ----------------------------------------------------------------------------------

StreamInfo FrameStream(const char* name, const FrameSize& size, std::chrono::nanoseconds spin) {
  StreamInfo info =
      StreamInfo::Image(name, VK_FORMAT_R16G16B16A16_SFLOAT, size.width, size.height,
                        VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
  info.image_count = kAhead + 2;
  info.allow_waiting = true;
  info.spin_ns = static_cast<uint64_t>(spin.count());
  return info;
}

ConsumerInfo EveryFrame(std::chrono::nanoseconds spin) {
  ConsumerInfo info = ConsumerInfo::Fifo(kAhead, VRAMD_WHEN_FULL_WAIT);
  info.spin_ns = static_cast<uint64_t>(spin.count());
  return info;
}

class Sender {
 public:
  Sender(Client& client, const StreamInfo& info)
      : producer_(OrExit(Producer::Create(client, info))) {}
  void Attach(GpuSide& side) {
    side_ = &side;
    stream_.emplace(side.gpu().Attach(producer_));
  }
  void Detach() { stream_.reset(); }
  const Producer& producer() const { return producer_; }

  void Publish() {
    Slot slot = OrExit(producer_.Acquire());
    const VulkanStreamResource shared = OrExit(stream_->Resource(slot));
    const VulkanSync sync = OrExit(stream_->Sync(slot));
    side_->Submit(sync, [&](VkCommandBuffer commands) {
      VulkanBarrier barrier = side_->gpu().Barrier();
      barrier.discard = true;
      shared.RecordAcquire(commands, barrier);
      RecordClear(commands, shared.image());
      shared.RecordRelease(commands, side_->gpu().Barrier());
    });
    if (!producer_.uses_timeline()) side_->AwaitNewest();
    FrameInfo info;
    info.timeline_value = sync.signal_value;
    OrExit(producer_.Publish(std::move(slot), info));
  }

 private:
  Producer producer_;
  GpuSide* side_ = nullptr;
  std::optional<VulkanStream> stream_;
};

class Receiver {
 public:
  Receiver(Client& client, const char* name, const ConsumerInfo& info, GpuSide& side)
      : side_(side),
        consumer_(OrExit(Consumer::Open(client, name, info))),
        stream_(side.gpu().Attach(consumer_)),
        corner_(side.gpu(), 4096, VK_BUFFER_USAGE_TRANSFER_DST_BIT) {}

  void Take() {
    Frame frame = OrExit(consumer_.Next());
    const VulkanStreamResource shared = OrExit(stream_.Resource(frame));
    const VulkanSync sync = OrExit(stream_.Sync(frame));
    side_.Submit(sync, [&](VkCommandBuffer commands) {
      shared.RecordAcquire(commands, side_.gpu().Barrier());
      RecordLook(commands, shared.image(), corner_.buffer());
      shared.RecordRelease(commands, side_.gpu().Barrier());
    });
    if (!consumer_.uses_timeline()) side_.AwaitNewest();
    frame.ReleaseAfter(sync.signal_value);
  }

 private:
  GpuSide& side_;
  Consumer consumer_;
  VulkanStream stream_;
  const example::HostBuffer corner_;
};

// One stream in each direction, seen from one of the processes.
class Streams {
 public:
  Streams(Client& client, Peer& peer, bool near, const Settings& settings,
          std::chrono::nanoseconds spin)
      : sender_(client, FrameStream(near ? "bench/there" : "bench/back", settings.size, spin)),
        recipe_(sender_.producer().recipe()),
        side_(&recipe_) {
    sender_.Attach(side_);
    peer.Meet();
    receiver_.emplace(client, near ? "bench/back" : "bench/there", EveryFrame(spin), side_);
    while (sender_.producer().Stats().consumer_count == 0) continue;
    peer.Meet();
  }

  ~Streams() {
    vkDeviceWaitIdle(side_.gpu().device());
    receiver_.reset();
    sender_.Detach();
  }

  GpuSide& side() { return side_; }
  bool uses_timeline() const { return sender_.producer().uses_timeline(); }
  Sender& sender() { return sender_; }
  Receiver& receiver() { return *receiver_; }

  void Ping() {
    sender_.Publish();
    receiver_->Take();
    side_.AwaitNewest();
  }
  void Pong() {
    receiver_->Take();
    sender_.Publish();
  }

 private:
  Sender sender_;
  const Recipe recipe_;
  GpuSide side_;
  std::optional<Receiver> receiver_;
};

// ---- The two processes ------------------------------------------------------------------------

struct Row {
  const char* name;
  Figures samples, medians;
};

template <typename Ping>
void Sample(uint32_t exchanges, Row& row, Ping ping) {
  ping();  // the other process is at it from here on
  Figures round;
  for (uint32_t i = 1; i < exchanges; ++i) {
    const Clock::time_point start = Clock::now();
    ping();
    round.push_back(Microseconds(Clock::now() - start) / 2);
  }
  row.medians.push_back(Quantile(round, 0.5));
  row.samples.insert(row.samples.end(), round.begin(), round.end());
}

void Print(const Row& row, const Row* floor) {
  if (row.medians.empty()) return;
  std::printf("%-44s %9.1f %9.1f %9.1f", row.name, Quantile(row.medians, 0.5),
              Quantile(row.samples, 0.1), Quantile(row.samples, 0.99));
  if (floor != nullptr && !floor->medians.empty()) {
    Figures ratios;
    for (size_t i = 0; i < row.medians.size(); ++i)
      ratios.push_back(row.medians[i] / floor->medians[i]);
    std::printf(" %9.2f", Quantile(ratios, 0.5));
  }
  std::printf("\n");
}

double PrintRate(const char* name, uint32_t frames, Clock::duration took, double floor) {
  const double rate = frames / (Microseconds(took) / 1e6);
  std::printf("%-44s %9.0f", name, rate);
  if (floor != 0) std::printf(" %9.2f", rate / floor);
  std::printf("\n");
  return rate;
}

constexpr std::chrono::nanoseconds kNoSpin(0);

void RunNear(const Settings& settings, const std::string& endpoint, Peer peer) {
  ConnectInfo connect;
  connect.endpoint = endpoint.c_str();
  Client client = OrExit(Client::Connect(connect));
  Streams streams(client, peer, /*near=*/true, settings, kNoSpin);
  std::printf("%s, %u x %u R16G16B16A16_SFLOAT, %s\n\n", streams.side().gpu().name().c_str(),
              settings.size.width, settings.size.height,
              streams.uses_timeline() ? "shared timelines" : "fences");
  const bool raw_too = streams.side().CanShare();
  std::optional<Raw> raw;
  if (raw_too) raw.emplace(streams.side(), peer, true, settings.size);

  Row empty{"raw timelines, no work", {}, {}}, work{"raw timelines, clear and look", {}, {}};
  Row frames{"vramd stream, clear and look", {}, {}};
  for (uint32_t round = 0; round < settings.rounds; ++round) {
    if (raw_too) {
      Sample(settings.exchanges, empty, [&] { raw->Ping(false); });
      peer.Meet();
      Sample(settings.exchanges, work, [&] { raw->Ping(true); });
      peer.Meet();
    }
    Sample(settings.exchanges, frames, [&] { streams.Ping(); });
    peer.Meet();
  }
  std::printf("%-44s %9s %9s %9s %9s\n", "ping-pong, one way, us", "median", "p10", "p99", "/raw");
  Print(empty, nullptr);
  Print(work, nullptr);
  Print(frames, &work);

  std::printf("\n%-44s %9s %9s\n", "rate, frames/s", "", "/raw");
  double floor = 0;
  if (raw_too) {
    const Clock::time_point start = Clock::now();
    raw->Produce(settings.frames);
    floor = PrintRate("raw timelines", settings.frames, Clock::now() - start, 0);
    peer.Meet();
  }
  const Clock::time_point start = Clock::now();
  for (uint32_t i = 0; i < settings.frames; ++i) streams.sender().Publish();
  peer.Meet();
  PrintRate("vramd stream", settings.frames, Clock::now() - start, floor);
  std::fflush(stdout);
  peer.Meet();
}

void RunFar(const Settings& settings, const std::string& endpoint, Peer peer) {
  ConnectInfo connect;
  connect.endpoint = endpoint.c_str();
  Client client = OrExit(Client::Connect(connect));
  Streams streams(client, peer, /*near=*/false, settings, kNoSpin);
  std::optional<Raw> raw;
  if (streams.side().CanShare()) raw.emplace(streams.side(), peer, false, settings.size);
  for (uint32_t round = 0; round < settings.rounds; ++round) {
    for (const bool work : {false, true}) {
      if (!raw) continue;
      raw->Pong(work, settings.exchanges);
      peer.Meet();
    }
    for (uint32_t i = 0; i < settings.exchanges; ++i) streams.Pong();
    peer.Meet();
  }
  if (raw) {
    raw->Consume(settings.frames);
    peer.Meet();
  }
  for (uint32_t i = 0; i < settings.frames; ++i) streams.receiver().Take();
  streams.side().AwaitNewest();
  peer.Meet();
  peer.Meet();
}

int Run(const Settings& settings) {
  BrokerProcess broker;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
  const pid_t far = fork();
  if (far == 0) {
    close(ends[0]);
    RunFar(settings, broker.endpoint(), Peer(ends[1]));
    _exit(0);
  }
  close(ends[1]);
  RunNear(settings, broker.endpoint(), Peer(ends[0]));
  int status = 0;
  waitpid(far, &status, 0);
  return status == 0 ? 0 : 1;
}

}  // namespace
}  // namespace vramd::bench

int main(int argc, char** argv) {
  const auto number = [&](int index, uint32_t otherwise) {
    return argc > index ? static_cast<uint32_t>(std::atoi(argv[index])) : otherwise;
  };
  vramd::bench::Settings settings;
  settings.rounds = number(1, settings.rounds);
  settings.exchanges = std::max(number(2, settings.exchanges), 2u);
  settings.frames = number(3, settings.frames);
  settings.size = {number(4, settings.size.width), number(5, settings.size.height)};
  return vramd::bench::Run(settings);
}
