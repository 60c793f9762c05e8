// The log as proof: a handle came from vkGetMemoryWin32HandleNV and went by DuplicateHandle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/os_process.h"
#include "tests/support/broker_process.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

constexpr uint32_t kRgba8 = 37;     // VK_FORMAT_R8G8B8A8_UNORM
constexpr uint32_t kSampled = 0x4;  // VK_IMAGE_USAGE_SAMPLED_BIT

TEST(TraceTest, TheLogTellsWhereAHandleCameFromAndWhereItWent) {
  BrokerProcess broker;
  Client client = broker.Connect();
  AllocateInfo image = AllocateInfo::Image(kRgba8, 64, 64, kSampled);
  image.handle_type = VRAMD_HANDLE_NV_WIN32;
  const Lease lease = OrExit(client.Allocate(image));
  EXPECT_EQ(lease.recipe().handle_type, VRAMD_HANDLE_NV_WIN32);
  const std::string log = broker.Log();
  EXPECT_THAT(log,
              testing::ContainsRegex("event=get_memory_win32_handle_nv bytes=\\d+ value=\\d+"));
  EXPECT_THAT(log, testing::ContainsRegex(
                       "event=duplicate_handle process=" + std::to_string(OwnProcessId()) +
                       " request=\\d+ value=\\d+ rights=0x"));
}

}  // namespace
}  // namespace vramd
