// Programs and libraries of two versions, in all four pairs, against one broker: see pair.c.
#include <gtest/gtest.h>

#include "tests/support/broker_process.h"

namespace vramd {
namespace {

struct Pair {
  const char* program;
  const char* library;
  const char* what;  // the library is
};

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

INSTANTIATE_TEST_SUITE_P(All, AbiPairTest,
                         testing::Values(Pair{VRAMD_PAIR_OLDER, VRAMD_LIBRARY_OLDER, "older"},
                                         Pair{VRAMD_PAIR_OLDER, VRAMD_LIBRARY_NEWER, "newer"},
                                         Pair{VRAMD_PAIR_NEWER, VRAMD_LIBRARY_OLDER, "older"},
                                         Pair{VRAMD_PAIR_NEWER, VRAMD_LIBRARY_NEWER, "newer"}),
                         [](const testing::TestParamInfo<Pair>& given) {
                           const bool program_is_newer =
                               std::string(given.param.program) == VRAMD_PAIR_NEWER;
                           return std::string(program_is_newer ? "Newer" : "Older") + "ProgramOn" +
                                  (given.param.what == std::string("newer") ? "Newer" : "Older") +
                                  "Library";
                         });

}  // namespace
}  // namespace vramd
