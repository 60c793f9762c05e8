// A handle that the broker has put into a client is closed by one side, once. The client closes
// what it was told of; only what it was never told of does the broker take back.
#include <gtest/gtest.h>
#include <windows.h>

#include <vector>

#include "client/src/link.h"
#include "tests/support/broker_process.h"

namespace vramd {
namespace {

constexpr std::chrono::seconds kPatience(20);

HANDLE HandleOf(uint64_t number) {
  return reinterpret_cast<HANDLE>(static_cast<uintptr_t>(number));
}

// Whether the value still means the section that the broker lent. Closed, it may soon mean
// anything.
bool IsTheSection(uint64_t number) {
  void* const view = MapViewOfFile(HandleOf(number), FILE_MAP_READ, 0, 0, 0);
  if (view != nullptr) UnmapViewOfFile(view);
  return view != nullptr;
}

// Makes events until one gets this value, which was free, and keeps them all. Empty if something
// else in this process was faster.
std::vector<OsHandle> UseValueAgain(uint64_t number) {
  std::vector<OsHandle> events;
  for (int i = 0; i < 1000; ++i) {
    events.emplace_back(CreateEventW(nullptr, TRUE, FALSE, nullptr));
    if (events.back().get() == HandleOf(number)) return events;
  }
  return {};
}

bool IsOurEvent(const OsHandle& event) {
  return SetEvent(event.get()) && WaitForSingleObject(event.get(), 0) == WAIT_OBJECT_0;
}

class HandleOwnerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto line = Dial(broker_.endpoint(), "", Clock::now() + kPatience);
    ASSERT_TRUE(line.ok()) << line.status();
    link_ = std::make_unique<Link>(*std::move(line));
  }

  void Allocate() {
    request_ = link_->NextRequest();
    v1::AllocateRequest request;
    request.set_request_id(request_.value);
    request.mutable_resource()->mutable_raw()->set_size(65536);
    const auto context = link_->NewContext(kPatience);
    const absl::Status called =
        link_->Conclude(link_->stub().Allocate(context.get(), request, &reply_));
    ASSERT_TRUE(called.ok()) << called;
    ASSERT_TRUE(IsTheSection(number()));
  }

  uint64_t number() const { return reply_.handle().value(); }
  uint64_t CountAllocations() {
    v1::DescribeReply reply;
    const auto context = link_->NewContext(kPatience);
    EXPECT_TRUE(link_->stub().Describe(context.get(), v1::DescribeRequest(), &reply).ok());
    return reply.allocations();
  }
  // The broker has then done all that it does about the call.
  void AwaitRelease() {
    const auto deadline = Clock::now() + kPatience;
    while (CountAllocations() != 0 && Clock::now() < deadline) {
    }
    EXPECT_EQ(CountAllocations(), 0u);
  }

  BrokerProcess broker_{{"--null-device"}};
  std::unique_ptr<Link> link_;
  RequestId request_;
  v1::LeaseReply reply_;
};

// How often a test tries to get a value again before something else gets it.
constexpr int kTries = 20;

TEST_F(HandleOwnerTest, WhatTheClientClosedIsNotClosedAgain) {
  std::vector<OsHandle> events;
  for (int i = 0; i < kTries && events.empty(); ++i) {
    ASSERT_NO_FATAL_FAILURE(Allocate());
    link_->Own(request_, reply_);
    auto handle = link_->lane().Redeem(number(), Clock::now() + kPatience);
    ASSERT_TRUE(handle.ok()) << handle.status();
    handle->Reset();
    events = UseValueAgain(number());
    link_->GiveBack(request_, LeaseId{reply_.lease_id()});
  }
  ASSERT_FALSE(events.empty());
  AwaitRelease();
  EXPECT_TRUE(IsOurEvent(events.back())) << "the broker closed what is none of its business";
}

TEST_F(HandleOwnerTest, WhatNobodyRedeemedIsClosedByTheClientAndNotByTheBroker) {
  std::vector<OsHandle> events;
  for (int i = 0; i < kTries && events.empty(); ++i) {
    ASSERT_NO_FATAL_FAILURE(Allocate());
    link_->Own(request_, reply_);
    link_->GiveBack(request_, LeaseId{reply_.lease_id()});
    EXPECT_FALSE(IsTheSection(number()));
    events = UseValueAgain(number());
  }
  ASSERT_FALSE(events.empty());
  AwaitRelease();
  EXPECT_TRUE(IsOurEvent(events.back()));
}

TEST_F(HandleOwnerTest, WhatTheClientWasNeverToldOfIsTakenBackByTheBroker) {
  ASSERT_NO_FATAL_FAILURE(Allocate());
  link_->GiveUp(request_);
  AwaitRelease();
  const auto deadline = Clock::now() + kPatience;  // the lease ends a moment before
  while (IsTheSection(number()) && Clock::now() < deadline) {
  }
  EXPECT_FALSE(IsTheSection(number()));
}

}  // namespace
}  // namespace vramd
