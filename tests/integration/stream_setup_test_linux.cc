// What Windows does not have: a board whose writers must be sealed out, a lane that can fill up.
#include <gmock/gmock.h>

#include <thread>

#include "tests/integration/stream_setup_fixture.h"

namespace vramd {
namespace {

using Followed = StreamParty::Followed;

TEST_F(StreamSetupTest, AnUnsealedBoardStartsNothing) {
  v1::CreateStreamReply created;
  ASSERT_TRUE(alice_.Create(StreamOf("setup/cam"), &created).ok());
  const grpc::Status status = alice_.Start(created.part_id());
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), testing::HasSubstr("sealed"));
  EXPECT_EQ(alice_.List().streams_size(), 0);
}

TEST_F(StreamSetupTest, WhoTakesNoHandlesLosesItsPart) {
  const uint64_t part = alice_.Produce("setup/cam");
  Followed events(alice_, part);
  // It reads that they come and go, but leaves their handles in the lane until that is full.
  std::thread reader([&] {
    while (events.Next()) {
    }
  });
  v1::OpenStreamReply opened;
  for (grpc::Status status; status.ok();) {
    status = bob_.Open(OpeningOf("setup/cam"), &opened);
    if (!status.ok()) break;
    bob_.RedeemAll(opened.generation());
    for (const v1::HandleRef* handle : {&opened.board(), &opened.lane(),
                                        &opened.doorbells().listen(), &opened.doorbells().ring()})
      ASSERT_TRUE(bob_.Redeem(*handle).ok());
    (void)bob_.Leave(opened.part_id());
  }
  reader.join();
  const grpc::Status end = events.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << end.error_message();
  EXPECT_EQ(bob_.List().streams_size(), 0);
  EXPECT_EQ(alice_.QuotaUsed("session.streams"), 0u);
}

}  // namespace
}  // namespace vramd
