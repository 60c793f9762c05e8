// Both ends of the lane in one process, on a real socket pair.
#include "ipc/handle_lane.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "base/section.h"
#include "tests/support/descriptor_limit_linux.h"
#include "tests/unit/descriptor_count_linux.h"

namespace vramd {
namespace {

using testing::HasSubstr;

Clock::time_point Soon() { return Clock::now() + std::chrono::seconds(20); }
Clock::time_point Now() { return Clock::now(); }

// The inode tells which memory a descriptor stands for.
ino_t Inode(const OsHandle& handle) {
  struct stat facts {};
  EXPECT_EQ(fstat(handle.get(), &facts), 0);
  return facts.st_ino;
}

class HandleLaneTest : public testing::Test {
 protected:
  HandleLaneTest() {
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    raw_end_ = pair[0];
    sender_ = std::make_unique<HandleSender>(OsHandle(pair[0]));
    receiver_ = std::make_unique<HandleReceiver>(OsHandle(pair[1]));
  }

  static OsHandle Memory() { return *CreateSection(4096, "lane-test"); }

  // Bytes and descriptors that no HandleSender would send.
  void SendRaw(const std::string& bytes, const std::vector<int>& descriptors) {
    std::string data = bytes;
    iovec part = {data.data(), data.size()};
    std::vector<char> control(CMSG_SPACE(sizeof(int) * std::max<size_t>(1, descriptors.size())));
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int) * descriptors.size());
      std::copy(descriptors.begin(), descriptors.end(), reinterpret_cast<int*>(CMSG_DATA(header)));
    }
    ASSERT_EQ(sendmsg(raw_end_, &message, MSG_NOSIGNAL), static_cast<ssize_t>(data.size()));
  }

  // What a sender would have sent, to be spoilt.
  static std::string Header(uint64_t number) {
    const uint64_t fields[4] = {0x314e414c646d7276, number, 1, 0};
    return std::string(reinterpret_cast<const char*>(fields), sizeof(fields));
  }

  const int at_start_ = CountDescriptors();
  int raw_end_ = -1;
  std::unique_ptr<HandleSender> sender_;
  std::unique_ptr<HandleReceiver> receiver_;
};

TEST_F(HandleLaneTest, AHandleArrivesAsADuplicateThatIsCloseOnExec) {
  const OsHandle memory = Memory();
  const auto number = sender_->Send(RequestId{1}, memory);
  ASSERT_TRUE(number.ok()) << number.status();
  const auto handle = receiver_->Redeem(*number, Soon());
  ASSERT_TRUE(handle.ok()) << handle.status();
  EXPECT_NE(handle->get(), memory.get());
  EXPECT_EQ(Inode(*handle), Inode(memory));
  EXPECT_EQ(fcntl(handle->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(HandleLaneTest, HandlesAreRedeemedInAnyOrder) {
  std::vector<OsHandle> memories;
  std::vector<uint64_t> numbers;
  for (uint64_t i = 1; i <= 5; ++i) {
    memories.push_back(Memory());
    numbers.push_back(*sender_->Send(RequestId{i}, memories.back()));
  }
  for (const size_t i : {3, 0, 4, 2, 1})
    EXPECT_EQ(Inode(*receiver_->Redeem(numbers[i], Soon())), Inode(memories[i]));
  EXPECT_TRUE(absl::IsDeadlineExceeded(receiver_->Redeem(numbers[0], Now()).status()))
      << "each one only once";
}

TEST_F(HandleLaneTest, ManyThreadsGetTheirOwn) {
  constexpr int kThreads = 4, kRounds = 100;
  std::vector<std::thread> threads;
  for (uint64_t thread = 1; thread <= kThreads; ++thread)
    threads.emplace_back([&, thread] {
      const OsHandle memory = Memory();
      const ino_t inode = Inode(memory);
      for (int round = 0; round < kRounds; ++round) {
        const auto number = sender_->Send(RequestId{thread}, memory);
        ASSERT_TRUE(number.ok()) << number.status();
        const auto handle = receiver_->Redeem(*number, Soon());
        ASSERT_TRUE(handle.ok()) << handle.status();
        EXPECT_EQ(Inode(*handle), inode);
      }
    });
  for (std::thread& thread : threads) thread.join();
  receiver_.reset();
  sender_.reset();
  EXPECT_EQ(CountDescriptors(), at_start_);
}

TEST_F(HandleLaneTest, AWaiterIsWokenByTheHandle) {
  const OsHandle memory = Memory();
  std::thread sender([&] { ASSERT_TRUE(sender_->Send(RequestId{1}, memory).ok()); });
  EXPECT_TRUE(receiver_->Redeem(1, Soon()).ok());
  sender.join();
}

TEST_F(HandleLaneTest, AnAbandonedHandleIsClosedWhenItIsThereAndWhenItComes) {
  const OsHandle memory = Memory();
  const int before = CountDescriptors();
  const uint64_t kept = *sender_->Send(RequestId{1}, memory);
  const uint64_t early = *sender_->Send(RequestId{2}, memory);
  receiver_->Abandon(RequestId{2});
  receiver_->Abandon(RequestId{3});
  const uint64_t late = *sender_->Send(RequestId{3}, memory);
  EXPECT_TRUE(absl::IsDeadlineExceeded(receiver_->Redeem(late, Now()).status()));
  EXPECT_TRUE(absl::IsDeadlineExceeded(receiver_->Redeem(early, Now()).status()));
  EXPECT_TRUE(receiver_->Redeem(kept, Soon()).ok());
  EXPECT_EQ(CountDescriptors(), before);
}

TEST_F(HandleLaneTest, HandlesThatNobodyRedeemedGoWithTheReceiver) {
  const OsHandle memory = Memory();
  for (uint64_t i = 1; i <= 8; ++i) ASSERT_TRUE(sender_->Send(RequestId{i}, memory).ok());
  EXPECT_TRUE(receiver_->Redeem(8, Soon()).ok());  // takes in all the others
  receiver_.reset();
  sender_.reset();
  EXPECT_EQ(CountDescriptors(), at_start_ + 1);
}

TEST_F(HandleLaneTest, AClosedLaneAnswersAtOnceAndFromThenOn) {
  const OsHandle memory = Memory();
  ASSERT_TRUE(sender_->Send(RequestId{1}, memory).ok());
  sender_.reset();
  EXPECT_TRUE(receiver_->Redeem(1, Soon()).ok()) << "what was sent before still counts";
  EXPECT_TRUE(absl::IsUnavailable(receiver_->Redeem(2, Soon()).status()));
}

TEST_F(HandleLaneTest, ASenderSeesThatTheClientIsGone) {
  receiver_.reset();
  EXPECT_TRUE(absl::IsUnavailable(sender_->Send(RequestId{1}, Memory()).status()));
}

TEST_F(HandleLaneTest, AClientThatTakesNothingIsRefused) {
  const OsHandle memory = Memory();
  uint64_t sent = 0;
  absl::Status refused;
  while (refused.ok() && sent < 100000) {
    refused = sender_->Send(RequestId{1}, memory).status();
    if (refused.ok()) ++sent;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  // Numbers go on without a gap: the first handle that fits again is the next.
  ASSERT_TRUE(receiver_->Redeem(1, Soon()).ok());
  EXPECT_EQ(sender_->Send(RequestId{1}, memory).value(), sent + 1);
}

TEST_F(HandleLaneTest, ForeignMessagesAreRefusedAndTheirDescriptorsClosed) {
  const OsHandle memory = Memory();
  const int before = CountDescriptors();
  const std::vector<std::string> foreign = {"x", std::string(32, '\0'), std::string(33, 'v'),
                                            Header(1).substr(0, 31)};
  for (const std::string& bytes : foreign) {
    SendRaw(bytes, {memory.get()});
    EXPECT_TRUE(absl::IsUnavailable(receiver_->Redeem(1, Soon()).status()));
  }
  EXPECT_EQ(CountDescriptors(), before);
  // After the garbage the lane still works.
  const uint64_t number = *sender_->Send(RequestId{1}, memory);
  EXPECT_TRUE(receiver_->Redeem(number, Soon()).ok());
}

TEST_F(HandleLaneTest, MoreDescriptorsThanOneAreClosed) {
  const OsHandle memory = Memory();
  const int before = CountDescriptors();
  SendRaw(Header(1), {memory.get(), memory.get()});
  SendRaw(Header(2), {memory.get(), memory.get(), memory.get(), memory.get()});
  (void)receiver_->Redeem(1, Now());
  (void)receiver_->Redeem(2, Now());
  EXPECT_EQ(CountDescriptors(), before);
}

TEST_F(HandleLaneTest, ANumberThatComesTwiceKeepsTheFirst) {
  const OsHandle first = Memory(), second = Memory();
  const int before = CountDescriptors();
  SendRaw(Header(1), {first.get()});
  SendRaw(Header(1), {second.get()});
  SendRaw(Header(2), {second.get()});
  EXPECT_TRUE(receiver_->Redeem(2, Soon()).ok());
  EXPECT_EQ(Inode(*receiver_->Redeem(1, Soon())), Inode(first));
  EXPECT_EQ(CountDescriptors(), before);
}

TEST_F(HandleLaneTest, WhenThereIsNoRoomTheOneWhoseHandleIsLostHearsOfIt) {
  const OsHandle memory = Memory();
  const uint64_t lost = *sender_->Send(RequestId{1}, memory);
  const uint64_t later = *sender_->Send(RequestId{2}, memory);
  {
    const DescriptorLimit no_room(DescriptorLimit::Next());
    // Waits for the second; meets the first, which is not its own.
    const auto waited = receiver_->Redeem(later, Now());
    EXPECT_TRUE(absl::IsResourceExhausted(waited.status())) << waited.status();
  }
  const auto answer = receiver_->Redeem(lost, Now());
  EXPECT_TRUE(absl::IsResourceExhausted(answer.status())) << answer.status();
  EXPECT_THAT(std::string(answer.status().message()), HasSubstr("RLIMIT_NOFILE"));
}

}  // namespace
}  // namespace vramd
