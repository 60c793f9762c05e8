#include "daemon/quota.h"

#include <gmock/gmock.h>

#include <limits>
#include <thread>
#include <vector>

namespace vramd {
namespace {

constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

std::shared_ptr<Quota> MakeQuota(uint64_t limit) { return std::make_shared<Quota>("q", limit); }

TEST(QuotaTest, AChargeIsGivenBackWhenItEnds) {
  const auto quota = MakeQuota(10);
  {
    const auto charge = quota->TryCharge(7);
    ASSERT_TRUE(charge.ok());
    EXPECT_EQ(charge->amount(), 7u);
    EXPECT_EQ(quota->used(), 7u);
  }
  EXPECT_EQ(quota->used(), 0u);
}

TEST(QuotaTest, ARefusalNamesQuotaLimitUseAndWish) {
  const auto quota = MakeQuota(10);
  const auto held = quota->TryCharge(7);
  const auto refused = quota->TryCharge(4);
  EXPECT_TRUE(absl::IsResourceExhausted(refused.status()));
  EXPECT_EQ(refused.status().message(),
            "quota q is 10, 7 are in use and 4 more were asked for; release leases, or raise it in "
            "the configuration");
  EXPECT_TRUE(quota->TryCharge(3).ok());
}

TEST(QuotaTest, HugeAmountsDoNotWrapAround) {
  const auto quota = MakeQuota(10);
  const auto held = quota->TryCharge(1);
  EXPECT_FALSE(quota->TryCharge(kMost).ok());
  EXPECT_FALSE(quota->TryCharge(kMost - 1).ok());
  EXPECT_EQ(quota->used(), 1u);

  const auto unlimited = MakeQuota(kMost);
  const auto all = unlimited->TryCharge(kMost);
  ASSERT_TRUE(all.ok());
  EXPECT_FALSE(unlimited->TryCharge(1).ok());
  EXPECT_TRUE(unlimited->TryCharge(0).ok());
}

TEST(QuotaTest, ResizeTakesAndGivesTheDifference) {
  const auto quota = MakeQuota(10);
  auto charge = quota->TryCharge(4);
  EXPECT_TRUE(charge->Resize(10).ok());
  EXPECT_EQ(quota->used(), 10u);
  EXPECT_TRUE(charge->Resize(3).ok());
  EXPECT_EQ(quota->used(), 3u);
  const auto other = quota->TryCharge(5);
  EXPECT_FALSE(charge->Resize(6).ok());
  EXPECT_FALSE(charge->Resize(kMost).ok());
  EXPECT_EQ(charge->amount(), 3u) << "a failure leaves it as it was";
  EXPECT_EQ(quota->used(), 8u);
  EXPECT_TRUE(charge->Resize(0).ok());
  EXPECT_EQ(quota->used(), 5u);
}

TEST(QuotaTest, AMoveHandsTheChargeOn) {
  const auto quota = MakeQuota(10);
  auto first = quota->TryCharge(4);
  Charge second(*std::move(first));
  EXPECT_EQ(second.amount(), 4u);
  EXPECT_EQ(first->amount(), 0u);
  EXPECT_EQ(quota->used(), 4u);

  auto third = quota->TryCharge(6);
  *third = std::move(second);  // gives back its own six first
  EXPECT_EQ(quota->used(), 4u);
  Charge& same = *third;
  *third = std::move(same);
  EXPECT_EQ(third->amount(), 4u);
  *third = Charge();
  EXPECT_EQ(quota->used(), 0u);
}

TEST(QuotaTest, AChargeKeepsItsQuotaAlive) {
  auto quota = MakeQuota(10);
  const std::weak_ptr<Quota> watched = quota;
  {
    const auto charge = quota->TryCharge(1);
    quota.reset();
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

TEST(QuotaTest, TheLimitHoldsAmongThreads) {
  const auto quota = MakeQuota(3);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        const auto charge = quota->TryCharge(2);
        EXPECT_LE(quota->used(), 3u);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(quota->used(), 0u);
}

TEST(AccountTest, QuotasBearTheirHoldersName) {
  const Account account("user", {.bytes = 1, .allocations = 2, .handles = 3, .sessions = 4});
  EXPECT_EQ(account.bytes->name(), "user.bytes");
  EXPECT_EQ(account.allocations->limit(), 2u);
  EXPECT_EQ(account.handles->name(), "user.handles");
  EXPECT_EQ(account.sessions->limit(), 4u);
}

}  // namespace
}  // namespace vramd
