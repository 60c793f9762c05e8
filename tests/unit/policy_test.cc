#include "daemon/policy.h"

#include <gmock/gmock.h>

#include "tests/unit/broker_fakes.h"

namespace vramd {
namespace {

using testing::HasSubstr;

struct GlobCase {
  const char* pattern;
  const char* text;
  bool fits;
};

class GlobTest : public testing::TestWithParam<GlobCase> {};

TEST_P(GlobTest, NameMatches) {
  EXPECT_EQ(NameMatches(GetParam().pattern, GetParam().text), GetParam().fits)
      << GetParam().pattern << " on " << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, GlobTest,
    testing::Values(
        GlobCase{"alice/obs/cam", "alice/obs/cam", true},
        GlobCase{"alice/obs/cam", "alice/obs/cams", false},
        GlobCase{"alice/obs/cams", "alice/obs/cam", false}, GlobCase{"*", "alice", true},
        GlobCase{"*", "", true}, GlobCase{"*", "alice/obs/cam", false},
        GlobCase{"*/*/*", "alice/obs/cam", true}, GlobCase{"*/*/*", "alice/obs", false},
        GlobCase{"*/*/*", "alice/obs/cam/era", false}, GlobCase{"alice/*", "alice/obs/cam", false},
        GlobCase{"alice/*/cam", "alice/obs/cam", true},
        GlobCase{"alice/*/cam", "alice/obs/x/cam", false},
        GlobCase{"alice/obs/*", "alice/obs/", true},
        GlobCase{"alice/obs/cam*", "alice/obs/cam", true},
        GlobCase{"alice/obs/cam*", "alice/obs/cam-1", true},
        GlobCase{"alice/obs/*-1", "alice/obs/cam-2-1", true},
        GlobCase{"alice/obs/*-1", "alice/obs/cam-1-2", false},
        GlobCase{"a*b*c/x", "aXbYbZc/x", true}, GlobCase{"a*b*c/x", "aXbYbZ/cx", false},
        GlobCase{"**/x", "abc/x", true}, GlobCase{"", "", true}, GlobCase{"", "a", false},
        // A name's own star is a letter like any other, and a pattern is not anchored anywhere
        // else.
        GlobCase{"a", "*", false}, GlobCase{"lice/obs/cam", "alice/obs/cam", false}));

TEST(PolicyTest, SubjectsMatch) {
  const Peer alice = MakePeer("alice", "1000", {"1000", "44"});
  Peer root = MakePeer("root", "0", {"0"});
  root.is_administrator = true;
  const auto matches = [](Subject::Kind kind, const char* id, const Peer& peer) {
    return Subject{kind, id}.Matches(peer);
  };
  EXPECT_TRUE(matches(Subject::Kind::kUser, "1000", alice));
  EXPECT_FALSE(matches(Subject::Kind::kUser, "alice", alice)) << "ids, not names";
  EXPECT_FALSE(matches(Subject::Kind::kUser, "44", alice));
  EXPECT_TRUE(matches(Subject::Kind::kGroup, "44", alice));
  EXPECT_FALSE(matches(Subject::Kind::kGroup, "0", alice));
  EXPECT_TRUE(matches(Subject::Kind::kAdministrator, "", root));
  EXPECT_FALSE(matches(Subject::Kind::kAdministrator, "", alice));
  EXPECT_TRUE(matches(Subject::Kind::kEveryone, "", alice));
}

TEST(PolicyTest, AnEmptyPolicyLetsNobodyInAndOpensOnesOwn) {
  const Policy policy;
  const Peer alice = MakePeer("alice", "1000");
  EXPECT_TRUE(absl::IsPermissionDenied(policy.CheckConnect(alice)));
  EXPECT_THAT(std::string(policy.CheckConnect(alice).message()), HasSubstr("policy.connect"));
  EXPECT_TRUE(policy.CheckOpen(alice, "1000", "alice/app/x").ok());
  EXPECT_TRUE(policy.CheckOpen(alice, "1000", "").ok());
  EXPECT_TRUE(absl::IsPermissionDenied(policy.CheckOpen(alice, "1001", "bob/app/x")));
}

TEST(PolicyTest, ARuleNeedsBothItsSubjectAndItsPattern) {
  Policy policy;
  policy.may_open = {{{Subject::Kind::kGroup, "44"}, "bob/obs/*"}};
  const Peer member = MakePeer("alice", "1000", {"44"});
  const Peer stranger = MakePeer("carol", "1002");
  EXPECT_TRUE(policy.CheckOpen(member, "1001", "bob/obs/cam").ok());
  EXPECT_FALSE(policy.CheckOpen(member, "1001", "bob/other/cam").ok());
  EXPECT_FALSE(policy.CheckOpen(stranger, "1001", "bob/obs/cam").ok());
}

TEST(PolicyTest, MemoryWithoutANameIsItsOwnersAlone) {
  Policy policy;
  policy.may_open = {{{Subject::Kind::kEveryone, ""}, "*"}, {{Subject::Kind::kEveryone, ""}, ""}};
  EXPECT_FALSE(policy.CheckOpen(MakePeer("alice", "1000"), "1001", "").ok());
}

TEST(PolicyTest, TheAdministratorNeedsARuleToo) {
  Peer root = MakePeer("root", "0");
  root.is_administrator = true;
  EXPECT_FALSE(Policy().CheckOpen(root, "1000", "alice/app/x").ok());
  Policy policy;
  policy.may_open = {{{Subject::Kind::kAdministrator, ""}, "*/*/*"}};
  EXPECT_TRUE(policy.CheckOpen(root, "1000", "alice/app/x").ok());
}

}  // namespace
}  // namespace vramd
