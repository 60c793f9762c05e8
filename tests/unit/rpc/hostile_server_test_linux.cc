// Servers that break the rules, frame by frame, by hand: none may crash the client, keep its
// memory, or leave a call without an end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "google/protobuf/wrappers.pb.h"
#include "nghttp2/nghttp2.h"
#include "rpc/channel.h"

namespace vramd {
namespace {

using absl::StatusCode;
using google::protobuf::StringValue;

Clock::time_point Soon() { return Clock::now() + std::chrono::seconds(20); }

std::string Number(uint32_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i));
  return text;
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, const std::string& payload) {
  return Number(static_cast<uint32_t>(payload.size()), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + Number(stream, 4) + payload;
}

// A field as HPACK writes it without any table: lengths below 127 only.
std::string Field(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

std::string Settings() { return Frame(NGHTTP2_SETTINGS, 0, 0, ""); }
std::string Fields(const std::string& block, bool end = false) {
  return Frame(NGHTTP2_HEADERS, end ? 5 : 4, 1, block);
}
std::string Data(const std::string& payload, bool end = false) {
  return Frame(NGHTTP2_DATA, end ? 1 : 0, 1, payload);
}
std::string Reset(uint32_t error) { return Frame(NGHTTP2_RST_STREAM, 0, 1, Number(error, 4)); }
std::string GoAway(uint32_t last, uint32_t error = 0) {
  return Frame(NGHTTP2_GOAWAY, 0, 0, Number(last, 4) + Number(error, 4));
}
std::string Message(const std::string& bytes) { return MessagePrefix(bytes.size()) + bytes; }

const std::string kHello = Field(":status", "200") + Field("content-type", "application/grpc");
const std::string kBegin = Settings() + Fields(kHello);
const std::string kGood = Fields(Field("grpc-status", "0"), true);
const std::string kReply = Message(StringValue().SerializeAsString());

class HostileServerTest : public ::testing::Test {
 protected:
  HostileServerTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    server_.Reset(ends[1]);
    auto made = Channel::Create(OsHandle(ends[0]), {});
    EXPECT_TRUE(made.ok());
    channel_ = *std::move(made);
  }

  absl::Status CallNow(Clock::time_point deadline = Soon()) {
    StringValue reply;
    return channel_->Call("/a/b", StringValue(), &reply, deadline);
  }

  // What one call ends with when the server says `bytes`, and then nothing.
  absl::Status Answer(const std::string& bytes, bool then_close = false) {
    std::thread server([&] {
      for (size_t at = 0; at < bytes.size();) {
        const ssize_t sent =
            send(server_.get(), bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (sent <= 0) break;  // the client has hung up, as it may
        at += static_cast<size_t>(sent);
      }
      if (then_close) shutdown(server_.get(), SHUT_WR);
    });
    const absl::Status status = CallNow();
    channel_.reset();
    server.join();
    return status;
  }

  OsHandle server_;
  std::shared_ptr<Channel> channel_;
};

using Unary = HostileServerTest;

TEST_F(Unary, AGoodAnswerIsGood) { EXPECT_TRUE(Answer(kBegin + Data(kReply) + kGood).ok()); }

TEST_F(Unary, TrailersAloneAreAnAnswer) {
  const absl::Status status =
      Answer(Settings() +
             Fields(kHello + Field("grpc-status", "5") + Field("grpc-message", "a%25"), true));
  EXPECT_EQ(status, absl::NotFoundError("a%"));
}

TEST_F(Unary, CompressionIsRefused) {
  std::string compressed = kReply;
  compressed[0] = 1;
  EXPECT_EQ(Answer(kBegin + Data(compressed)).code(), StatusCode::kInternal);
}

TEST_F(Unary, AnEncodingIsRefused) {
  EXPECT_EQ(Answer(Settings() + Fields(kHello + Field("grpc-encoding", "gzip"))).code(),
            StatusCode::kInternal);
}

TEST_F(Unary, AnOversizeMessageIsRefusedByItsPrefix) {
  EXPECT_EQ(Answer(kBegin + Data(MessagePrefix(kMaxMessageSize + 1))).code(),
            StatusCode::kResourceExhausted);
}

TEST_F(Unary, TwoMessagesAreTooMany) {
  EXPECT_EQ(Answer(kBegin + Data(kReply + kReply)).code(), StatusCode::kUnimplemented);
}

TEST_F(Unary, NoMessageIsTooFew) {
  EXPECT_EQ(Answer(kBegin + kGood).code(), StatusCode::kUnimplemented);
}

TEST_F(Unary, HalfAMessageIsAnError) {
  EXPECT_EQ(Answer(kBegin + Data(MessagePrefix(9) + "half") + kGood).code(), StatusCode::kInternal);
}

TEST_F(Unary, AMessageThatIsNoneIsAnError) {
  EXPECT_EQ(Answer(kBegin + Data(Message("\xff")) + kGood).code(), StatusCode::kInternal);
}

TEST_F(Unary, AnEndWithoutAStatusIsUnknown) {
  EXPECT_EQ(Answer(kBegin + Data(kReply, true)).code(), StatusCode::kUnknown);
}

TEST_F(Unary, AnHttpStatusAloneIsMapped) {
  EXPECT_EQ(Answer(Settings() + Fields(Field(":status", "503"), true)).code(),
            StatusCode::kUnavailable);
}

TEST_F(Unary, AnswersOfOtherProtocolsAreUnknown) {
  EXPECT_EQ(
      Answer(Settings() + Fields(Field(":status", "200") + Field("content-type", "text/html")))
          .code(),
      StatusCode::kUnknown);
}

TEST_F(Unary, AnInformationalBlockIsSkipped) {
  EXPECT_TRUE(
      Answer(Settings() + Fields(Field(":status", "103")) + Fields(kHello) + Data(kReply) + kGood)
          .ok());
}

TEST_F(Unary, ResetsAreMapped) {
  EXPECT_EQ(Answer(kBegin + Reset(NGHTTP2_REFUSED_STREAM)).code(), StatusCode::kUnavailable);
}

TEST_F(Unary, AResetAfterTheStatusIsTooLate) {
  EXPECT_TRUE(Answer(kBegin + Data(kReply) + kGood + Reset(NGHTTP2_INTERNAL_ERROR)).ok());
}

TEST_F(Unary, GoAwayEndsTheCallsAboveIt) {
  const absl::Status status = Answer(Settings() + GoAway(0));
  EXPECT_EQ(status.code(), StatusCode::kUnavailable) << status;
}

TEST_F(Unary, GoAwayLetsTheCallsBelowItEndAndTakesNoMore) {
  std::string greeting(4096, '\0');
  ASSERT_GT(recv(server_.get(), greeting.data(), greeting.size(), 0), 0);
  const std::string bytes = Settings() + GoAway(1) + Fields(kHello) + Data(kReply) + kGood;
  std::thread server([&] {
    // Said once the request is there: GOAWAY would keep it from being sent.
    pollfd request = {server_.get(), POLLIN, 0};
    EXPECT_EQ(poll(&request, 1, 20'000), 1);
    EXPECT_EQ(send(server_.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  });
  EXPECT_TRUE(CallNow().ok());
  server.join();
  EXPECT_TRUE(channel_->broken());
  EXPECT_EQ(CallNow().code(), StatusCode::kUnavailable);
}

TEST_F(Unary, GarbageBreaksTheConnection) {
  EXPECT_EQ(Answer(std::string(5000, 'g')).code(), StatusCode::kUnavailable);
}

TEST_F(Unary, EveryTruncationEndsTheCall) {
  const std::string whole = kBegin + Data(kReply) + kGood;
  for (size_t size = 0; size < whole.size(); ++size) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    server_.Reset(ends[1]);
    channel_ = *Channel::Create(OsHandle(ends[0]), {});
    EXPECT_EQ(Answer(whole.substr(0, size), true).code(), StatusCode::kUnavailable) << size;
  }
}

// One field of 4,000 bytes in the table, and then a byte for each time that it is said again.
TEST_F(Unary, AnHpackBombIsRefused) {
  std::string block = kHello + "\x40" +
                      "\x01"
                      "b" +
                      "\x7f\xa1\x1e" + std::string(4000, 'x');
  block += std::string(8000, '\xbe');
  const absl::Status status = Answer(Settings() + Fields(block));
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
}

TEST_F(Unary, EndlessContinuationsAreRefused) {
  std::string bytes = Settings() + Frame(NGHTTP2_HEADERS, 0, 1, kHello);
  for (int i = 0; i < 10'000; ++i) bytes += Frame(NGHTTP2_CONTINUATION, 0, 1, Field("a", "b"));
  const absl::Status status = Answer(bytes);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), StatusCode::kDeadlineExceeded) << status;
}

// The client answers each, and nobody reads the answers.
TEST_F(Unary, FloodsOfSettingsAndPingsEndTheConnection) {
  std::string bytes;
  for (int i = 0; i < 100'000; ++i)
    bytes += Settings() + Frame(NGHTTP2_PING, 0, 0, std::string(8, 'p'));
  EXPECT_EQ(Answer(bytes).code(), StatusCode::kUnavailable);
}

// Pushes are forbidden from when the server has acknowledged our settings.
TEST_F(Unary, PushesAreRefused) {
  const std::string acknowledged = Settings() + Frame(NGHTTP2_SETTINGS, 1, 0, "");
  EXPECT_EQ(Answer(acknowledged + Frame(NGHTTP2_PUSH_PROMISE, 4, 1, Number(2, 4) + kHello)).code(),
            StatusCode::kUnavailable);
}

TEST_F(Unary, ASilentServerIsLeftAtTheDeadline) {
  EXPECT_EQ(CallNow(Clock::now() + std::chrono::milliseconds(30)).code(),
            StatusCode::kDeadlineExceeded);
}

TEST_F(Unary, ErrandsToADeafServerAreBounded) {
  const std::string settings = Settings();
  ASSERT_EQ(send(server_.get(), settings.data(), settings.size(), 0), 9);
  StringValue large;
  large.set_value(std::string(1000, 'l'));
  for (size_t i = 0; i < 3 * Channel::kMaxErrands; ++i)
    channel_->Send("/a/b", large, std::chrono::hours(1));
  channel_.reset();
}

}  // namespace
}  // namespace vramd
