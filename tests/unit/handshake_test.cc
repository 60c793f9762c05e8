#include "ipc/handshake.h"

#include <gmock/gmock.h>

namespace vramd {
namespace {

using testing::HasSubstr;

ServerHello SomeWelcome() {
  ServerHello hello;
  hello.features = 0xa5;
  hello.session = SessionId{0x0102030405060708};
  for (size_t i = 0; i < hello.token.size(); ++i) hello.token[i] = static_cast<uint8_t>(i + 1);
  return hello;
}

TEST(ClientHelloTest, RoundTrip) {
  const auto decoded = DecodeClientHello(Encode(ClientHello{.minor = 7, .features = 0x80000001}));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->major, kProtocolMajor);
  EXPECT_EQ(decoded->minor, 7);
  EXPECT_EQ(decoded->features, 0x80000001u);
}

TEST(ClientHelloTest, TheBytesAreFrozen) {
  const ClientHelloBytes bytes = Encode(ClientHello{.minor = 2, .features = 0x04030201});
  const std::string expected("vramd-c\n\x01\x00\x02\x00\x01\x02\x03\x04", 16);
  EXPECT_EQ(std::string(bytes.begin(), bytes.begin() + 16), expected);
  EXPECT_EQ(std::string(bytes.begin() + 16, bytes.end()), std::string(16, '\0'));
}

// Each byte of a greeting is either checked or has a meaning of its own.
TEST(ClientHelloTest, EveryCorruptedByteIsSeen) {
  const ClientHelloBytes good = Encode(ClientHello{});
  for (size_t at = 0; at < good.size(); ++at) {
    ClientHelloBytes bad = good;
    bad[at] ^= 0x40;
    const auto decoded = DecodeClientHello(bad);
    if (at < 8 || at >= 16) {
      EXPECT_TRUE(absl::IsInvalidArgument(decoded.status())) << at << ": " << decoded.status();
    } else if (at < 10) {
      EXPECT_TRUE(absl::IsFailedPrecondition(decoded.status())) << at << ": " << decoded.status();
    } else {
      EXPECT_TRUE(decoded.ok()) << at;  // minor version and features are free
    }
  }
}

TEST(ClientHelloTest, AStrangersFirstBytesAreShown) {
  ClientHelloBytes bytes{};
  const char http[] = "GET / HTTP/1.1\r\n";
  std::copy(http, http + 16, bytes.begin());
  const auto decoded = DecodeClientHello(bytes);
  EXPECT_THAT(std::string(decoded.status().message()), HasSubstr("\"GET / HT\""));
}

TEST(ClientHelloTest, AnotherMajorVersionIsNamed) {
  const auto decoded = DecodeClientHello(Encode(ClientHello{.major = 9}));
  EXPECT_THAT(std::string(decoded.status().message()), HasSubstr("protocol 9, this side speaks 1"));
}

TEST(ServerHelloTest, RoundTripOfAWelcome) {
  const ServerHello sent = SomeWelcome();
  const auto decoded = DecodeServerHello(Encode(sent));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_TRUE(decoded->refusal.ok());
  EXPECT_EQ(decoded->session, sent.session);
  EXPECT_EQ(decoded->token, sent.token);
  EXPECT_EQ(decoded->features, sent.features);
}

TEST(ServerHelloTest, RoundTripOfARefusal) {
  const auto decoded =
      DecodeServerHello(Encode(ServerHello{.refusal = absl::PermissionDeniedError("not you")}));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->refusal, absl::PermissionDeniedError("not you"));
}

TEST(ServerHelloTest, ALongRefusalIsCut) {
  const std::string words(1000, 'w');
  const auto decoded =
      DecodeServerHello(Encode(ServerHello{.refusal = absl::UnavailableError(words)}));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->refusal, absl::UnavailableError(words.substr(0, kMaxRefusalText)));
}

TEST(ServerHelloTest, ARefusalInAnotherVersionCanBeRead) {
  const ServerHello sent{.major = 9, .refusal = absl::FailedPreconditionError("too old")};
  const auto decoded = DecodeServerHello(Encode(sent));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->refusal.message(), "too old");
  ServerHello welcome = SomeWelcome();
  welcome.major = 9;
  EXPECT_TRUE(absl::IsFailedPrecondition(DecodeServerHello(Encode(welcome)).status()));
}

TEST(ServerHelloTest, ACodeThatNobodyKnowsIsStillARefusal) {
  ServerHelloBytes bytes = Encode(ServerHello{.refusal = absl::UnavailableError("no")});
  for (const uint8_t code : {0x63, 0xff}) {
    for (size_t at = 16; at < 20; ++at) bytes[at] = code;
    const auto decoded = DecodeServerHello(bytes);
    ASSERT_TRUE(decoded.ok());
    EXPECT_FALSE(decoded->refusal.ok());
    EXPECT_EQ(decoded->refusal.message(), "no");
  }
}

TEST(ServerHelloTest, EveryCorruptedByteOfAWelcomeIsSeen) {
  const ServerHello sent = SomeWelcome();
  const ServerHelloBytes good = Encode(sent);
  for (size_t at = 0; at < good.size(); ++at) {
    ServerHelloBytes bad = good;
    bad[at] ^= 0x40;
    const auto decoded = DecodeServerHello(bad);
    const bool free = (at >= 10 && at < 16);  // minor version, features
    const bool unchanged = decoded.ok() && decoded->refusal.ok() &&
                           decoded->session == sent.session && decoded->token == sent.token;
    EXPECT_EQ(unchanged, free) << "byte " << at;
  }
}

}  // namespace
}  // namespace vramd
