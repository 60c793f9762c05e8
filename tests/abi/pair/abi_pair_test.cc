// Programs and libraries of two versions, in all four pairs, against one broker: see pair.c.
#include <gtest/gtest.h>

#include "tests/support/broker_process.h"

namespace vramd {
namespace {

struct Pair {
  const char* name;
  const char* program;
  const char* library;
  const char* what;  // the library is
};

void PrintTo(const Pair& pair, std::ostream* out) { *out << pair.name; }

class AbiPairTest : public testing::TestWithParam<Pair> {
 protected:
  BrokerProcess broker_;
};

TEST_P(AbiPairTest, EveryCallThatTakesOrFillsAStructBehaves) {
  ChildProcess program({.command = {GetParam().program, broker_.endpoint(), GetParam().what},
                        .environment = {{"LD_LIBRARY_PATH", GetParam().library}},
                        .output_file = ""});
  EXPECT_EQ(program.Wait(std::chrono::minutes(2)), 0);
}

INSTANTIATE_TEST_SUITE_P(
    All, AbiPairTest,
    testing::Values(
        Pair{"OlderProgramOnOlderLibrary", VRAMD_PAIR_OLDER, VRAMD_LIBRARY_OLDER, "older"},
        Pair{"OlderProgramOnNewerLibrary", VRAMD_PAIR_OLDER, VRAMD_LIBRARY_NEWER, "newer"},
        Pair{"NewerProgramOnOlderLibrary", VRAMD_PAIR_NEWER, VRAMD_LIBRARY_OLDER, "older"},
        Pair{"NewerProgramOnNewerLibrary", VRAMD_PAIR_NEWER, VRAMD_LIBRARY_NEWER, "newer"}),
    [](const testing::TestParamInfo<Pair>& given) { return std::string(given.param.name); });

}  // namespace
}  // namespace vramd
