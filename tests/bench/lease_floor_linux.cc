#include "tests/bench/lease_floor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace vramd {
namespace {

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

bool Receive(int socket) {
  char byte = 0;
  Message message(&byte);
  if (recvmsg(socket, &message.header, MSG_CMSG_CLOEXEC) != 1) return false;
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(CMSG_FIRSTHDR(&message.header)), sizeof(int));
  close(descriptor);
  return send(socket, &byte, 1, 0) == 1;
}

}  // namespace

std::string SystemName() {
  utsname system{};
  uname(&system);
  return std::string(system.sysname) + " " + system.release;
}

vramd_handle_type MeasuredHandleType() { return VRAMD_HANDLE_OPAQUE_FD; }
const char* RoundTripName() { return "raw SCM_RIGHTS round trip"; }
std::optional<int> RunEchoRole(int, char**) { return std::nullopt; }

struct HandleEcho::State {
  OsHandle socket;
  pid_t child = 0;
};

HandleEcho::HandleEcho() : state_(std::make_unique<State>()) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) std::abort();
  state_->child = fork();
  if (state_->child == 0) {
    close(pair[0]);
    while (Receive(pair[1])) {
    }
    _exit(0);
  }
  close(pair[1]);
  state_->socket.Reset(pair[0]);
}

HandleEcho::~HandleEcho() {
  state_->socket.Reset();
  waitpid(state_->child, nullptr, 0);
}

void HandleEcho::RoundTrip(const OsHandle& handle) {
  const int descriptor = handle.get();
  char byte = 0;
  Message message(&byte);
  cmsghdr* part = CMSG_FIRSTHDR(&message.header);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(part), &descriptor, sizeof(int));
  const int socket = state_->socket.get();
  if (sendmsg(socket, &message.header, 0) != 1 || recv(socket, &byte, 1, 0) != 1) std::abort();
}

OsHandle RawMemory::Allocate() {
  const VkExportMemoryAllocateInfo exported{VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO, nullptr,
                                            VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT};
  const VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &exported,
                                  recipe_.allocation_size, recipe_.memory_type_index};
  example::Check(vkAllocateMemory(device_, &info, nullptr, &memory_), "vkAllocateMemory");
  const VkMemoryGetFdInfoKHR get{VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR, nullptr, memory_,
                                 VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT};
  int descriptor = -1;
  example::Check(vkGetMemoryFdKHR(device_, &get, &descriptor), "vkGetMemoryFdKHR");
  return OsHandle(descriptor);
}

}  // namespace vramd
