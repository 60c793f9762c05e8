// The broker's process as an object: what its own user, whose clients it serves, may do with it.
#include <gtest/gtest.h>

#include "ipc/peer_identity.h"
#include "tests/support/broker_process.h"
#include "tests/windows/access_list.h"

namespace vramd {
namespace {

TEST(ProcessGuardTest, NobodyButTheSystemMayTakeTheBrokersHandles) {
  BrokerProcess broker({"--null-device"});
  const OsHandle process(OpenProcess(READ_CONTROL, FALSE, broker.process().id()));
  ASSERT_TRUE(process.valid());
  const AccessList list(process.get());
  ASSERT_TRUE(list.present());
  EXPECT_EQ(list.AllowedTo({OwnUserId()}), DWORD{PROCESS_QUERY_LIMITED_INFORMATION | SYNCHRONIZE |
                                                 PROCESS_TERMINATE | READ_CONTROL});
  EXPECT_EQ(list.AllowedTo({"S-1-3-4"}), DWORD{READ_CONTROL}) << "or the owner changes the list";
  for (const char* other : {"S-1-1-0", "S-1-5-11", "S-1-5-4", "S-1-5-32-545"})
    EXPECT_EQ(list.AllowedTo({other}), 0u) << other;
  for (const char* full : {"S-1-5-18", "S-1-5-32-544"})
    EXPECT_NE(list.AllowedTo({full}) & PROCESS_TERMINATE, 0u) << full;
}

}  // namespace
}  // namespace vramd
