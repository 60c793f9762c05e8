// vramctl top on a terminal, which script(1) of util-linux is here.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/integration/vramctl_fixture.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

constexpr char kScript[] = "/usr/bin/script";

TEST_F(VramctlTest, TopTakesTheTerminalAndGivesItBack) {
  if (!std::filesystem::exists(kScript)) GTEST_SKIP() << "needs script(1)";
  if (Run({"top", "--help"}).text.find("ncurses)") == std::string::npos)
    GTEST_SKIP() << "this vramctl is built without ncurses";
  StreamInfo info = StreamInfo::Image("top/seen", /*format=*/37, 64, 64, /*usage=*/1);
  const Producer producer = OrExit(Producer::Create(client_, info));
  const std::string command = "'" VRAMD_VRAMCTL_PROGRAM "' --endpoint '" + broker_.endpoint() +
                              "' top --count 2 --interval 0.1";
  ChildProcess top({.command = {kScript, "-qec", command, PathOf("screen")},
                    .environment = {{"TERM", "xterm"}, {"LINES", "24"}, {"COLUMNS", "100"}}});
  while (top.ReadLine()) continue;
  EXPECT_EQ(top.Wait(), 0);
  std::ostringstream text;
  text << std::ifstream(PathOf("screen"), std::ios::binary).rdbuf();
  const std::string screen = text.str();
  EXPECT_THAT(screen, HasSubstr("q ends"));
  EXPECT_THAT(screen, HasSubstr(producer.name()));
  const size_t taken = screen.find("\x1b[?1049h"), given_back = screen.rfind("\x1b[?1049l");
  ASSERT_NE(taken, std::string::npos);
  ASSERT_NE(given_back, std::string::npos);
  EXPECT_LT(taken, given_back);
}

}  // namespace
}  // namespace vramd
