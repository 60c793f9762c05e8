// Names, watchers, policy and drain.
#include <gmock/gmock.h>

#include "tests/unit/broker_fakes.h"

namespace vramd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Words = std::vector<std::string>;

class BrokerNameTest : public BrokerTest {
 protected:
  // A lease of alice's, published under `name`.
  Grant Published(const std::string& name, SessionId session = kAlice) {
    auto grant = Allocate(session);
    EXPECT_TRUE(grant.ok()) << grant.status();
    const auto whole = broker_->Publish(session, grant->lease, name);
    EXPECT_TRUE(whole.ok()) << whole.status();
    return *std::move(grant);
  }
  Words NamesSeenBy(SessionId session, absl::string_view prefix = "") {
    Words names;
    const auto listings = broker_->List(session, prefix);
    EXPECT_TRUE(listings.ok()) << listings.status();
    for (const Listing& one : listings.value()) names.push_back(one.name);
    return names;
  }
};

TEST_F(BrokerNameTest, ANameLeadsToTheSameMemory) {
  const Grant made = Published("app/frame");
  const auto by_short = Open(kAlice2, "app/frame");
  const auto by_whole = Open(kAlice2, "alice/app/frame");
  ASSERT_TRUE(by_short.ok() && by_whole.ok());
  EXPECT_EQ(by_short->allocation, made.allocation);
  EXPECT_EQ(by_whole->allocation, made.allocation);
  EXPECT_TRUE(absl::IsNotFound(Open(kBob, "app/frame").status())) << "that means bob/app/frame";
}

TEST_F(BrokerNameTest, TheWholeNameOfTheLongestNameCanBeUsed) {
  const std::string longest = "app/" + std::string(196, 'x');
  const auto made = Allocate(kAlice);
  const auto whole = broker_->Publish(kAlice, made->lease, longest);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_TRUE(Open(kAlice2, *whole).ok()) << Open(kAlice2, *whole).status();
  EXPECT_TRUE(broker_->Withdraw(kAlice, *whole).ok());
}

TEST_F(BrokerNameTest, ATakenNameIsRefusedUntilItIsFree) {
  const Grant first = Published("app/x");
  const auto second = Allocate(kAlice2);
  EXPECT_TRUE(absl::IsAlreadyExists(broker_->Publish(kAlice2, second->lease, "app/x").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(broker_->Publish(kAlice, first.lease, "app/x").status()));
  ASSERT_TRUE(broker_->Release(kAlice, first.lease).ok());
  EXPECT_TRUE(broker_->Publish(kAlice2, second->lease, "app/x").ok());
}

TEST_F(BrokerNameTest, OnlyTheOwnerPublishes) {
  Published("shared/x");
  const auto opened = Open(kBob, "alice/shared/x");
  ASSERT_TRUE(opened.ok());
  const auto published = broker_->Publish(kBob, opened->lease, "loot/x");
  EXPECT_TRUE(absl::IsPermissionDenied(published.status())) << published.status();
  EXPECT_TRUE(
      absl::IsPermissionDenied(broker_->Publish(kBob, opened->lease, "alice/shared/y").status()));
  EXPECT_TRUE(absl::IsNotFound(broker_->Publish(kBob, LeaseId{1}, "loot/x").status()))
      << "another session's lease is no lease of his";
}

TEST_F(BrokerNameTest, ALeaseHasALimitOfNames) {
  const auto made = Allocate(kAlice);
  absl::Status refused;
  int published = 0;
  while (refused.ok() && published < 1000) {
    refused = broker_->Publish(kAlice, made->lease, "app/n" + std::to_string(published)).status();
    if (refused.ok()) ++published;
  }
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_EQ(published, 64);
  ASSERT_TRUE(broker_->Withdraw(kAlice, "app/n0").ok());
  EXPECT_TRUE(broker_->Publish(kAlice, made->lease, "app/again").ok());
}

TEST_F(BrokerNameTest, OnlyThePublishingSessionWithdraws) {
  Published("shared/x");
  EXPECT_TRUE(absl::IsNotFound(broker_->Withdraw(kAlice2, "shared/x")));
  EXPECT_TRUE(absl::IsPermissionDenied(broker_->Withdraw(kBob, "alice/shared/x")));
  EXPECT_TRUE(broker_->Withdraw(kAlice, "alice/shared/x").ok());
  EXPECT_TRUE(absl::IsNotFound(broker_->Withdraw(kAlice, "shared/x")));
  EXPECT_TRUE(absl::IsNotFound(Open(kAlice, "shared/x").status()));
  EXPECT_EQ(device_->live(), 1) << "the memory lives on";
}

TEST_F(BrokerNameTest, ANameEndsWithThePublishersLeaseThoughOthersHaveTheMemory) {
  const Grant made = Published("app/x");
  ASSERT_TRUE(Open(kAlice2, "app/x").ok());
  ASSERT_TRUE(broker_->Release(kAlice, made.lease).ok());
  EXPECT_TRUE(absl::IsNotFound(Open(kAlice2, "app/x").status()));
  EXPECT_TRUE(Open(kAlice2, made.allocation).ok());
}

TEST_F(BrokerNameTest, AcrossUsersARuleDecides) {
  Published("private/x");
  Published("shared/x");
  const auto refused = Open(kBob, "alice/private/x");
  EXPECT_TRUE(absl::IsPermissionDenied(refused.status()));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("[[policy.open]]"));
  EXPECT_TRUE(Open(kBob, "alice/shared/x").ok());
  EXPECT_THAT(NamesSeenBy(kBob), ElementsAre("alice/shared/x"));
  EXPECT_THAT(NamesSeenBy(kAlice2), ElementsAre("alice/private/x", "alice/shared/x"));
  broker_->SetPolicy(EveryoneMayConnect());
  EXPECT_TRUE(absl::IsPermissionDenied(Open(kBob, "alice/shared/x").status()));
  EXPECT_THAT(NamesSeenBy(kBob), IsEmpty());
}

TEST_F(BrokerNameTest, AnotherUsersIdLooksLikeNone) {
  const Grant made = Published("shared/x");
  const absl::Status of_another = Open(kBob, made.allocation).status();
  const absl::Status of_nobody = Open(kBob, AllocationId{12345}).status();
  EXPECT_TRUE(absl::IsNotFound(of_another));
  EXPECT_EQ(of_another.code(), of_nobody.code());
  EXPECT_EQ(of_another.message(),
            "this user has no allocation " + std::to_string(made.allocation.value));
  EXPECT_EQ(of_nobody.message(), "this user has no allocation 12345");
}

TEST_F(BrokerNameTest, ListTellsWhatIsBehindAName) {
  const Grant made = Published("app/x");
  Published("app/y", kAlice2);
  Published("other/z");
  ASSERT_TRUE(Open(kAlice2, "app/x").ok());
  EXPECT_THAT(NamesSeenBy(kAlice, "alice/app/"), ElementsAre("alice/app/x", "alice/app/y"));
  EXPECT_THAT(NamesSeenBy(kAlice, "alice/app/y"), ElementsAre("alice/app/y"));
  EXPECT_THAT(NamesSeenBy(kAlice, "zed"), IsEmpty());
  const auto all = broker_->List(kAlice, "");
  const Listing& one = all->front();
  EXPECT_EQ(one.allocation, made.allocation);
  EXPECT_EQ(one.publisher.user_name, "alice");
  EXPECT_EQ(one.lease_count, 2u);
  EXPECT_EQ(one.recipe.allocation_size, kPage);
}

TEST_F(BrokerNameTest, AWatcherHearsWhatIsThenWhatChanges) {
  Published("app/old");
  RecordingSink sink;
  const auto watcher = broker_->AddWatcher(kAlice2, "alice/app/", &sink);
  ASSERT_TRUE(watcher.ok());
  EXPECT_THAT(sink.words(), ElementsAre("PUBLISHED alice/app/old", "CURRENT"));

  const Grant released = Published("app/released");
  Published("app/withdrawn");
  Published("elsewhere/unseen");
  ASSERT_TRUE(broker_->Withdraw(kAlice, "app/withdrawn").ok());
  ASSERT_TRUE(broker_->Release(kAlice, released.lease).ok());
  broker_->EndSession(kAlice);
  EXPECT_THAT(sink.words(),
              ElementsAre("PUBLISHED alice/app/old", "CURRENT", "PUBLISHED alice/app/released",
                          "PUBLISHED alice/app/withdrawn", "WITHDRAWN alice/app/withdrawn",
                          "RELEASED alice/app/released", "RELEASED alice/app/old"));
  EXPECT_EQ(sink.events()[5].listing.allocation, released.allocation);
  broker_->RemoveWatcher(*watcher);
}

TEST_F(BrokerNameTest, AWatcherHearsOnlyWhatItMayOpen) {
  Published("private/x");
  RecordingSink sink;
  const auto watcher = broker_->AddWatcher(kBob, "", &sink);
  Published("private/y");
  const Grant shared = Published("shared/y");
  ASSERT_TRUE(broker_->Release(kAlice, shared.lease).ok());
  EXPECT_THAT(sink.words(),
              ElementsAre("CURRENT", "PUBLISHED alice/shared/y", "RELEASED alice/shared/y"));
  broker_->RemoveWatcher(*watcher);
}

TEST_F(BrokerNameTest, AWatcherHearsWhatANewPolicyShowsAndHides) {
  Published("private/x");
  Published("shared/x");
  RecordingSink bobs, alices;
  const auto bob = broker_->AddWatcher(kBob, "", &bobs);
  const auto alice = broker_->AddWatcher(kAlice, "", &alices);
  Policy policy = EveryoneMayConnect();
  policy.may_open = {{{Subject::Kind::kUser, "1001"}, "alice/private/*"}};
  broker_->SetPolicy(policy);
  EXPECT_THAT(bobs.words(), ElementsAre("PUBLISHED alice/shared/x", "CURRENT",
                                        "PUBLISHED alice/private/x", "WITHDRAWN alice/shared/x"));
  EXPECT_EQ(alices.words().size(), 3u) << "her own names were never hidden";
  broker_->RemoveWatcher(*bob);
  broker_->RemoveWatcher(*alice);
}

TEST_F(BrokerNameTest, NothingComesAfterRemoveWatcherNorAfterTheSession) {
  RecordingSink removed, ended;
  const auto watcher = broker_->AddWatcher(kAlice, "", &removed);
  const auto of_ended = broker_->AddWatcher(kAlice2, "", &ended);
  broker_->RemoveWatcher(*watcher);
  broker_->EndSession(kAlice2);
  Published("app/x");
  broker_->BeginDrain("test");
  EXPECT_THAT(removed.words(), ElementsAre("CURRENT"));
  EXPECT_THAT(ended.words(), ElementsAre("CURRENT"));
  broker_->RemoveWatcher(*of_ended);  // it went with its session: no effect
  broker_->RemoveWatcher(*watcher);
}

TEST_F(BrokerNameTest, ASessionHasALimitOfWatchers) {
  BrokerLimits limits;
  limits.watchers_per_session = 2;
  Start(limits, EveryoneMayConnect());
  RecordingSink sink;
  const auto one = broker_->AddWatcher(kAlice, "", &sink);
  const auto two = broker_->AddWatcher(kAlice, "", &sink);
  EXPECT_TRUE(absl::IsResourceExhausted(broker_->AddWatcher(kAlice, "", &sink).status()));
  broker_->RemoveWatcher(*one);
  const auto three = broker_->AddWatcher(kAlice, "", &sink);
  EXPECT_TRUE(three.ok());
  broker_->RemoveWatcher(*two);
  broker_->RemoveWatcher(*three);
}

TEST_F(BrokerNameTest, DrainGivesNothingNewAndTakesEverythingBack) {
  const Grant made = Published("app/x");
  RecordingSink sink;
  const auto watcher = broker_->AddWatcher(kAlice, "", &sink);
  broker_->BeginDrain("it was asked to stop");
  EXPECT_EQ(sink.words().back(), "GOING_AWAY");
  EXPECT_EQ(sink.events().back().reason, "it was asked to stop");
  EXPECT_TRUE(absl::IsUnavailable(Allocate(kAlice).status()));
  EXPECT_TRUE(absl::IsUnavailable(Open(kAlice, "app/x").status()));
  EXPECT_TRUE(absl::IsUnavailable(Open(kAlice, made.allocation).status()));
  EXPECT_TRUE(absl::IsUnavailable(broker_->Publish(kAlice, made.lease, "app/y").status()));
  EXPECT_TRUE(absl::IsUnavailable(broker_->BeginSession(SessionId{9}, alice_)));
  EXPECT_TRUE(broker_->Withdraw(kAlice, "app/x").ok());
  EXPECT_TRUE(broker_->Release(kAlice, made.lease).ok());
  broker_->RemoveWatcher(*watcher);
}

TEST_F(BrokerNameTest, WhoMayNotConnectGetsNoSession) {
  Policy nobody;
  broker_->SetPolicy(nobody);
  const absl::Status refused = broker_->BeginSession(SessionId{9}, MakePeer("eve", "666"));
  EXPECT_TRUE(absl::IsPermissionDenied(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("eve(666)"));
  EXPECT_EQ(broker_->CheckConnect(MakePeer("eve", "666")), refused);
}

}  // namespace
}  // namespace vramd
