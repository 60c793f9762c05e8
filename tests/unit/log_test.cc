#include "base/log.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace vramd {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override {
    EXPECT_TRUE(log::Configure(log::Level::kInfo).ok());
    std::filesystem::remove(path_);
  }
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    std::ifstream file(path_);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  const std::string path_ = (std::filesystem::temp_directory_path() /
                             ("vramd-log-" + std::to_string(reinterpret_cast<uintptr_t>(this)) +
                              testing::UnitTest::GetInstance()->current_test_info()->name()))
                                .string();
};

TEST_F(LogTest, PlainValuesStandPlainOthersInQuotes) {
  ASSERT_TRUE(log::Configure(log::Level::kInfo, path_).ok());
  log::Info("allocate", {{"bytes", 42}, {"user", "alice"}, {"why", "no room"}, {"empty", ""}});
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_THAT(Lines()[0],
              EndsWith("info event=allocate bytes=42 user=alice why=\"no room\" empty=\"\""));
}

TEST_F(LogTest, AValueCannotForgeALineNorAField) {
  ASSERT_TRUE(log::Configure(log::Level::kInfo, path_).ok());
  for (const std::string& evil :
       {std::string("x\n2000-01-01 info event=session_begin peer=root"), std::string("x\r\ny"),
        std::string("x\" code=OK \""), std::string("x\0y", 3), std::string("\x1b[2J"),
        std::string("\xe2\x80\xa8")})
    log::Warning("refused", {{"peer", evil}, {"code", "DENIED"}});
  const auto lines = Lines();
  ASSERT_EQ(lines.size(), 6u);
  for (const std::string& line : lines) {
    EXPECT_THAT(line, HasSubstr("event=refused peer=\""));
    EXPECT_THAT(line, EndsWith("\" code=DENIED"));
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c < 0x7f; }))
        << line;
  }
  EXPECT_THAT(lines[0], HasSubstr("x\\n2000"));
  EXPECT_THAT(lines[2], HasSubstr("x\\\" code=OK \\\""));
}

TEST_F(LogTest, FormatSignsInAValueAreText) {
  ASSERT_TRUE(log::Configure(log::Level::kInfo, path_).ok());
  log::Info("x", {{"a", "{}"}, {"b", "%s%n"}});
  ASSERT_EQ(Lines().size(), 1u);
  EXPECT_THAT(Lines()[0], EndsWith("event=x a={} b=%s%n"));
}

TEST_F(LogTest, TheLevelDecides) {
  ASSERT_TRUE(log::Configure(log::Level::kWarning, path_).ok());
  log::Info("unseen");
  log::Error("seen");
  log::SetLevel(log::Level::kDebug);
  log::Debug("seen_too");
  ASSERT_EQ(Lines().size(), 2u);
  EXPECT_THAT(Lines()[0], EndsWith("error event=seen"));
  EXPECT_THAT(Lines()[1], EndsWith("debug event=seen_too"));
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsAnErrorAndChangesNothing) {
  ASSERT_TRUE(log::Configure(log::Level::kInfo, path_).ok());
  const absl::Status status =
      log::Configure(log::Level::kInfo, (std::filesystem::temp_directory_path()).string());
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(std::filesystem::temp_directory_path().string()));
  log::Info("still_here");
  EXPECT_EQ(Lines().size(), 1u);
}

}  // namespace
}  // namespace vramd
