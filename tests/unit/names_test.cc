#include "daemon/names.h"

#include <gmock/gmock.h>

#include "tests/unit/broker_fakes.h"

namespace vramd {
namespace {

const Peer& Alice() {
  static const Peer alice = MakePeer("alice", "1000");
  return alice;
}

TEST(NamesTest, AShortNameMeansOnesOwn) {
  EXPECT_EQ(WholeName("app/x", Alice()).value(), "alice/app/x");
  EXPECT_EQ(WholeName("App-1.0/cam_2", Alice()).value(), "alice/App-1.0/cam_2");
  EXPECT_EQ(WholeName("./..", Alice()).value(), "alice/./..") << "names are no paths";
}

TEST(NamesTest, AWholeNameStays) {
  EXPECT_EQ(WholeName("bob/app/x", Alice()).value(), "bob/app/x");
  EXPECT_EQ(WholeName("DOM\\bob smith/app/x", Alice()).value(), "DOM\\bob smith/app/x");
}

class BadNameTest : public testing::TestWithParam<std::string> {};

TEST_P(BadNameTest, IsRefusedAndShownInAMessageOfOneLine) {
  for (const auto& refused : {WholeName(GetParam(), Alice()), OwnName(GetParam(), Alice())}) {
    EXPECT_TRUE(absl::IsInvalidArgument(refused.status())) << refused.status();
    EXPECT_EQ(refused.status().message().find('\n'), absl::string_view::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(All, BadNameTest,
                         testing::Values("", "/", "//", "///", "app", "app/", "/x", "/app/x",
                                         "a//x", "a/b/", "a/b/c/d", "app/x y", "app/x\n", "a pp/x",
                                         "app/\xc3\xa9", "app/*", "app/x\\y",
                                         std::string("app/x\0y", 7), std::string("\0", 1),
                                         "alice/app/x/", "app/" + std::string(197, 'x'),
                                         "alice/app/" + std::string(197, 'x'),
                                         std::string(60, 'u') + "/app/" + std::string(196, 'x'),
                                         std::string(5000, '/'), std::string(100000, 'x')));

TEST(NamesTest, LimitsAreExact) {
  const std::string longest = "app/" + std::string(196, 'x');
  EXPECT_EQ(longest.size(), kMaxNameBytes);
  EXPECT_TRUE(WholeName(longest, Alice()).ok());
  EXPECT_TRUE(WholeName("alice/" + longest, Alice()).ok());
  EXPECT_TRUE(WholeName(longest, MakePeer(std::string(54, 'u'), "1")).ok());
  EXPECT_FALSE(WholeName(longest, MakePeer(std::string(55, 'u'), "1")).ok());
}

TEST(NamesTest, OnlyOnesOwnNameCanBePublished) {
  EXPECT_EQ(OwnName("app/x", Alice()).value(), "alice/app/x");
  EXPECT_EQ(OwnName("alice/app/x", Alice()).value(), "alice/app/x");
  for (const char* name : {"bob/app/x", "alic/app/x", "alicee/app/x", "Alice/app/x", "1000/app/x"})
    EXPECT_TRUE(absl::IsPermissionDenied(OwnName(name, Alice()).status())) << name;
}

}  // namespace
}  // namespace vramd
