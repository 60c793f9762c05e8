// What the doctor sees of a socket's directory. Windows' pipes lie in none.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/integration/vramctl_fixture.h"

namespace vramd {
namespace {

TEST_F(VramctlTest, DoctorSeesADirectoryThatOthersCanWrite) {
  std::filesystem::permissions(broker_.directory(), std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(Verdicts(Run({"doctor", "--json"}), "endpoint"),
              testing::ElementsAre("ok", "problem"));
}

}  // namespace
}  // namespace vramd
