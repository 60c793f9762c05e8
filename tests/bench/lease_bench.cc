// What a lease costs beside what it is made of.
//
// In one run, in turns, so that a noisy machine is noisy for all alike:
//   raw Vulkan      vkAllocateMemory (exportable) + vkGetMemoryFdKHR, in this process
//   raw SCM_RIGHTS  an fd to another process and a byte back
//   echo            a unary gRPC call on the very channel that the leases use
//   allocate        request at the broker until the handle is in this process
//   open, release   likewise
// The sum of the first three is what nobody could do without; allocate is printed as a ratio to it.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>
#include <volk.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "common/gpu.h"
#include "tests/bench/stopwatch.h"
#include "tests/support/broker_process.h"

namespace vramd {
namespace {

// A process that takes a descriptor, closes it, and sends one byte back.
class DescriptorEcho {
 public:
  // Before any thread is started: it forks.
  DescriptorEcho() {
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) std::abort();
    child_ = fork();
    if (child_ == 0) {
      close(pair[0]);
      while (Receive(pair[1])) {
      }
      _exit(0);
    }
    close(pair[1]);
    socket_ = pair[0];
  }
  ~DescriptorEcho() {
    close(socket_);
    waitpid(child_, nullptr, 0);
  }

  void RoundTrip(int descriptor) {
    char byte = 0;
    Message message(&byte);
    cmsghdr* part = CMSG_FIRSTHDR(&message.header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof(int));
    if (sendmsg(socket_, &message.header, 0) != 1 || recv(socket_, &byte, 1, 0) != 1) std::abort();
  }

 private:
  struct Message {
    explicit Message(char* byte) : data{byte, 1} {
      header.msg_iov = &data;
      header.msg_iovlen = 1;
      header.msg_control = control;
      header.msg_controllen = sizeof(control);
    }
    iovec data;
    msghdr header{};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  };

  static bool Receive(int socket) {
    char byte = 0;
    Message message(&byte);
    if (recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) != 1) return false;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message.header)), sizeof(int));
    close(descriptor);
    return send(socket, &byte, 1, 0) == 1;
  }

  int socket_ = -1;
  pid_t child_ = 0;
};

// Exportable memory straight from the driver, of the type that the broker's recipe names.
class RawVulkan {
 public:
  RawVulkan(example::Gpu& gpu, const Recipe& recipe) : device_(gpu.device()), recipe_(recipe) {}

  int Allocate() {
    const VkExportMemoryAllocateInfo exported{VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
                                              nullptr,
                                              VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT};
    const VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &exported,
                                    recipe_.allocation_size, recipe_.memory_type_index};
    example::Check(vkAllocateMemory(device_, &info, nullptr, &memory_), "vkAllocateMemory");
    const VkMemoryGetFdInfoKHR get{VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR, nullptr, memory_,
                                   VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT};
    int descriptor = -1;
    example::Check(vkGetMemoryFdKHR(device_, &get, &descriptor), "vkGetMemoryFdKHR");
    return descriptor;
  }
  void Free(int descriptor) {
    close(descriptor);
    vkFreeMemory(device_, memory_, nullptr);
  }

 private:
  VkDevice device_;
  Recipe recipe_;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
};

struct Figures {
  Samples raw_allocate, raw_free, pass, echo, allocate, open, release;
};

void Round(Client& client, RawVulkan& raw, DescriptorEcho& echo, uint64_t size, Figures& out) {
  int descriptor = -1;
  out.raw_allocate.Time([&] { descriptor = raw.Allocate(); });
  out.pass.Time([&] { echo.RoundTrip(descriptor); });
  out.raw_free.Time([&] { raw.Free(descriptor); });
  out.echo.Time([&] { (void)client.Ping(); });
  std::optional<Lease> first, second;
  AllocateInfo info = AllocateInfo::Raw(size);
  info.handle_type = VRAMD_HANDLE_OPAQUE_FD;
  out.allocate.Time([&] { first = client.Allocate(info).OrExit(); });
  out.open.Time([&] { second = client.Open(first->allocation_id()).OrExit(); });
  out.release.Time([&] { second.reset(); });
}

void Print(uint64_t size, const Figures& figures) {
  const double floor = figures.raw_allocate.p50() + figures.pass.p50() + figures.echo.p50();
  std::printf("\n%llu KiB\n%-34s %10s %10s %10s %8s\n", static_cast<unsigned long long>(size >> 10),
              "", "p50 us", "p99 us", "max us", "ratio");
  const auto row = [&](const char* what, const Samples& samples, double base) {
    std::printf("%-34s %10.1f %10.1f %10.1f", what, samples.p50(), samples.p99(),
                samples.Quantile(1));
    if (base > 0) std::printf(" %8.2f", samples.p50() / base);
    std::printf("\n");
  };
  row("raw vkAllocateMemory + export", figures.raw_allocate, 0);
  row("raw close + vkFreeMemory", figures.raw_free, 0);
  row("raw SCM_RIGHTS round trip", figures.pass, 0);
  row("gRPC echo on the same channel", figures.echo, 0);
  std::printf("%-34s %10.1f\n", "floor: sum of the parts", floor);
  row("allocate, to floor", figures.allocate, floor);
  row("open, to echo + pass", figures.open, figures.echo.p50() + figures.pass.p50());
  row("release, to echo", figures.release, figures.echo.p50());
}

int Main(int rounds) {
  DescriptorEcho echo;
  BrokerProcess broker({"--log-level", "warning"});
  Client client = broker.Connect();
  AllocateInfo probe = AllocateInfo::Raw(64 << 10);
  probe.handle_type = VRAMD_HANDLE_OPAQUE_FD;
  const auto lease = client.Allocate(probe).OrExit();
  example::Gpu gpu(lease.recipe());
  utsname system{};
  uname(&system);
  std::printf("%s, %s %s, %ld cores, %d rounds\n", gpu.name().c_str(), system.sysname,
              system.release, sysconf(_SC_NPROCESSORS_ONLN), rounds);
  for (const uint64_t size : {uint64_t{64} << 10, uint64_t{8} << 20, uint64_t{64} << 20}) {
    AllocateInfo info = probe;
    info.raw_size = size;
    RawVulkan raw(gpu, client.Allocate(info).OrExit().recipe());
    Figures warm_up, figures;
    for (int i = 0; i < rounds / 10; ++i) Round(client, raw, echo, size, warm_up);
    for (int i = 0; i < rounds; ++i) Round(client, raw, echo, size, figures);
    Print(size, figures);
  }
  return 0;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) { return vramd::Main(argc > 1 ? std::atoi(argv[1]) : 2000); }
