// Setting up streams with the real daemon, over raw gRPC: what arrives, who hears what, what is
// left behind. One body plays the parties; those that are killed are other processes of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "base/section.h"
#include "base/stream/board.h"
#include "base/stream/consumer_core.h"
#include "base/stream/producer_core.h"
#include "tests/integration/stream_setup_fixture.h"

namespace vramd {
namespace {

using testing::HasSubstr;
using Followed = StreamParty::Followed;

// How long the others may be in the dark about a death.
constexpr std::chrono::seconds kTold(2);

MappedSection MapOrFail(const absl::StatusOr<OsHandle>& handle, uint64_t size,
                        SectionAccess access) {
  EXPECT_TRUE(handle.ok()) << handle.status();
  if (!handle.ok()) return {};
  auto mapped = MappedSection::Map(*handle, size, access);
  EXPECT_TRUE(mapped.ok()) << mapped.status();
  return mapped.ok() ? *std::move(mapped) : MappedSection();
}

std::shared_ptr<const MappedSection> MapLane(const absl::StatusOr<OsHandle>& handle) {
  return std::make_shared<const MappedSection>(
      MapOrFail(handle, stream::LaneBytes(), SectionAccess::kReadWrite));
}

// The two ends of base/stream on the handles that the broker gave: one frame goes through.
TEST_F(StreamSetupTest, AFrameGoesByTheHandlesThatArrive) {
  v1::CreateStreamReply created;
  ASSERT_TRUE(alice_.Create(StreamOf("setup/cam", 4), &created).ok());
  EXPECT_EQ(alice_.RedeemAll(created.generation()), 4u);
  EXPECT_EQ(created.generation().images(0).handle().type(), v1::HANDLE_TYPE_HOST_SECTION);
  const auto board = alice_.Redeem(created.board());
  ASSERT_TRUE(board.ok()) << board.status();
  auto producer = stream::ProducerCore::Create(*board, {});
  ASSERT_TRUE(producer.ok()) << producer.status();
  ASSERT_TRUE((*producer)->NewGeneration(1, 4, stream::Patience::None()).ok());
  ASSERT_TRUE(alice_.Start(created.part_id()).ok());
  Followed events(alice_, created.part_id());
  EXPECT_EQ(events.NextWords(), "FOLLOWING");

  v1::OpenStreamReply opened;
  ASSERT_TRUE(bob_.Open(OpeningOf("setup/cam"), &opened).ok());
  EXPECT_EQ(opened.name(), created.name());
  EXPECT_EQ(opened.mode(), v1::STREAM_MODE_MAILBOX);
  EXPECT_EQ(bob_.RedeemAll(opened.generation()), 4u);
  const auto joined = events.Next();
  ASSERT_TRUE(joined && joined->kind() == v1::StreamEvent::CONSUMER_JOINED);
  EXPECT_EQ(joined->consumer_id(), opened.part_id());

  stream::ProducerLane producers_end;
  producers_end.memory = MapLane(alice_.Redeem(joined->lane()));
  producers_end.frames_ring = *alice_.Redeem(joined->doorbells().ring());
  producers_end.releases_listen = *alice_.Redeem(joined->doorbells().listen());
  const stream::LaneTerms terms{.limit = opened.limit()};
  ASSERT_TRUE((*producer)
                  ->AddConsumer(stream::ConsumerId{opened.part_id()}, terms,
                                stream::WhenFull::kDrop, std::move(producers_end))
                  .ok());
  stream::ConsumerLane consumers_end;
  consumers_end.memory = MapLane(bob_.Redeem(opened.lane()));
  consumers_end.frames_listen = *bob_.Redeem(opened.doorbells().listen());
  consumers_end.releases_ring = *bob_.Redeem(opened.doorbells().ring());
  auto consumer = stream::ConsumerCore::Create(
      MapOrFail(bob_.Redeem(opened.board()), stream::BoardBytes(), SectionAccess::kReadOnly),
      std::move(consumers_end), terms);
  ASSERT_TRUE(consumer.ok()) << consumer.status();
  (*consumer)->AddGeneration(1, 4);

  EXPECT_TRUE(*(*consumer)->ArmDoorbell());
  const auto slot = (*producer)->Acquire(stream::Patience::None());
  ASSERT_TRUE(slot.ok()) << slot.status();
  ASSERT_TRUE((*producer)->Publish(slot->slot, {}).ok());
  const auto received = (*consumer)->TryNext();
  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_EQ(received->kind, stream::Received::Kind::kFrame);
  EXPECT_EQ(received->frame.facts.sequence, 1u);
  EXPECT_EQ(alice_.List().streams(0).published(), 1u);
}

TEST_F(StreamSetupTest, BadRequestsGetWords) {
  v1::CreateStreamReply reply;
  v1::CreateStreamRequest request = StreamOf("setup/cam");
  request.clear_resource();
  EXPECT_THAT(alice_.Create(request, &reply).error_message(), HasSubstr("resource is empty"));
  request = StreamOf("setup/cam", 1);
  EXPECT_THAT(alice_.Create(request, &reply).error_message(), HasSubstr("image_count is 1"));
  v1::OpenStreamRequest opening = OpeningOf("setup/cam");
  v1::OpenStreamReply opened;
  opening.set_mode(static_cast<v1::StreamMode>(7));
  EXPECT_THAT(alice_.Open(opening, &opened).error_message(), HasSubstr("mode 7 is unknown"));
  EXPECT_EQ(alice_.Leave(0).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(alice_.Leave(99).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Followed(alice_, 99).End().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StreamSetupTest, ANewRingArrivesInOrder) {
  const uint64_t part = alice_.Produce("setup/cam");
  const uint64_t consumer = bob_.Consume("setup/cam");
  Followed events(bob_, consumer);
  EXPECT_EQ(events.NextWords(), "FOLLOWING");
  for (uint32_t number = 2; number <= 100; ++number) {
    v1::ResizeStreamReply reply;
    ASSERT_TRUE(alice_.Resize(part, 3 + number % 3, &reply).ok());
    EXPECT_EQ(reply.generation().number(), number);
    EXPECT_EQ(alice_.RedeemAll(reply.generation()), 3 + number % 3);
    const auto event = events.Next();
    ASSERT_TRUE(event.has_value());
    EXPECT_EQ(event->generation().number(), number);
    EXPECT_EQ(bob_.RedeemAll(event->generation()), 3 + number % 3);
    ASSERT_TRUE(alice_.Retire(part, number).ok());
  }
  ASSERT_TRUE(alice_.Leave(part).ok());
  EXPECT_EQ(events.NextWords(), "PRODUCER_LEFT");
  ASSERT_TRUE(bob_.Leave(consumer).ok());
  EXPECT_TRUE(events.End().ok());
}

// As a process that has no processor for a while: all rings come, once it takes them.
TEST_F(StreamSetupTest, WhoIsLateInTakingHandlesGetsThemAll) {
  const uint64_t part = alice_.Produce("setup/cam");
  Followed events(bob_, bob_.Consume("setup/cam"));
  EXPECT_EQ(events.NextWords(), "FOLLOWING");
  for (uint32_t number = 2; number <= 30; ++number) {
    v1::ResizeStreamReply reply;
    ASSERT_TRUE(alice_.Resize(part, 20, &reply).ok());
    EXPECT_EQ(alice_.RedeemAll(reply.generation()), 20u);
  }
  for (uint32_t number = 2; number <= 30; ++number) {
    const auto event = events.Next();
    ASSERT_TRUE(event.has_value()) << events.End().error_message();
    EXPECT_EQ(event->generation().number(), number);
    EXPECT_EQ(bob_.RedeemAll(event->generation()), 20u);
  }
}

// ---- Deaths

TEST_F(StreamSetupTest, AKilledProducerIsToldOf) {
  StartVictim("producer", "setup/cam");
  Followed events(bob_, bob_.Consume("setup/cam"));
  EXPECT_EQ(events.NextWords(), "FOLLOWING");
  const auto killed = Clock::now();
  victim_->Kill();
  EXPECT_EQ(events.NextWords(), "PRODUCER_LEFT died");
  EXPECT_LT(Clock::now() - killed, kTold);
  EXPECT_EQ(bob_.List().streams_size(), 0);
}

TEST_F(StreamSetupTest, AKilledConsumerIsToldOf) {
  Followed events(alice_, alice_.Produce("setup/cam"));
  EXPECT_EQ(events.NextWords(), "FOLLOWING");
  const uint64_t consumer = StartVictim("consumer", "setup/cam");
  EXPECT_EQ(events.NextWords(), absl::StrCat("CONSUMER_JOINED ", consumer));
  const auto killed = Clock::now();
  victim_->Kill();
  EXPECT_EQ(events.NextWords(), absl::StrCat("CONSUMER_LEFT ", consumer, " died"));
  EXPECT_LT(Clock::now() - killed, kTold);
}

TEST_F(StreamSetupTest, WhoStopsFollowingIsToldOf) {
  Followed events(alice_, alice_.Produce("setup/cam"));
  EXPECT_EQ(events.NextWords(), "FOLLOWING");
  const uint64_t consumer = bob_.Consume("setup/cam");
  EXPECT_EQ(events.NextWords(), absl::StrCat("CONSUMER_JOINED ", consumer));
  {
    Followed short_lived(bob_, consumer);
    EXPECT_EQ(short_lived.NextWords(), "FOLLOWING");
  }
  EXPECT_EQ(events.NextWords(), absl::StrCat("CONSUMER_LEFT ", consumer, " died"));
  EXPECT_EQ(bob_.Leave(consumer).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(StreamSetupTest, ABrokerThatStopsEndsFollowingAtOnce) {
  Followed events(alice_, alice_.Produce("setup/cam"));
  EXPECT_EQ(events.NextWords(), "FOLLOWING");
  const auto asked = Clock::now();
  broker_.process().Terminate();
  EXPECT_EQ(events.NextWords(), "ended");
  EXPECT_EQ(events.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(broker_.process().Wait(), 0);
  EXPECT_LT(Clock::now() - asked, std::chrono::milliseconds(1900)) << "nothing held it up";
}

// ---- What is left behind

TEST_F(StreamSetupTest, AReplyThatNeverArrivedIsUndoneByItsNumber) {
  v1::CreateStreamReply reply;
  ASSERT_TRUE(alice_.Create(StreamOf("setup/cam"), &reply).ok());
  EXPECT_EQ(alice_.QuotaUsed("session.streams"), 1u);
  ASSERT_TRUE(alice_.LeaveByRequest(alice_.last_request()).ok());
  EXPECT_EQ(alice_.QuotaUsed("session.streams"), 0u);
  EXPECT_TRUE(alice_.LeaveByRequest(12345).ok()) << "it never made a part";
}

// More rounds than a stream may have rings at once.
TEST_F(StreamSetupTest, AResizeThatNobodyHeardOfIsUndoneByItsNumber) {
  const uint64_t part = alice_.Produce("setup/cam");
  const uint64_t before = alice_.QuotaUsed("session.allocations");
  v1::ResizeStreamReply unheard, reply;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(alice_.Resize(part, 2, &unheard).ok());
    ASSERT_TRUE(alice_.RetireByRequest(part, alice_.last_request()).ok());
  }
  EXPECT_EQ(alice_.QuotaUsed("session.allocations"), before);
  ASSERT_TRUE(alice_.Resize(part, 4, &reply).ok());
  EXPECT_EQ(alice_.RedeemAll(reply.generation()), 4u);
  EXPECT_TRUE(alice_.RetireByRequest(part, 12345).ok()) << "it never made a ring";
}

TEST_F(StreamSetupTest, AResizeThatCouldNotBeUsedIsUndoneByItsGeneration) {
  const uint64_t part = alice_.Produce("setup/cam");
  const uint64_t before = alice_.QuotaUsed("session.allocations");
  v1::ResizeStreamReply reply;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(alice_.Resize(part, 4, &reply).ok());
    EXPECT_EQ(alice_.RedeemAll(reply.generation()), 4u);
    ASSERT_TRUE(alice_.RetireUnused(part, reply.generation().number()).ok());
  }
  EXPECT_EQ(alice_.QuotaUsed("session.allocations"), before);
  EXPECT_TRUE(alice_.Resize(part, 4, &reply).ok());
}

TEST_F(StreamSetupTest, AThousandRoundsLeaveNothing) {
  const auto round = [&](bool orderly) {
    const uint64_t part = alice_.Produce("setup/round");
    const uint64_t consumer = bob_.Consume("setup/round");
    Followed producer_events(alice_, part), consumer_events(bob_, consumer);
    EXPECT_EQ(producer_events.NextWords(), "FOLLOWING");
    EXPECT_EQ(consumer_events.NextWords(), "FOLLOWING");
    const auto joined = producer_events.Next();
    ASSERT_TRUE(joined.has_value());
    for (const v1::HandleRef* handle :
         {&joined->lane(), &joined->doorbells().listen(), &joined->doorbells().ring()})
      ASSERT_TRUE(alice_.Redeem(*handle).ok());
    if (!orderly) return;  // both stop following
    ASSERT_TRUE(bob_.Leave(consumer).ok());
    EXPECT_EQ(producer_events.NextWords(), absl::StrCat("CONSUMER_LEFT ", consumer));
    ASSERT_TRUE(alice_.Leave(part).ok());
    EXPECT_TRUE(producer_events.End().ok());
    EXPECT_TRUE(consumer_events.End().ok());
  };
  round(true);
  int i = 0;
  const auto next_round = [&] {
    if (HasFailure()) return;
    round(i++ % 2 == 0);
    // A part that stops following ends when the broker has noticed.
    while (alice_.QuotaUsed("user.streams") + alice_.QuotaUsed("user.consumers") != 0) {
    }
  };
  EXPECT_EQ(HandlesLeft(1000, next_round, [&] { return broker_.process().CountHandles(); }), 0);
  for (const char* quota : {"user.bytes", "user.allocations", "user.handles"})
    EXPECT_EQ(alice_.QuotaUsed(quota), 0u) << quota;
}

// ---- The other processes

int PlayVictim(const std::string& role, const std::string& endpoint, const std::string& name) {
  StreamParty party(endpoint);
  const uint64_t part = role == "producer" ? party.Produce(name) : party.Consume(name);
  std::printf("%llu\n", static_cast<unsigned long long>(part));
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  return 0;
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) {
  const std::string role = argc > 3 ? argv[1] : "";
  if (role.rfind("--role=", 0) == 0) return vramd::PlayVictim(role.substr(7), argv[2], argv[3]);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
