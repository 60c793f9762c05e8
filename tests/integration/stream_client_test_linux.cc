// Streams of a process that has no file descriptor left.
#include <gtest/gtest.h>

#include "tests/integration/stream_fixture.h"
#include "tests/support/descriptor_limit_linux.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {
namespace {

// The broker has made the ring, and may make 32 that are not retired.
TEST_F(StreamTest, ARingWhoseHandlesDoNotArriveIsGivenBack) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "the sanitizer's check of virtual calls needs a descriptor, too";
#endif
  Client client = broker_.Connect();
  Producer producer = OrExit(Producer::Create(client, BufferStream(4096)));
  const auto consumer = StartConsumer({"mode=fifo", "limit=2"});
  ASSERT_TRUE(producer.AwaitConsumers(1, std::chrono::seconds(30)).ok());
  for (int i = 0; i < 40; ++i) {
    const DescriptorLimit none(DescriptorLimit::Next());
    const Status refused = producer.Resize(BufferStream(8192));
    ASSERT_EQ(refused.code(), VRAMD_RESOURCE_EXHAUSTED) << refused.ToString();
    ASSERT_NE(refused.message().find("file descriptor"), std::string::npos) << refused.ToString();
  }
  const Status resized = producer.Resize(BufferStream(8192));
  EXPECT_TRUE(resized.ok()) << resized.ToString();
  OrExit(producer.Acquire()).Abandon();
  EXPECT_TRUE(producer.End(VRAMD_END_FINISHED).ok());
  EXPECT_EQ(consumer->Report()["end"], uint64_t{VRAMD_END_FINISHED});
}

}  // namespace
}  // namespace vramd
