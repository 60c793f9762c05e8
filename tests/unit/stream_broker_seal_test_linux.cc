// A board that its producer can still open for others to write. On Windows a handle carries its
// rights, so that there is nothing to seal.
#include <gmock/gmock.h>

#include "tests/unit/stream_broker_fakes.h"

namespace vramd {
namespace {

TEST_F(StreamBrokerTest, AnUnsealedBoardGetsNoName) {
  const auto created = Create(kAlice, SmallStream("app/cam"));
  ASSERT_TRUE(created.ok()) << created.status();
  const absl::Status unsealed = streams_->Start(kAlice, created->part);
  EXPECT_TRUE(absl::IsFailedPrecondition(unsealed));
  EXPECT_THAT(std::string(unsealed.message()), testing::HasSubstr("not sealed"));
  EXPECT_THAT(NamesFor(kAlice), testing::IsEmpty());

  ASSERT_TRUE(RefuseWriters(created->board).ok());
  EXPECT_TRUE(streams_->Start(kAlice, created->part).ok());
  EXPECT_THAT(NamesFor(kAlice), testing::ElementsAre("alice/app/cam"));
}

}  // namespace
}  // namespace vramd
