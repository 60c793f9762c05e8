#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/os_error.h"
#include "rpc/byte_stream.h"

namespace vramd {
namespace {

OsHandle NewEvent() { return OsHandle(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

void Ring(const OsHandle& event) {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(event.get(), &one, sizeof one);
}

void Silence(const OsHandle& event) {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = read(event.get(), &count, sizeof count);
}

bool IsNothingNow(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

// Null for no deadline.
const timespec* TimeUntil(Clock::time_point deadline, timespec* left) {
  if (deadline == Clock::time_point::max()) return nullptr;
  const auto now = Clock::now();
  const auto span = deadline > now ? deadline - now : Clock::duration::zero();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(span);
  left->tv_sec = static_cast<time_t>(seconds.count());
  left->tv_nsec = static_cast<long>(std::chrono::nanoseconds(span - seconds).count());
  return left;
}

class SocketStream final : public ByteStream {
 public:
  SocketStream(OsHandle socket, OsHandle wake)
      : socket_(std::move(socket)), wake_(std::move(wake)) {}
  ~SocketStream() override { shutdown(socket_.get(), SHUT_RDWR); }

  absl::StatusOr<size_t> Read(char* into, size_t size) override;
  absl::StatusOr<size_t> Write(absl::string_view bytes) override;
  void BeginWait(bool for_room) override { events_ = for_room ? POLLIN | POLLOUT : POLLIN; }
  void EndWait() override {}
  void Wait(Clock::time_point deadline) override;
  void Wake() override { Ring(wake_); }
  bool hung_up() override;
  NativeHandle poll_handle() override;
  void SetNews(bool news) override;
  void Abandon() override;

 private:
  bool Watch(const OsHandle& handle, uint32_t events);

  const OsHandle socket_;
  const OsHandle wake_;
  short events_ = POLLIN;  // of who waits
  OsHandle poll_;          // an epoll instance over the socket and news_
  OsHandle news_;
  bool has_news_ = false;
  bool abandoned_ = false;
};

absl::StatusOr<size_t> SocketStream::Read(char* into, size_t size) {
  ssize_t got;
  do {
    got = recv(socket_.get(), into, size, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got > 0) return static_cast<size_t>(got);
  if (got == 0) return absl::UnavailableError("the server closed the connection");
  if (IsNothingNow(errno)) return size_t{0};
  return absl::UnavailableError(LastOsError("read from the connection").message());
}

absl::StatusOr<size_t> SocketStream::Write(absl::string_view bytes) {
  ssize_t moved;
  do {
    moved = send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (moved < 0 && errno == EINTR);
  if (moved >= 0) return static_cast<size_t>(moved);
  if (IsNothingNow(errno)) return size_t{0};
  return absl::UnavailableError(LastOsError("write to the connection").message());
}

void SocketStream::Wait(Clock::time_point deadline) {
  pollfd ends[] = {{socket_.get(), events_, 0}, {wake_.get(), POLLIN, 0}};
  timespec left;
  if (ppoll(ends, std::size(ends), TimeUntil(deadline, &left), nullptr) <= 0) return;
  if (ends[1].revents != 0) Silence(wake_);
}

bool SocketStream::hung_up() {
  pollfd end = {socket_.get(), POLLRDHUP, 0};
  return poll(&end, 1, 0) > 0;
}

bool SocketStream::Watch(const OsHandle& handle, uint32_t events) {
  epoll_event event = {};
  event.events = events;
  return epoll_ctl(poll_.get(), EPOLL_CTL_ADD, handle.get(), &event) == 0;
}

NativeHandle SocketStream::poll_handle() {
  if (poll_.valid()) return poll_.get();
  news_ = NewEvent();
  poll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  if (!news_.valid() || !poll_.valid() || !Watch(news_, EPOLLIN) ||
      (!abandoned_ && !Watch(socket_, EPOLLIN))) {
    poll_.Reset();
    return kInvalidNativeHandle;
  }
  if (has_news_) Ring(news_);
  return poll_.get();
}

void SocketStream::SetNews(bool news) {
  if (std::exchange(has_news_, news) == news || !news_.valid()) return;
  if (news) {
    Ring(news_);
  } else {
    Silence(news_);
  }
}

// An end of a connection can be read for ever.
void SocketStream::Abandon() {
  abandoned_ = true;
  if (poll_.valid()) epoll_ctl(poll_.get(), EPOLL_CTL_DEL, socket_.get(), nullptr);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ByteStream>> ByteStream::Adopt(OsHandle stream) {
  const int flags = fcntl(stream.get(), F_GETFD);
  if (flags < 0 || fcntl(stream.get(), F_SETFD, flags | FD_CLOEXEC) < 0)
    return LastOsError("use the connection");
  OsHandle wake = NewEvent();
  if (!wake.valid()) return LastOsError("make an eventfd");
  return std::make_unique<SocketStream>(std::move(stream), std::move(wake));
}

}  // namespace vramd
