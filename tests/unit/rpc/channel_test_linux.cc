// Our channel and gRPC's own, against the same server: what one of them answers, the other does.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "tests/unit/rpc/grpc_server_linux.h"

namespace vramd {
namespace {

using absl::StatusCode;

constexpr char kDescribe[] = "/vramd.v1.Broker/Describe";
constexpr char kList[] = "/vramd.v1.Broker/List";
constexpr char kPublish[] = "/vramd.v1.Broker/Publish";
constexpr char kRelease[] = "/vramd.v1.Broker/Release";
constexpr char kWatch[] = "/vramd.v1.Broker/Watch";
constexpr char kWithdraw[] = "/vramd.v1.Broker/Withdraw";

Clock::time_point Soon() { return Clock::now() + std::chrono::seconds(20); }
Clock::time_point Past() { return Clock::now() - std::chrono::seconds(1); }

int ThreadCount() {
  int count = 0;
  DIR* const folder = opendir("/proc/self/task");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

absl::Status List(Channel& channel, const std::string& prefix) {
  v1::ListRequest request;
  request.set_prefix(prefix);
  v1::ListReply reply;
  if (absl::Status called = channel.Call(kList, request, &reply, Soon()); !called.ok())
    return called;
  size_t size = 0;
  const std::string& got = reply.published(0).name();
  EXPECT_EQ(got, absl::SimpleAtoi(prefix, &size) ? std::string(size, 'x') : prefix);
  return absl::OkStatus();
}

std::unique_ptr<ServerStream> Watch(Channel& channel, int events) {
  v1::WatchRequest request;
  request.set_prefix(absl::StrCat(events));
  auto stream = channel.Open(kWatch, request);
  EXPECT_TRUE(stream.ok()) << stream.status();
  return *std::move(stream);
}

class ChannelTest : public ::testing::Test {
 protected:
  GrpcServer server_;
  const std::shared_ptr<Channel> channel_ = server_.NewChannel();
};

TEST_F(ChannelTest, ErrorsAreWhatGrpcsOwnClientSees) {
  const StreamChannel stock = ChannelOnStream(server_.Connect(), {});
  const auto stub = v1::Broker::NewStub(stock.channel);
  for (const std::string& words :
       {std::string("plain"), std::string(), std::string("100% %41\n\r\t\\"),
        std::string("\xc3\xa4\xf0\x9f\x98\x80"), std::string(3000, 'w')}) {
    for (int code = 10; code <= 16; ++code) {
      v1::WithdrawRequest request;
      request.set_name(absl::StrCat(code, words));
      v1::WithdrawReply reply;
      grpc::ClientContext context;
      const grpc::Status theirs = stub->Withdraw(&context, request, &reply);
      const absl::Status ours = channel_->Call(kWithdraw, request, &reply, Soon());
      EXPECT_EQ(static_cast<int>(ours.code()), theirs.error_code());
      EXPECT_EQ(ours.message(), theirs.error_message());
    }
  }
}

TEST_F(ChannelTest, AMethodThatTheServerDoesNotHaveIsUnimplemented) {
  v1::PingReply reply;
  EXPECT_EQ(channel_->Call("/vramd.v1.Broker/No", v1::PingRequest(), &reply, Soon()).code(),
            StatusCode::kUnimplemented);
}

TEST_F(ChannelTest, MetadataArrivesAsRawBytes) {
  v1::PublishReply reply;
  ASSERT_TRUE(channel_->Call(kPublish, v1::PublishRequest(), &reply, Soon()).ok());
  EXPECT_EQ(reply.name(), "0 255 16 ");
}

TEST_F(ChannelTest, LargeMessagesGoBothWays) {
  EXPECT_TRUE(List(*channel_, absl::StrCat(20 << 20)).ok());
  EXPECT_TRUE(List(*channel_, std::string(20 << 20, 'y')).ok());
}

TEST_F(ChannelTest, AMessageBeyondTheLimitIsAnErrorOfItsCallAlone) {
  const absl::Status large = List(*channel_, absl::StrCat((64 << 20) + 1));
  EXPECT_EQ(large.code(), StatusCode::kResourceExhausted) << large;
  EXPECT_TRUE(List(*channel_, "after").ok());
}

TEST_F(ChannelTest, ADeadlineEndsTheCallOnBothSides) {
  v1::DescribeReply reply;
  EXPECT_EQ(channel_->Call(kDescribe, v1::DescribeRequest(), &reply, Past()).code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_EQ(channel_
                ->Call(kDescribe, v1::DescribeRequest(), &reply,
                       Clock::now() + std::chrono::milliseconds(50))
                .code(),
            StatusCode::kDeadlineExceeded);
  server_.service().cancelled.wait(0);
  EXPECT_TRUE(List(*channel_, "after").ok());
}

TEST_F(ChannelTest, ManyThreadsCallAtOnceAndOneOfThemReads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([this, i] {
      for (int call = 0; call < 125; ++call)
        EXPECT_TRUE(List(*channel_, absl::StrCat("thread ", i, " call ", call)).ok());
    });
  for (std::thread& thread : threads) thread.join();
}

// The reader leaves first: somebody else must take its part, or nobody would hear the rest.
TEST_F(ChannelTest, TheReadersPartIsHandedOver) {
  std::thread first([this] {
    v1::DescribeReply reply;
    EXPECT_EQ(channel_
                  ->Call(kDescribe, v1::DescribeRequest(), &reply,
                         Clock::now() + std::chrono::milliseconds(200))
                  .code(),
              StatusCode::kDeadlineExceeded);
  });
  server_.service().waiting.wait(0);
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i)
    others.emplace_back([this] {
      auto stream = Watch(*channel_, 3);
      v1::WatchEvent event;
      for (int message = 0; message < 3; ++message) EXPECT_TRUE(stream->Read(&event, Soon()).ok());
      EXPECT_EQ(stream->Read(&event, Soon()).code(), StatusCode::kOutOfRange);
    });
  first.join();
  for (std::thread& other : others) other.join();
}

TEST_F(ChannelTest, AStreamThatNobodyReadsIsHeldAndHoldsUpNobody) {
  constexpr int kEvents = 4000;  // 4 MB, many windows
  const auto stream = Watch(*channel_, kEvents);
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(List(*channel_, absl::StrCat(10'000)).ok());
  EXPECT_LT(server_.service().written, kEvents / 2);
  v1::WatchEvent event;
  for (int i = 0; i < kEvents; ++i) {
    ASSERT_TRUE(stream->Read(&event, Soon()).ok());
    ASSERT_EQ(event.reason(), absl::StrCat(std::string(1000, 'e'), i));
  }
  EXPECT_EQ(stream->Read(&event, Soon()).code(), StatusCode::kOutOfRange);
  EXPECT_EQ(stream->Read(&event, Soon()).code(), StatusCode::kOutOfRange);
}

TEST_F(ChannelTest, CancelEndsAReadThatWaits) {
  const auto stream = Watch(*channel_, 0);
  const auto held = channel_->Open(kDescribe, v1::DescribeRequest());
  std::thread reader([&held] {
    v1::DescribeReply reply;
    EXPECT_EQ((*held)->Read(&reply, Clock::time_point::max()).code(), StatusCode::kCancelled);
  });
  server_.service().waiting.wait(0);
  (*held)->Cancel();
  reader.join();
  server_.service().cancelled.wait(0);
}

TEST_F(ChannelTest, AServerThatVanishesEndsEveryCall) {
  auto [ours, theirs] = SocketPair();
  const auto channel = *Channel::Create(std::move(ours), {});
  EXPECT_FALSE(channel->broken());
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&channel] {
      v1::DescribeReply reply;
      EXPECT_EQ(
          channel->Call(kDescribe, v1::DescribeRequest(), &reply, Clock::time_point::max()).code(),
          StatusCode::kUnavailable);
    });
  pollfd request = {theirs.get(), POLLIN, 0};
  ASSERT_EQ(poll(&request, 1, 20'000), 1);
  theirs.Reset();
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(channel->broken());
  EXPECT_EQ(List(*channel, "late").code(), StatusCode::kUnavailable);
}

TEST_F(ChannelTest, ErrandsArriveThoughNobodyReads) {
  constexpr int kErrands = 100;  // what a socket has room for, however slow the server
  for (int i = 0; i < kErrands; ++i)
    channel_->Send(kRelease, v1::ReleaseRequest(), std::chrono::seconds(20));
  for (int seen = server_.service().released; seen < kErrands; seen = server_.service().released)
    server_.service().released.wait(seen);
}

TEST_F(ChannelTest, ThePollHandleTellsOfWhatAnotherThreadRead) {
  const auto stream = Watch(*channel_, 2);
  pollfd ready = {channel_->poll_handle(), POLLIN, 0};
  ASSERT_EQ(poll(&ready, 1, 20'000), 1);
  while (server_.service().written < 2) std::this_thread::yield();
  ASSERT_TRUE(List(*channel_, "reads for the stream, too").ok());
  v1::WatchEvent event;
  absl::Status read;
  int events = 0;
  do {
    ASSERT_EQ(poll(&ready, 1, 20'000), 1);
    while ((read = stream->Read(&event, Past())).ok()) ++events;
  } while (read.code() == StatusCode::kDeadlineExceeded);
  EXPECT_EQ(read.code(), StatusCode::kOutOfRange);
  EXPECT_EQ(events, 2);
  EXPECT_EQ(poll(&ready, 1, 0), 0);
}

TEST_F(ChannelTest, NoThreadIsMade) {
  ASSERT_TRUE(List(*channel_, "warm").ok());
  auto [ours, theirs] = SocketPair();
  const int before = ThreadCount();
  const auto channel = *Channel::Create(std::move(ours), {});
  channel->Send(kRelease, v1::ReleaseRequest(), std::chrono::seconds(1));
  v1::DescribeReply reply;
  EXPECT_EQ(channel
                ->Call(kDescribe, v1::DescribeRequest(), &reply,
                       Clock::now() + std::chrono::milliseconds(20))
                .code(),
            StatusCode::kDeadlineExceeded);
  EXPECT_LE(ThreadCount(), before);
}

TEST_F(ChannelTest, AChildOfForkNeitherUsesNorEndsTheConnection) {
  auto [ours, theirs] = SocketPair();
  auto channel = *Channel::Create(std::move(ours), {});
  auto stream = *channel->Open(kWatch, v1::WatchRequest());
  std::vector<char> sent(4096);
  ASSERT_GT(recv(theirs.get(), sent.data(), sent.size(), 0), 0);
  const pid_t child = fork();
  if (child == 0) {
    v1::WatchEvent event;
    const bool dead = stream->Read(&event, Soon()).code() == StatusCode::kFailedPrecondition &&
                      List(*channel, "x").code() == StatusCode::kFailedPrecondition &&
                      channel->broken();
    stream.reset();
    channel.reset();
    _exit(dead ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  pollfd quiet = {theirs.get(), POLLIN | POLLRDHUP, 0};
  EXPECT_EQ(poll(&quiet, 1, 0), 0);
  EXPECT_FALSE(channel->broken());
}

}  // namespace
}  // namespace vramd
