// Streams as they are made, opened and listed; what they cost; what is refused.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/stream/board.h"
#include "tests/unit/stream_broker_fakes.h"

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST_F(StreamBrokerTest, AStreamAppearsWhenItStarts) {
  const auto created = Create(kAlice, SmallStream("app/cam"));
  ASSERT_TRUE(created.ok()) << created.status();
  EXPECT_EQ(created->name, "alice/app/cam");
  EXPECT_EQ(created->generation, 1u);
  EXPECT_EQ(created->ring->images.size(), 3u);
  EXPECT_EQ(created->frames, nullptr);
  EXPECT_THAT(NamesFor(kAlice), IsEmpty());
  EXPECT_TRUE(absl::IsNotFound(OpenStream(kAlice2, "app/cam").status()));

  ASSERT_TRUE(RefuseWriters(created->board).ok());
  EXPECT_TRUE(streams_->Start(kAlice, created->part).ok());
  EXPECT_THAT(NamesFor(kAlice), ElementsAre("alice/app/cam"));
}

TEST_F(StreamBrokerTest, WatchersHearOfStreamsThatTheyMayOpen) {
  Produce(kAlice, SmallStream("shared/old"));
  RecordingSink alices, bobs;
  const auto alice = broker_->AddWatcher(kAlice2, "", &alices);
  const auto bob = broker_->AddWatcher(kBob, "alice/shared/", &bobs);
  const auto hidden = Create(kAlice, SmallStream("shared/never-started"));
  ASSERT_TRUE(hidden.ok());
  EXPECT_TRUE(streams_->Leave(kAlice, hidden->part).ok());
  const CreatedStream own = Produce(kAlice, SmallStream("private/x"));
  const CreatedStream shared = Produce(kAlice, SmallStream("shared/x"));
  EXPECT_TRUE(streams_->Start(kAlice, shared.part).ok()) << "twice";
  EXPECT_TRUE(streams_->Leave(kAlice, own.part).ok());
  broker_->EndSession(kAlice);

  // A session's streams end in any order.
  auto words = alices.words();
  ASSERT_EQ(words.size(), 7u);
  std::sort(words.end() - 2, words.end());
  EXPECT_THAT(words, ElementsAre("STREAM_STARTED alice/shared/old", "CURRENT",
                                 "STREAM_STARTED alice/private/x", "STREAM_STARTED alice/shared/x",
                                 "STREAM_ENDED alice/private/x", "STREAM_ENDED alice/shared/old",
                                 "STREAM_ENDED alice/shared/x"));
  words = bobs.words();
  ASSERT_EQ(words.size(), 5u);
  std::sort(words.end() - 2, words.end());
  EXPECT_THAT(words, ElementsAre("STREAM_STARTED alice/shared/old", "CURRENT",
                                 "STREAM_STARTED alice/shared/x", "STREAM_ENDED alice/shared/old",
                                 "STREAM_ENDED alice/shared/x"));
  broker_->RemoveWatcher(*alice);
  broker_->RemoveWatcher(*bob);
}

TEST_F(StreamBrokerTest, ANewPolicyShowsAndHidesStreams) {
  Produce(kAlice, SmallStream("private/x"));
  Produce(kAlice, SmallStream("shared/x"));
  RecordingSink bobs;
  const auto bob = broker_->AddWatcher(kBob, "", &bobs);
  Policy policy = EveryoneMayConnect();
  policy.may_open = {{{Subject::Kind::kUser, "1001"}, "alice/private/*"}};
  broker_->SetPolicy(policy);
  EXPECT_THAT(bobs.words(),
              ElementsAre("STREAM_STARTED alice/shared/x", "CURRENT",
                          "STREAM_STARTED alice/private/x", "STREAM_ENDED alice/shared/x"));
  broker_->RemoveWatcher(*bob);
}

TEST_F(StreamBrokerTest, AConsumerGetsABoardThatItCannotWriteAndALaneThatItCan) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->producer.user_name, "alice");
  EXPECT_EQ(opened->terms.lane.limit, kDefaultConsumerLimit);
  EXPECT_EQ(opened->ring, created.ring);
  EXPECT_TRUE(
      MappedSection::Map(opened->board, stream::BoardBytes(), SectionAccess::kReadOnly).ok());
  EXPECT_FALSE(
      MappedSection::Map(opened->board, stream::BoardBytes(), SectionAccess::kReadWrite).ok());
  EXPECT_TRUE(
      MappedSection::Map(opened->link->lane, stream::LaneBytes(), SectionAccess::kReadWrite).ok());
}

TEST_F(StreamBrokerTest, EachSideHearsOfTheOther) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto producer = Follow(kAlice, created.part);
  EXPECT_THAT(Take(created.part, producer), ElementsAre("FOLLOWING"));

  const auto opened = OpenStream(kAlice2, "app/cam", Fifo(4));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(producer->wakes(), 2);
  const auto joined = streams_->NextEvent(created.part, producer.get());
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ(Words(*joined), absl::StrCat("JOINED ", opened->part.value));
  EXPECT_EQ(joined->link, opened->link);
  EXPECT_EQ(joined->terms.lane.limit, 4u);
  EXPECT_EQ(joined->peer.user_name, "alice");

  const auto consumer = Follow(kAlice2, opened->part);
  EXPECT_THAT(Take(opened->part, consumer), ElementsAre("FOLLOWING"));
  ASSERT_TRUE(streams_->Leave(kAlice2, opened->part).ok());
  EXPECT_EQ(consumer->ended(), absl::OkStatus());
  EXPECT_THAT(Take(created.part, producer), ElementsAre(absl::StrCat("LEFT ", opened->part.value)));
}

TEST_F(StreamBrokerTest, WhatHappensBeforeItIsFollowedIsToldAfterwards) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(opened.ok() && Resize(kAlice, created.part).ok());
  EXPECT_THAT(Take(created.part, Follow(kAlice, created.part)),
              ElementsAre("FOLLOWING", absl::StrCat("JOINED ", opened->part.value)));
  EXPECT_THAT(Take(opened->part, Follow(kAlice2, opened->part)),
              ElementsAre("FOLLOWING", "GENERATION 2"));
}

TEST_F(StreamBrokerTest, APartIsFollowedOnceAndByItsOwnSession) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto follower = std::make_shared<RecordingFollower>();
  EXPECT_TRUE(absl::IsNotFound(streams_->Follow(kAlice2, created.part, follower)));
  EXPECT_TRUE(absl::IsNotFound(streams_->Follow(kAlice, PartId{5}, follower)));
  ASSERT_TRUE(streams_->Follow(kAlice, created.part, follower).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(streams_->Follow(kAlice, created.part, follower)));
  const auto other = std::make_shared<RecordingFollower>();
  EXPECT_THAT(Take(created.part, other), IsEmpty());
}

// ---- Names

TEST_F(StreamBrokerTest, NamesAreUniqueAndLieUnderTheirUser) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  EXPECT_TRUE(absl::IsAlreadyExists(Create(kAlice2, SmallStream("app/cam")).status()));
  EXPECT_TRUE(absl::IsPermissionDenied(Create(kBob, SmallStream("alice/app/x")).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Create(kBob, SmallStream("x")).status()));
  // Published allocations have a namespace of their own.
  const auto lease = Allocate(kAlice);
  EXPECT_TRUE(broker_->Publish(kAlice, lease->lease, "app/cam").ok());
  ASSERT_TRUE(streams_->Leave(kAlice, created.part).ok());
  EXPECT_TRUE(Create(kAlice2, SmallStream("app/cam")).ok()) << "the name is free again";
}

TEST_F(StreamBrokerTest, PolicySaysWhoSeesAndOpens) {
  Produce(kAlice, SmallStream("shared/cam"));
  Produce(kAlice, SmallStream("private/cam"));
  EXPECT_THAT(NamesFor(kAlice2), ElementsAre("alice/private/cam", "alice/shared/cam"));
  EXPECT_THAT(NamesFor(kBob), ElementsAre("alice/shared/cam"));
  EXPECT_TRUE(OpenStream(kBob, "alice/shared/cam").ok());
  EXPECT_TRUE(absl::IsPermissionDenied(OpenStream(kBob, "alice/private/cam").status()));
  broker_->SetPolicy(EveryoneMayConnect());
  EXPECT_THAT(NamesFor(kBob), IsEmpty());
  EXPECT_TRUE(absl::IsPermissionDenied(OpenStream(kBob, "alice/shared/cam").status()));
}

TEST_F(StreamBrokerTest, AListingSaysWhatThereIs) {
  StreamRequest what = SmallStream("app/cam");
  what.label = "the garden";
  const CreatedStream created = Produce(kAlice, what);
  const auto opened = OpenStream(kAlice2, "app/cam", Fifo(5));
  ASSERT_TRUE(Resize(kAlice, created.part, 4).ok());
  auto view = MappedSection::Map(created.board, stream::BoardBytes(), SectionAccess::kReadOnly);
  ASSERT_TRUE(view.ok());
  const auto listings = streams_->List(kAlice, "alice/app/");
  ASSERT_TRUE(listings.ok() && listings->size() == 1);
  const StreamListing& listing = listings->front();
  EXPECT_EQ(listing.label, "the garden");
  EXPECT_EQ(listing.generation, 2u);
  EXPECT_EQ(listing.image_count, 4u);
  EXPECT_EQ(listing.recipe.buffer.size, kPage);
  EXPECT_FALSE(listing.timeline);
  ASSERT_EQ(listing.consumers.size(), 1u);
  EXPECT_EQ(listing.consumers[0].part, opened->part);
  EXPECT_EQ(listing.consumers[0].terms.lane.limit, 5u);
  EXPECT_THAT(*streams_->List(kAlice, "alice/other"), IsEmpty());
}

// Whatever stands in a lane is a number, and its writer's own affair.
TEST_F(StreamBrokerTest, AListingSaysWhatTheLanesSay) {
  Produce(kAlice, SmallStream("app/cam"));
  const auto first = OpenStream(kAlice2, "app/cam"), second = OpenStream(kAlice2, "app/cam");
  ASSERT_TRUE(first.ok() && second.ok());
  auto view =
      MappedSection::Map(second->link->lane, stream::LaneBytes(), SectionAccess::kReadWrite);
  ASSERT_TRUE(view.ok());
  std::memset(view->data(), 0xff, sizeof(stream::Lane));
  auto& lane = *static_cast<stream::Lane*>(view->data());
  lane.counts.taken = 40;
  lane.dropped = 2;
  const auto listings = streams_->List(kAlice, "");
  ASSERT_TRUE(listings.ok() && listings->size() == 1);
  for (const StreamConsumerListing& consumer : listings->front().consumers) {
    const bool written = consumer.part == second->part;
    EXPECT_EQ(consumer.counts.taken, written ? 40u : 0u);
    EXPECT_EQ(consumer.counts.dropped, written ? 2u : 0u);
    EXPECT_EQ(consumer.counts.latency_ns, written ? UINT64_MAX : 0u);
  }
}

// The producer counts on the board; the broker reads it there.
TEST_F(StreamBrokerTest, PublishedFramesAreReadFromTheBoard) {
  auto created = Create(kAlice, SmallStream("app/cam"));
  ASSERT_TRUE(created.ok());
  auto board = MappedSection::Map(created->board, stream::BoardBytes(), SectionAccess::kReadWrite);
  ASSERT_TRUE(board.ok() && RefuseWriters(created->board).ok());
  ASSERT_TRUE(streams_->Start(kAlice, created->part).ok());
  stream::BoardWriter writer(static_cast<stream::Board*>(board->data()));
  writer.Begin();
  writer.SetPublished(41);
  EXPECT_EQ(streams_->List(kAlice, "")->front().published, 41u);
}

// ---- What it costs

TEST_F(StreamBrokerTest, ASessionPaysForItsPartsAndAUserOnceForARing) {
  const uint64_t board = stream::BoardBytes(), lane = stream::LaneBytes(), ring = 3 * kPage;
  const PartId producer = Produce(kAlice, SmallStream("shared/cam")).part;
  EXPECT_EQ(Used(kAlice, "session.bytes"), ring + board);
  EXPECT_EQ(Used(kAlice, "session.allocations"), 3u);
  EXPECT_EQ(Used(kAlice, "session.handles"), 3u);
  EXPECT_EQ(Used(kAlice, "session.streams"), 1u);
  ASSERT_TRUE(OpenStream(kAlice2, "shared/cam").ok());
  EXPECT_EQ(Used(kAlice2, "session.bytes"), ring + lane);
  EXPECT_EQ(Used(kAlice2, "session.allocations"), 0u);
  EXPECT_EQ(Used(kAlice2, "session.consumers"), 1u);
  EXPECT_EQ(Used(kAlice2, "user.bytes"), ring + board + lane);
  ASSERT_TRUE(OpenStream(kBob, "alice/shared/cam").ok());
  EXPECT_EQ(Used(kBob, "user.bytes"), ring + lane);

  ASSERT_TRUE(streams_->Leave(kAlice, producer).ok());
  EXPECT_EQ(Used(kAlice2, "user.bytes"), ring + lane) << "a consumer goes on paying";
  broker_->EndSession(kAlice2);
  broker_->EndSession(kBob);
  EXPECT_EQ(UsedByAll(kAlice), 0u);
  EXPECT_EQ(device_->live(), 0);
}

TEST_F(StreamBrokerTest, QuotasRefuseByNameAndARefusedCallPaysNothing) {
  BrokerLimits limits;
  limits.session = {.bytes = 1 << 20, .allocations = 6, .handles = 8, .streams = 2, .consumers = 1};
  Restart(limits);
  EXPECT_THAT(Message(Create(kAlice, SmallStream("app/big", 7)).status()),
              HasSubstr("session.allocations is 6"));
  EXPECT_EQ(UsedByAll(kAlice), 0u);
  Produce(kAlice, SmallStream("app/a", 2));
  Produce(kAlice, SmallStream("app/b", 2));
  EXPECT_THAT(Message(Create(kAlice, SmallStream("app/c", 2)).status()),
              HasSubstr("session.streams is 2"));
  ASSERT_TRUE(OpenStream(kAlice2, "app/a").ok());
  EXPECT_THAT(Message(OpenStream(kAlice2, "app/b").status()), HasSubstr("session.consumers is 1"));
  broker_->EndSession(kAlice2);
  EXPECT_EQ(Used(kAlice, "session.handles"), 4u);
}

TEST_F(StreamBrokerTest, AConsumerThatCannotPayForANewRingLosesItsPart) {
  BrokerLimits limits;
  limits.session.handles = 8;
  Restart(limits);
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam", 2));
  const CreatedStream second = Produce(kAlice2, SmallStream("app/other", 4));
  const auto poor = OpenStream(kAlice2, "app/cam");
  const auto rich = OpenStream(kAlice, "app/cam");
  ASSERT_TRUE(poor.ok() && rich.ok()) << poor.status() << rich.status();
  const auto producer = Follow(kAlice, created.part);
  const auto follower = Follow(kAlice2, poor->part);
  Take(created.part, producer);
  ASSERT_EQ(Resize(kAlice, created.part, 2).value_or(0), 2u);
  EXPECT_EQ(follower->ended(), std::nullopt);
  // 8 are in use now: a third ring of 3 is too much for the one that produces another stream.
  ASSERT_TRUE(streams_->Leave(kAlice, rich->part).ok());
  ASSERT_EQ(Resize(kAlice, created.part, 3).value_or(0), 3u);
  ASSERT_TRUE(follower->ended().has_value());
  EXPECT_TRUE(absl::IsResourceExhausted(*follower->ended()));
  EXPECT_THAT(Message(*follower->ended()), HasSubstr("session.handles"));
  EXPECT_THAT(Take(created.part, producer),
              ElementsAre(absl::StrCat("LEFT ", rich->part.value),
                          HasSubstr(absl::StrCat("LEFT ", poor->part.value, " died: it cannot"))));
  EXPECT_EQ(Used(kAlice2, "session.consumers"), 0u);
}

// ---- What is refused

TEST_F(StreamBrokerTest, BadRequestsAreRefusedWithWords) {
  struct Case {
    std::function<void(StreamRequest&)> spoil;
    const char* words;
  };
  for (const Case& each : std::vector<Case>{
           {[](auto& r) { r.ring.count = 1; }, "image_count is 1; it must be 2 to 64"},
           {[](auto& r) { r.ring.count = 65; }, "image_count is 65; it must be 2 to 64"},
           {[](auto& r) { r.consumer_limit = 63; }, "consumer_limit is 63; it must be 0 to 62"},
           {[](auto& r) { r.label = std::string(129, 'x'); }, "the label has 129 bytes"},
           {[](auto& r) { r.ring.image = RawRequest(kPage); }, "made of images or buffers"},
           {[](auto& r) { r.ring.image.buffer.size = 0; }, "size"},
       }) {
    StreamRequest request = SmallStream("app/cam");
    each.spoil(request);
    const absl::Status status = Create(kAlice, request).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << each.words;
    EXPECT_THAT(Message(status), HasSubstr(each.words));
  }
  EXPECT_EQ(UsedByAll(kAlice), 0u);
}

TEST_F(StreamBrokerTest, ConsumersTermsAreChecked) {
  StreamRequest what = SmallStream("app/cam");
  what.consumer_limit = 1;
  Produce(kAlice, what);
  what.name = "app/patient";
  what.allow_waiting = true;
  Produce(kAlice, what);
  const auto refused = [&](const ConsumerTerms& terms) {
    return Message(OpenStream(kAlice2, "app/cam", terms).status());
  };
  EXPECT_THAT(refused(Fifo(63)), HasSubstr("limit is 63; it must be 1 to 62"));
  EXPECT_THAT(refused({.lane = {.limit = 1}}), HasSubstr("limit is 1; it must be 2 to 62"));
  EXPECT_THAT(refused({.lane = {.limit = 3}, .wait_when_full = true}), HasSubstr("never full"));
  EXPECT_THAT(refused(Fifo(1, true)), HasSubstr("lets nobody make its producer wait"));
  EXPECT_EQ(Used(kAlice2, "session.consumers"), 0u);
  EXPECT_TRUE(OpenStream(kAlice2, "app/patient", Fifo(1, true)).ok());
  const auto second = OpenStream(kAlice, "app/patient");
  EXPECT_TRUE(absl::IsResourceExhausted(second.status()));
  EXPECT_THAT(Message(second.status()), HasSubstr("has 1 consumers, its limit"));
}

TEST_F(StreamBrokerTest, OnlyTheProducerMayDoTheProducersThings) {
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const auto opened = OpenStream(kAlice2, "app/cam");
  EXPECT_TRUE(absl::IsNotFound(streams_->Start(kAlice2, created.part)));
  EXPECT_TRUE(absl::IsFailedPrecondition(streams_->Start(kAlice2, opened->part)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Resize(kAlice2, opened->part).status()));
  EXPECT_TRUE(absl::IsNotFound(Resize(kBob, created.part).status()));
  EXPECT_TRUE(absl::IsNotFound(streams_->Leave(kBob, created.part)));
}

TEST_F(StreamBrokerTest, RequestNumbersAreNotZeroAndNotReused) {
  const RequestId request{77};
  EXPECT_TRUE(absl::IsInvalidArgument(
      streams_->Create(kAlice, RequestId{0}, SmallStream("app/a")).status()));
  ASSERT_TRUE(streams_->Create(kAlice, request, SmallStream("app/a")).ok());
  EXPECT_TRUE(
      absl::IsInvalidArgument(streams_->Create(kAlice, request, SmallStream("app/b")).status()));
  EXPECT_EQ(device_->live(), 3);
  EXPECT_TRUE(streams_->LeaveByRequest(kAlice2, request).ok());
  EXPECT_EQ(device_->live(), 3) << "another session's number";
  EXPECT_TRUE(streams_->LeaveByRequest(kAlice, request).ok());
  EXPECT_EQ(device_->live(), 0);
  EXPECT_TRUE(streams_->LeaveByRequest(kAlice, request).ok());
  EXPECT_TRUE(streams_->Create(kAlice, request, SmallStream("app/a")).ok());
}

TEST_F(StreamBrokerTest, ADriverThatFailsLeavesNothing) {
  device_->FailExport(absl::ResourceExhaustedError("no descriptor"));
  EXPECT_TRUE(absl::IsResourceExhausted(Create(kAlice, SmallStream("app/cam")).status()));
  device_->FailExport(absl::OkStatus());
  const CreatedStream created = Produce(kAlice, SmallStream("app/cam"));
  const uint64_t before = UsedByAll(kAlice);
  device_->FailAllocate(absl::UnavailableError("the GPU fell off"));
  EXPECT_TRUE(absl::IsUnavailable(Resize(kAlice, created.part).status()));
  EXPECT_EQ(UsedByAll(kAlice), before);
  EXPECT_EQ(hub_.List().front().state, DeviceState::kLost);
}

}  // namespace
}  // namespace vramd
