// DeviceHub and the selector: who gets which device, and when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "driver-shim/device_hub.h"
#include "driver-shim/device_selector.h"
#include "tests/unit/driver_shim_fakes.h"

namespace vramd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Devices = std::vector<std::shared_ptr<Device>>;

constexpr std::chrono::hours kForever(1);

Clock::time_point Soon() { return Clock::now() + std::chrono::seconds(30); }

Devices TwoCards() {
  DeviceInfo first = FakeInfo(0, "NVIDIA GeForce RTX 4090", 0xaa);
  first.identity.luid = {1, 2, 3, 4, 5, 6, 7, 8};
  first.identity.luid_valid = true;
  return {std::make_shared<FakeDevice>(first),
          std::make_shared<FakeDevice>(FakeInfo(1, "NVIDIA H100", 0xbb))};
}

class Hub : public ::testing::Test {
 protected:
  uint32_t IndexOf(absl::string_view selector) {
    const auto found = hub_.Find(selector, Soon());
    EXPECT_TRUE(found.ok()) << found.status();
    return found.ok() ? (*found)->info().index : 99;
  }
  absl::Status ErrorOf(absl::string_view selector) { return hub_.Find(selector, Soon()).status(); }

  DeviceHub hub_{[] { return TwoCards(); }};
};

TEST_F(Hub, EmptySelectorTakesTheFirst) { EXPECT_EQ(IndexOf(""), 0u); }

TEST_F(Hub, FindsByUuidWithAndWithoutDashesInAnyCase) {
  EXPECT_EQ(IndexOf("bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb"), 1u);
  EXPECT_EQ(IndexOf("BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"), 1u);
}

TEST_F(Hub, FindsByLuid) {
  EXPECT_EQ(IndexOf("0102030405060708"), 0u);
  // The second card has no LUID: its zeros are not one.
  EXPECT_EQ(ErrorOf("0000000000000000").code(), absl::StatusCode::kNotFound);
}

TEST_F(Hub, FindsByIndexBeforeName) {
  EXPECT_EQ(IndexOf("0"), 0u);
  EXPECT_EQ(IndexOf("1"), 1u);
  EXPECT_EQ(IndexOf("4090"), 0u);  // no such index: a part of the name
}

TEST_F(Hub, FindsByPartOfTheName) {
  EXPECT_EQ(IndexOf("h100"), 1u);
  EXPECT_EQ(IndexOf("GEFORCE"), 0u);
}

TEST_F(Hub, AmbiguousNameIsRefused) {
  const absl::Status status = ErrorOf("nvidia");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("fits several devices"));
}

TEST_F(Hub, UnknownNameListsWhatThereIs) {
  const absl::Status status = ErrorOf("radeon");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("1: NVIDIA H100 (UUID bbbbbbbb-"));
}

TEST_F(Hub, ListsDevicesWithBudget) {
  ASSERT_TRUE(hub_.Find("", Soon()).ok());
  const auto list = hub_.List();
  ASSERT_THAT(list, SizeIs(2));
  EXPECT_EQ(list[1].state, DeviceState::kReady);
  EXPECT_EQ(list[1].info.name, "NVIDIA H100");
  ASSERT_THAT(list[1].budget, SizeIs(1));
  EXPECT_EQ(list[1].budget[0].budget, 1000u);
}

TEST_F(Hub, LostDeviceIsUnavailableAndTheOtherStillWorks) {
  const auto first = hub_.Find("0", Soon());
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(hub_.MarkLost(**first, "it fell off the bus"));
  EXPECT_FALSE(hub_.MarkLost(**first, "again"));
  EXPECT_EQ(ErrorOf("0").code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(ErrorOf("0").message()), HasSubstr("it fell off the bus"));
  EXPECT_EQ(IndexOf(""), 1u);
  EXPECT_EQ(hub_.List()[0].state, DeviceState::kLost);
  EXPECT_EQ(hub_.List()[0].reason, "it fell off the bus");
}

TEST_F(Hub, AllLostIsUnavailable) {
  for (const char* index : {"0", "1"}) hub_.MarkLost(**hub_.Find(index, Soon()), "");
  EXPECT_EQ(ErrorOf("").code(), absl::StatusCode::kUnavailable);
}

TEST_F(Hub, MarkLostOfAStrangerDoesNothing) {
  EXPECT_FALSE(hub_.MarkLost(FakeDevice(FakeInfo(0, "stranger", 1)), "x"));
}

TEST(HubOpening, FindWaitsForTheOpener) {
  std::promise<void> go;
  DeviceHub hub([&]() -> absl::StatusOr<Devices> {
    go.get_future().wait();
    return TwoCards();
  });
  auto finding = std::async(std::launch::async, [&] { return hub.Find("h100", Soon()); });
  const auto while_opening = hub.List();
  ASSERT_THAT(while_opening, SizeIs(1));
  EXPECT_EQ(while_opening[0].state, DeviceState::kOpening);
  EXPECT_EQ(hub.Find("", Clock::now()).status().code(), absl::StatusCode::kDeadlineExceeded);
  go.set_value();
  EXPECT_TRUE(finding.get().ok());
}

TEST(HubOpening, FailureIsUnavailableWithItsReason) {
  DeviceHub hub([]() -> absl::StatusOr<Devices> {
    return absl::UnavailableError("install a Vulkan driver");
  });
  const absl::Status status = hub.Find("", Soon()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("install a Vulkan driver"));
  ASSERT_THAT(hub.List(), SizeIs(1));
  EXPECT_EQ(hub.List()[0].state, DeviceState::kFailed);
  EXPECT_EQ(hub.List()[0].reason, "install a Vulkan driver");
}

TEST(HubOpening, NoDeviceIsAFailure) {
  DeviceHub hub([] { return Devices(); });
  EXPECT_EQ(hub.Find("", Soon()).status().code(), absl::StatusCode::kUnavailable);
}

TEST(HubOpening, FailureIsToldToWhoAskedForIt) {
  std::promise<absl::Status> told;
  DeviceHub* hub = nullptr;
  std::promise<void> go;
  DeviceHub made(
      [&]() -> absl::StatusOr<Devices> {
        go.get_future().wait();
        return absl::UnavailableError("no such card");
      },
      {.on_failure = [&] { told.set_value(hub->failure()); }});
  hub = &made;
  EXPECT_TRUE(made.failure().ok()) << "it may yet find one";
  go.set_value();
  EXPECT_EQ(told.get_future().get().message(), "no such card");
}

// An opener that fails until a device comes, and the hub that waits for it.
class PatientHub : public ::testing::Test {
 protected:
  absl::StatusOr<Devices> Open() {
    if (++looks_ == kLooks - 1) nearly_.set_value();
    if (looks_ < kLooks) return absl::UnavailableError("not plugged in");
    return TwoCards();
  }

  static constexpr int kLooks = 4;
  int looks_ = 0;  // the hub's thread's
  std::promise<void> nearly_;
};

TEST_F(PatientHub, LooksUntilADeviceComes) {
  DeviceHub hub([&] { return Open(); },
                {.keep_looking = true,
                 .first_pause = std::chrono::milliseconds(1),
                 .on_failure = [] { ADD_FAILURE() << "it has not given up"; }});
  const auto deadline = Soon();
  absl::StatusOr<std::shared_ptr<Device>> found = hub.Find("h100", deadline);
  while (!found.ok() && Clock::now() < deadline) {
    EXPECT_EQ(found.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(found.status().message()),
                AllOf(HasSubstr("not plugged in"), HasSubstr("keeps looking")));
    std::this_thread::yield();
    found = hub.Find("h100", deadline);
  }
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(looks_, kLooks);
}

// And its end does not wait for the next look.
TEST_F(PatientHub, SaysWhyItHasNoDeviceYet) {
  DeviceHub hub([&] { return Open(); }, {.keep_looking = true, .first_pause = kForever});
  EXPECT_FALSE(hub.Find("", Soon()).ok());
  ASSERT_THAT(hub.List(), SizeIs(1));
  EXPECT_EQ(hub.List()[0].state, DeviceState::kOpening);
  EXPECT_EQ(hub.List()[0].reason, "not plugged in");
  EXPECT_TRUE(hub.failure().ok());
}

TEST_F(PatientHub, PausesBetweenItsLooksAndLongerEachTime) {
  const Clock::time_point begin = Clock::now();
  {
    DeviceHub hub([&] { return Open(); },
                  {.keep_looking = true, .first_pause = std::chrono::milliseconds(20)});
    nearly_.get_future().wait();
  }
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(20 + 40));
}

TEST(SelectDevice, EqualUuidsAreAmbiguous) {
  const DeviceInfo a = FakeInfo(0, "llvmpipe", 7);
  const DeviceInfo b = FakeInfo(1, "llvmpipe", 7);
  const auto found = SelectDevice(UuidToString(a.identity.device_uuid), {&a, &b});
  EXPECT_EQ(found.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(*SelectDevice("1", {&a, &b}), 1u);
}

}  // namespace
}  // namespace vramd
