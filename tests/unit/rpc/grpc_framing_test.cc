// Framing and status tables, on bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nghttp2/nghttp2.h"
#include "rpc/grpc_framing.h"
#include "rpc/status_map.h"

namespace vramd {
namespace {

using std::chrono::nanoseconds;
using ::testing::ElementsAre;

TEST(GrpcFraming, MessagesComeOutWholeHoweverTheBytesAreCut) {
  const std::string bytes = MessagePrefix(3) + "abc" + MessagePrefix(0) + MessagePrefix(1) + "d";
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    MessageReader reader;
    std::deque<std::string> messages;
    for (size_t at = 0; at < bytes.size(); at += piece)
      ASSERT_TRUE(reader.Feed(absl::string_view(bytes).substr(at, piece), &messages).ok());
    EXPECT_THAT(messages, ElementsAre("abc", "", "d")) << piece;
    EXPECT_EQ(reader.partial_size(), 0u);
  }
}

TEST(GrpcFraming, CompressedAndOversizeMessagesAreRefusedByTheirPrefix) {
  std::deque<std::string> messages;
  std::string compressed = MessagePrefix(1);
  compressed[0] = 1;
  EXPECT_EQ(MessageReader().Feed(compressed, &messages).code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(MessageReader().Feed(MessagePrefix(kMaxMessageSize), &messages).ok());
  EXPECT_EQ(MessageReader().Feed(MessagePrefix(kMaxMessageSize + 1), &messages).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(MessageReader().Feed(absl::string_view("\0\xff\xff\xff\xff", 5), &messages).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(GrpcFraming, StatusMessagesAreDecodedAndMadeUtf8) {
  EXPECT_EQ(DecodeStatusMessage("a%20b%25%0A"), "a b%\n");
  EXPECT_EQ(DecodeStatusMessage("%C3%A4 %c3%a4"), "\xc3\xa4 \xc3\xa4");
  EXPECT_EQ(DecodeStatusMessage("100%"), "100%");
  EXPECT_EQ(DecodeStatusMessage("%2 %zz %"), "%2 %zz %");
  EXPECT_EQ(DecodeStatusMessage("a%FFb%C3"),
            "a\xef\xbf\xbd"
            "b\xef\xbf\xbd");
  EXPECT_EQ(DecodeStatusMessage(""), "");
}

TEST(GrpcFraming, TimeoutsAreRoundedUpToEightDigits) {
  EXPECT_EQ(TimeoutText(nanoseconds(-5)), "0n");
  EXPECT_EQ(TimeoutText(nanoseconds(99'999'999)), "99999999n");
  EXPECT_EQ(TimeoutText(nanoseconds(100'000'001)), "100001u");
  EXPECT_EQ(TimeoutText(std::chrono::seconds(20)), "20000000u");
  EXPECT_EQ(TimeoutText(std::chrono::hours(24)), "86400000m");
  EXPECT_EQ(TimeoutText(std::chrono::hours(24 * 365 * 200)), "1752000H");
}

TEST(GrpcFraming, BinaryMetadataIsBase64WithoutPadding) {
  EXPECT_EQ(MetadataText("token-bin", "\xff\xfe"), "//4");
  EXPECT_EQ(MetadataText("token-bin", "abc"), "YWJj");
  EXPECT_EQ(MetadataText("token-bin", ""), "");
  EXPECT_EQ(MetadataText("token", "\x01"), "\x01");
}

TEST(StatusMap, FollowsGrpcsTables) {
  EXPECT_EQ(CodeOfHttpStatus(400), absl::StatusCode::kInternal);
  EXPECT_EQ(CodeOfHttpStatus(401), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(CodeOfHttpStatus(403), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOfHttpStatus(404), absl::StatusCode::kUnimplemented);
  for (const int status : {429, 502, 503, 504})
    EXPECT_EQ(CodeOfHttpStatus(status), absl::StatusCode::kUnavailable) << status;
  for (const int status : {0, 200, 302, 418, 500})
    EXPECT_EQ(CodeOfHttpStatus(status), absl::StatusCode::kUnknown) << status;
  EXPECT_EQ(CodeOfHttp2Error(NGHTTP2_REFUSED_STREAM), absl::StatusCode::kUnavailable);
  EXPECT_EQ(CodeOfHttp2Error(NGHTTP2_CANCEL), absl::StatusCode::kCancelled);
  EXPECT_EQ(CodeOfHttp2Error(NGHTTP2_ENHANCE_YOUR_CALM), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(CodeOfHttp2Error(NGHTTP2_INADEQUATE_SECURITY), absl::StatusCode::kPermissionDenied);
  for (const uint32_t error : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 9u, 10u, 13u, 14u, 99u})
    EXPECT_EQ(CodeOfHttp2Error(error), absl::StatusCode::kInternal) << error;
  EXPECT_EQ(CodeOfText("0"), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOfText("16"), absl::StatusCode::kUnauthenticated);
  for (const char* text : {"17", "-1", "", "x", "99999999999"})
    EXPECT_EQ(CodeOfText(text), absl::StatusCode::kUnknown) << text;
}

}  // namespace
}  // namespace vramd
