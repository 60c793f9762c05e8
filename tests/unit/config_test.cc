#include "daemon/config.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_replace.h"
#include "ipc/peer_identity.h"
#include "tests/unit/accounts.h"

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ConfigTest : public testing::Test {
 protected:
  ~ConfigTest() override { std::filesystem::remove(path_); }

  absl::StatusOr<Config> Load(const std::string& text) {
    std::ofstream(path_, std::ios::binary) << text;
    return LoadConfig(path_);
  }
  // The message must begin with the file and this line.
  void ExpectError(const std::string& text, int line, const char* words) {
    const auto config = Load(text);
    ASSERT_TRUE(absl::IsInvalidArgument(config.status())) << config.status() << " for\n" << text;
    const std::string message(config.status().message());
    EXPECT_THAT(message, StartsWith(path_ + ":" + std::to_string(line) + ": ")) << text;
    EXPECT_THAT(message, HasSubstr(words));
  }

  // Unique among tests that run at the same time.
  const std::string path_ = (std::filesystem::temp_directory_path() /
                             ("vramd-config-" +
                              std::to_string(std::hash<std::string>()(std::string(
                                  testing::UnitTest::GetInstance()->current_test_info()->name()))) +
                              "-" + std::to_string(reinterpret_cast<uintptr_t>(this)) + ".toml"))
                                .string();
};

std::string Sample() {
  std::ifstream file(VRAMD_SOURCE_DIR "/deploy/vramd.toml");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void ExpectSame(const QuotaLimits& a, const QuotaLimits& b) {
  EXPECT_EQ(a.bytes, b.bytes);
  EXPECT_EQ(a.allocations, b.allocations);
  EXPECT_EQ(a.handles, b.handles);
  EXPECT_EQ(a.streams, b.streams);
  EXPECT_EQ(a.consumers, b.consumers);
  EXPECT_EQ(a.sessions, b.sessions);
}

TEST_F(ConfigTest, TheSampleSaysTheDefaults) {
  const auto sample = Load(Sample());
  ASSERT_TRUE(sample.ok()) << sample.status();
  const Config defaults = DefaultConfig();
  EXPECT_EQ(sample->endpoint, defaults.endpoint);
  EXPECT_EQ(sample->access_group, defaults.access_group);
  EXPECT_EQ(sample->devices, defaults.devices);
  EXPECT_EQ(sample->wait_for_device, defaults.wait_for_device);
  EXPECT_EQ(sample->exporter, defaults.exporter);
  EXPECT_EQ(sample->log_level, defaults.log_level);
  EXPECT_EQ(sample->log_file, defaults.log_file);
  EXPECT_EQ(sample->drain_timeout, defaults.drain_timeout);
  EXPECT_EQ(sample->limits.device_wait, defaults.limits.device_wait);
  EXPECT_EQ(sample->limits.sessions, defaults.limits.sessions);
  ExpectSame(sample->limits.session, defaults.limits.session);
  ExpectSame(sample->limits.user, defaults.limits.user);
  EXPECT_EQ(sample->policy.may_connect.size(), defaults.policy.may_connect.size());
  EXPECT_TRUE(sample->policy.may_open.empty());
}

TEST_F(ConfigTest, TheSamplesExampleWorks) {
  // What is commented out and not prose has no space after its #.
  std::istringstream sample(Sample());
  std::string text;
  for (std::string line; std::getline(sample, line);)
    text += (line.size() > 1 && line[0] == '#' && line[1] != ' ' ? line.substr(1) : line) + "\n";
  const auto config = Load(text);
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->policy.may_open.size(), 1u);
  EXPECT_EQ(config->policy.may_open[0].names, "alice/obs/*");
}

TEST_F(ConfigTest, AnEmptyFileMeansTheDefaults) {
  const auto config = Load("");
  ASSERT_TRUE(config.ok());
  ExpectSame(config->limits.user, DefaultConfig().limits.user);
  Peer own;
  own.user_id = OwnUserId();
  EXPECT_TRUE(config->policy.CheckConnect(own).ok());
  Peer stranger;
  stranger.user_id = "54321";
  EXPECT_FALSE(config->policy.CheckConnect(stranger).ok());
}

TEST_F(ConfigTest, EveryKeyIsRead) {
  const std::string text = R"(
[broker]
endpoint = "/tmp/x.sock"
access_group = "$group"
devices = ["0", "radeon"]
wait_for_device = true
exporter = "dma_buf"
log_level = "debug"
log_file = "/tmp/x.log"
drain_timeout_ms = 1
device_wait_ms = 2
max_sessions = 3
[quota.session]
bytes = 4
allocations = 5
handles = 6
streams = 11
consumers = 12
[quota.user]
bytes = 7
allocations = 8
handles = 9
streams = 13
consumers = 14
sessions = 10
[policy]
connect = ["$user", "@$group", "*"]
[[policy.open]]
who = "@$group"
names = "alice/*/*"
[[policy.open]]
who = "$user"
names = "bob/x/y"
)";
  const auto config =
      Load(absl::StrReplaceAll(text, {{"$user", AccountId(4711)}, {"$group", AccountId(4712)}}));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->endpoint, "/tmp/x.sock");
  EXPECT_EQ(config->access_group, AccountId(4712));
  EXPECT_THAT(config->devices, ElementsAre("0", "radeon"));
  EXPECT_TRUE(config->wait_for_device);
  EXPECT_EQ(config->exporter, HandleType::kDmaBuf);
  EXPECT_EQ(config->log_level, log::Level::kDebug);
  EXPECT_EQ(config->log_file, "/tmp/x.log");
  EXPECT_EQ(config->drain_timeout.count(), 1);
  EXPECT_EQ(config->limits.device_wait.count(), 2);
  EXPECT_EQ(config->limits.sessions, 3u);
  ExpectSame(config->limits.session,
             {.bytes = 4, .allocations = 5, .handles = 6, .streams = 11, .consumers = 12});
  ExpectSame(
      config->limits.user,
      {.bytes = 7, .allocations = 8, .handles = 9, .streams = 13, .consumers = 14, .sessions = 10});
  const Policy& policy = config->policy;
  ASSERT_EQ(policy.may_connect.size(), 5u);  // after the own user and the administrator
  EXPECT_EQ(policy.may_connect[2].kind, Subject::Kind::kUser);
  EXPECT_EQ(policy.may_connect[2].id, AccountId(4711));
  EXPECT_EQ(policy.may_connect[3].kind, Subject::Kind::kGroup);
  EXPECT_EQ(policy.may_connect[3].id, AccountId(4712));
  EXPECT_EQ(policy.may_connect[4].kind, Subject::Kind::kEveryone);
  ASSERT_EQ(policy.may_open.size(), 2u);
  EXPECT_EQ(policy.may_open[0].who.id, AccountId(4712));
  EXPECT_EQ(policy.may_open[1].names, "bob/x/y");
}

TEST_F(ConfigTest, UnknownKeysAreErrorsEverywhere) {
  ExpectError("\n[brokre]\n", 2, "unknown key \"brokre\"");
  ExpectError("[broker]\nendpont = \"/x\"\n", 2, "unknown key \"endpont\"");
  ExpectError("[quota]\n\n[quota.group]\nbytes = 1\n", 3, "unknown key \"group\"");
  ExpectError("[quota.user]\nbyte = 1\n", 2, "unknown key \"byte\"");
  ExpectError("[quota.session]\nsessions = 1\n", 2, "unknown key \"sessions\"");
  ExpectError("[policy]\nallow = []\n", 2, "unknown key \"allow\"");
  ExpectError("[[policy.open]]\nwho = \"*\"\nname = \"a/b/c\"\n", 3, "unknown key \"name\"");
}

TEST_F(ConfigTest, WrongTypesAreErrors) {
  ExpectError("broker = 1\n", 1, "broker must be a table");
  ExpectError("[broker]\nendpoint = 1\n", 2, "endpoint has the wrong type");
  ExpectError("[broker]\nmax_sessions = \"many\"\n", 2, "max_sessions has the wrong type");
  ExpectError("[broker]\nmax_sessions = 1.5\n", 2, "max_sessions has the wrong type");
  ExpectError("[broker]\ndevices = \"0\"\n", 2, "devices must be a list");
  ExpectError("[broker]\ndevices = [\n\"0\",\n1]\n", 4, "devices must be a list");
  ExpectError("[policy]\nopen = []\nconnect = true\n", 3, "connect must be a list");
  ExpectError("[policy.open]\nwho = \"*\"\n", 1, "[[policy.open]]");
}

TEST_F(ConfigTest, BadValuesAreErrors) {
  ExpectError("[broker]\n\nlog_level = \"loud\"\n", 3, "log level \"loud\" is unknown");
  ExpectError("[broker]\nexporter = \"magic\"\n", 2, "no exporter is called \"magic\"");
  ExpectError("[broker]\nmax_sessions = 0\n", 2, "max_sessions must be at least 1");
  ExpectError("[quota.user]\nbytes = -1\n", 2, "bytes must be at least 1");
  ExpectError("[broker]\ndevice_wait_ms = 9223372036854775807\n", 2, "device_wait_ms");
  ExpectError("[broker]\ndrain_timeout_ms = 86400001\n", 2, "at most 86400000");
  ExpectError("[[policy.open]]\nwho = \"*\"\n", 1, "names is missing");
  ExpectError("[[policy.open]]\nwho = \"*\"\nnames = \"alice/*\"\n", 1, "user/application/label");
  ExpectError("[[policy.open]]\nwho = \"\"\nnames = \"a/b/c\"\n", 1, "is missing");
}

TEST_F(ConfigTest, AccountsThatDoNotExistAreErrors) {
  ExpectError("[policy]\n\nconnect = [\"no-such-user-here\"]\n", 3,
              "no user \"no-such-user-here\"");
  ExpectError("[policy]\nconnect = [\"*\",\n\"@no-such-group-here\"]\n", 3, "no group");
  ExpectError("[policy]\nconnect = [\"@\"]\n", 2, "no group \"\"");
  ExpectError("\n[[policy.open]]\nwho = \"no-such-user-here\"\nnames = \"a/b/c\"\n", 2, "no user");
}

TEST_F(ConfigTest, BrokenSyntaxIsNamedWithItsLine) {
  ExpectError("[broker]\nendpoint = \n", 2, "");
  ExpectError("[broker]\nendpoint = \"a\"\nendpoint = \"b\"\n", 3, "");
  ExpectError("[broker]\nendpoint = \"\xff\"\n", 2, "");
  for (const char* header : {"[\x01]", "[=]", "[", "[[", "[\xc3\xa9]", "[ #"})
    ExpectError(std::string("\n") + header + "\n", 2, "");
}

TEST_F(ConfigTest, AMissingFileIsAnError) {
  const auto config = LoadConfig(path_ + "-not-here");
  EXPECT_FALSE(config.ok());
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(path_ + "-not-here"));
}

TEST(LogLevelTest, Words) {
  EXPECT_EQ(ParseLogLevel("debug").value(), log::Level::kDebug);
  EXPECT_EQ(ParseLogLevel("error").value(), log::Level::kError);
  EXPECT_FALSE(ParseLogLevel("").ok());
  EXPECT_FALSE(ParseLogLevel("Info").ok());
}

TEST(AllowGroupTest, AddsTheGroupAndRefusesAnUnknownOne) {
  Policy policy;
  EXPECT_TRUE(AllowGroup(AccountId(4711), &policy).ok());
  Peer member;
  member.group_ids = {AccountId(4711)};
  EXPECT_TRUE(policy.CheckConnect(member).ok());
  EXPECT_FALSE(AllowGroup("no-such-group-here", &policy).ok());
  EXPECT_EQ(policy.may_connect.size(), 1u);
}

}  // namespace
}  // namespace vramd
