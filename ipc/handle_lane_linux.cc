// One lane message: 32 bytes of header, exactly one descriptor.
//
// Several threads of one client may wait at once. Whoever holds the lock reads whatever comes; a
// waiter sleeps in poll() without the lock for a short slice at most, since its handle may have
// been read by another thread meanwhile.
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "ipc/handle_lane.h"

namespace vramd {
namespace {

constexpr uint64_t kLaneMagic = 0x314e414c646d7276;  // "vrmdLAN1"
constexpr size_t kMaxAbandoned = 1024;
constexpr std::chrono::milliseconds kSlice(10);

struct LaneHeader {
  uint64_t magic = kLaneMagic;
  uint64_t number = 0;
  uint64_t request = 0;
  uint64_t reserved = 0;
};
static_assert(sizeof(LaneHeader) == 32);

// Room for one descriptor, aligned as the kernel wants it.
union ControlBuffer {
  char bytes[CMSG_SPACE(sizeof(int))];
  cmsghdr align;
};

// Takes every descriptor out of the message, so that none can leak, whatever the sender put in.
std::vector<OsHandle> TakeDescriptors(msghdr& message) {
  std::vector<OsHandle> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      taken.emplace_back(descriptor);
    }
  }
  return taken;
}

absl::Status NoRoomError() {
  return absl::ResourceExhaustedError(
      "a handle could not be received: this process has no file descriptor left (raise "
      "RLIMIT_NOFILE, or release leases)");
}

}  // namespace

absl::StatusOr<uint64_t> HandleSender::Send(RequestId request, const OsHandle& handle) {
  MutexLock lock(mutex_);
  LaneHeader header{.number = next_number_, .request = request.value};
  iovec data = {&header, sizeof(header)};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  const int descriptor = handle.get();
  std::memcpy(CMSG_DATA(part), &descriptor, sizeof(descriptor));
  if (sendmsg(end_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(header))
    return next_number_++;
  if (errno == EAGAIN || errno == ETOOMANYREFS)
    return absl::ResourceExhaustedError(
        "the client has not taken its earlier handles; it must redeem them before it asks for "
        "more");
  if (errno == EPIPE || errno == ECONNRESET)
    return absl::UnavailableError("the client has closed its handle lane");
  return LastOsError("send a handle to the client");
}

// A buffer of the usual size takes some 270 handles; an event brings 64 at most.
bool HandleSender::HasRoom() {
  MutexLock lock(mutex_);
  int used = 0, all = 0;
  socklen_t size = sizeof(all);
  if (ioctl(end_.get(), SIOCOUTQ, &used) != 0) return true;  // sending will tell
  if (getsockopt(end_.get(), SOL_SOCKET, SO_SNDBUF, &all, &size) != 0) return true;
  return used <= all / 2;
}

void HandleSender::TakeBack(RequestId, uint64_t) {}

void HandleSender::TakeBackRequest(RequestId) {}

void HandleReceiver::Own(RequestId, const std::vector<uint64_t>&) {}

absl::Status HandleReceiver::ReceiveOne() {
  LaneHeader header;
  iovec data = {&header, sizeof(header)};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  const ssize_t got = recvmsg(end_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return absl::NotFoundError("nothing yet");
  if (got < 0) return LastOsError("receive a handle");
  std::vector<OsHandle> handles = TakeDescriptors(message);
  if (got == 0) return absl::UnavailableError("the broker has closed the handle lane");
  if (got != sizeof(header) || header.magic != kLaneMagic)
    return absl::UnavailableError("the handle lane carries something that is not ours");
  // No room for it: kept as an invalid handle, for whoever redeems this number.
  if (handles.empty() || (message.msg_flags & MSG_CTRUNC) != 0) {
    handles.clear();
    handles.emplace_back();
  }
  const auto abandoned = std::find(abandoned_.begin(), abandoned_.end(), RequestId{header.request});
  if (abandoned == abandoned_.end())
    arrived_.emplace(header.number, Arrived{RequestId{header.request}, std::move(handles.front())});
  return absl::OkStatus();
}

absl::StatusOr<OsHandle> HandleReceiver::Redeem(uint64_t number, Clock::time_point deadline) {
  for (;;) {
    {
      MutexLock lock(mutex_);
      absl::Status received = absl::OkStatus();
      while (received.ok() && !arrived_.contains(number)) received = ReceiveOne();
      if (auto found = arrived_.find(number); found != arrived_.end()) {
        OsHandle handle = std::move(found->second.handle);
        arrived_.erase(found);
        if (!handle.valid()) return NoRoomError();
        return handle;
      }
      if (!absl::IsNotFound(received)) return received;
    }
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0)
      return absl::DeadlineExceededError("the handle did not arrive on the lane in time");
    pollfd readable = {end_.get(), POLLIN, 0};
    poll(&readable, 1, static_cast<int>(std::min(left, kSlice).count()));
  }
}

void HandleReceiver::Abandon(RequestId request) {
  MutexLock lock(mutex_);
  abandoned_.push_back(request);
  if (abandoned_.size() > kMaxAbandoned) abandoned_.pop_front();
  while (ReceiveOne().ok()) {
  }
  std::erase_if(arrived_, [&](const auto& entry) { return entry.second.request == request; });
}

}  // namespace vramd
