// Leases and names through the real daemon: what users do, what they do wrong, and what is left
// after ten thousand rounds of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/os_handle.h"
#include "tests/integration/scripted_process.h"
#include "tests/support/broker_process.h"
#include "tests/support/endpoint.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint32_t kRgba8 = 37;      // VK_FORMAT_R8G8B8A8_UNORM
constexpr uint32_t kSampled = 0x4;   // VK_IMAGE_USAGE_SAMPLED_BIT
constexpr uint32_t kStorage = 0x20;  // VK_BUFFER_USAGE_STORAGE_BUFFER_BIT

class LeaseTest : public ::testing::Test {
 protected:
  BrokerProcess broker_;
  Client client_ = broker_.Connect();
};

TEST_F(LeaseTest, AllocateOpenPublishListRelease) {
  auto image = OrExit(client_.Allocate(AllocateInfo::Image(kRgba8, 640, 480, kSampled)));
  EXPECT_EQ(image.recipe().kind, VRAMD_RESOURCE_IMAGE);
  EXPECT_EQ(image.recipe().image.width, 640u);
  EXPECT_GE(image.recipe().allocation_size, 640u * 480 * 4);
  const std::string name = OrExit(image.Publish("test/image"));
  EXPECT_THAT(name, HasSubstr("/test/image"));

  auto listed = OrExit(client_.List());
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].name, name);
  EXPECT_EQ(listed[0].lease_count, 1u);

  ScriptedProcess other(broker_.endpoint());
  ASSERT_THAT(other.Do("connect"), StartsWith("ok"));
  EXPECT_EQ(other.Do("open " + name), "ok 1 " + std::to_string(image.allocation_id()));
  EXPECT_EQ(OrExit(client_.List())[0].lease_count, 2u);
  EXPECT_EQ(other.Do("release 1"), "ok");
  EXPECT_TRUE(client_.Withdraw("test/image").ok());
  EXPECT_THAT(other.Do("open " + name), StartsWith("error NOT_FOUND"));
}

TEST_F(LeaseTest, MemoryLivesWhileAnyLeaseDoes) {
  ScriptedProcess other(broker_.endpoint());
  other.Do("connect");
  {
    auto lease = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
    ASSERT_THAT(other.Do("open-id " + std::to_string(lease.allocation_id())), StartsWith("ok"));
  }
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 1u);
  other.Do("release 1");
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 0u);
}

TEST_F(LeaseTest, BadRequestsSayWhatToDo) {
  struct Case {
    AllocateInfo info;
    vramd_result code;
    const char* words;
  };
  AllocateInfo unknown_device = AllocateInfo::Raw(4096);
  unknown_device.device = "no-such-gpu";
  AllocateInfo wrong_type = AllocateInfo::Raw(4096);
  const auto [foreign, foreign_name] = ForeignHandleType();
  wrong_type.handle_type = foreign;
  AllocateInfo wrong_kind = AllocateInfo::Raw(4096);
  wrong_kind.kind = static_cast<vramd_resource_kind>(77);
  const Case cases[] = {
      {AllocateInfo::Raw(0), VRAMD_INVALID_ARGUMENT, "size"},
      {AllocateInfo::Buffer(4096, 0), VRAMD_INVALID_ARGUMENT, "usage"},
      {AllocateInfo::Buffer(uint64_t{1} << 62, kStorage), VRAMD_INVALID_ARGUMENT, ""},
      {AllocateInfo::Image(0, 64, 64, kSampled), VRAMD_INVALID_ARGUMENT, "format"},
      {AllocateInfo::Image(999999, 64, 64, kSampled), VRAMD_INVALID_ARGUMENT, "format"},
      {AllocateInfo::Image(kRgba8, 0, 64, kSampled), VRAMD_INVALID_ARGUMENT, "width"},
      {AllocateInfo::Image(kRgba8, 1 << 30, 64, kSampled), VRAMD_INVALID_ARGUMENT, "width"},
      {unknown_device, VRAMD_NOT_FOUND, "no-such-gpu"},
      {wrong_type, VRAMD_FAILED_PRECONDITION, foreign_name},
      {wrong_kind, VRAMD_INVALID_ARGUMENT, "77"},
  };
  for (const Case& bad : cases) {
    const auto lease = client_.Allocate(bad.info);
    EXPECT_EQ(lease.status().code(), bad.code) << lease.status().ToString();
    EXPECT_THAT(lease.status().message(), HasSubstr(bad.words));
  }
  EXPECT_EQ(client_.Open("nobody/has/this").status().code(), VRAMD_NOT_FOUND);
  EXPECT_EQ(client_.Open("not a name").status().code(), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(client_.Open(12345).status().code(), VRAMD_NOT_FOUND);
  EXPECT_EQ(client_.Withdraw("test/none").code(), VRAMD_NOT_FOUND);
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 0u);
}

// By every way of sharing that a device claims, and by no other.
TEST_F(LeaseTest, WhatADeviceListsItDoes) {
  (void)OrExit(client_.Allocate(AllocateInfo::Raw(4096)));  // waits for the device to be open
  const DeviceInfo device = OrExit(client_.Devices()).at(0);
  ASSERT_FALSE(device.handle_types.empty());
  for (const vramd_handle_support& support : device.handle_types) {
    // A GPU has images of optimal tiling in its own memory only, which no host section can be.
    const bool section = support.handle_type == VRAMD_HANDLE_HOST_SECTION;
    AllocateInfo what =
        section ? AllocateInfo::Raw(4096) : AllocateInfo::Image(kRgba8, 64, 64, kSampled);
    what.handle_type = support.handle_type;
    EXPECT_EQ(client_.Allocate(what).ok(), support.can_export) << what.handle_type;
  }
}

TEST_F(LeaseTest, AWishForAMemoryTypeIsFulfilledOrRefused) {
  (void)OrExit(client_.Allocate(AllocateInfo::Raw(4096)));  // waits for the device to be open
  const size_t types = OrExit(client_.Devices()).at(0).memory_types.size();
  size_t fulfilled = 0;
  for (uint32_t type = 0; type < types; ++type) {
    vramd_memory_wish wish = VRAMD_MEMORY_WISH_INIT;
    wish.memory_type_bits = 1u << type;
    AllocateInfo info = AllocateInfo::Buffer(4096, kStorage);
    info.next = &wish;
    const auto lease = client_.Allocate(info);
    if (lease) {
      ++fulfilled;
      EXPECT_EQ(lease->recipe().memory_type_index, type);
    } else {
      EXPECT_EQ(lease.status().code(), VRAMD_FAILED_PRECONDITION) << lease.status().message();
    }
  }
  EXPECT_GT(fulfilled, 0u);
  vramd_memory_wish none = VRAMD_MEMORY_WISH_INIT;
  none.memory_type_bits = 1u << 31;
  AllocateInfo info = AllocateInfo::Buffer(4096, kStorage);
  info.next = &none;
  const auto refused = client_.Allocate(info);
  EXPECT_EQ(refused.status().code(), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(refused.status().message(), HasSubstr("memory type bits 0x80000000"));
}

TEST_F(LeaseTest, AListOfViewFormatsIsInTheRecipeOfEveryLease) {
  vramd_image_format_list list = VRAMD_IMAGE_FORMAT_LIST_INIT;
  list.view_format_count = 2;
  list.view_formats[0] = kRgba8;
  list.view_formats[1] = kRgba8 + 6;  // VK_FORMAT_R8G8B8A8_SRGB
  AllocateInfo info = AllocateInfo::Image(kRgba8, 64, 64, kSampled);
  info.image.flags = 8;  // VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT
  info.image.next = &list;
  const auto lease = OrExit(client_.Allocate(info));
  Client other = broker_.Connect();
  const Recipe recipe = OrExit(other.Open(lease.allocation_id())).recipe();
  EXPECT_EQ(recipe.format_list.view_format_count, 2u);
  EXPECT_EQ(recipe.format_list.view_formats[1], kRgba8 + 6);
  EXPECT_EQ(recipe.drm_modifier.modifier, VRAMD_DRM_MODIFIER_INVALID);
  list.view_formats[1] = 97;  // VK_FORMAT_R16G16B16A16_SFLOAT
  EXPECT_THAT(client_.Allocate(info).status().message(), HasSubstr("view format 97"));
}

TEST_F(LeaseTest, ADrmModifierIsRefusedByTheExtensionThatItNeeds) {
  vramd_drm_modifier modifier = VRAMD_DRM_MODIFIER_INIT;
  modifier.modifier = 0;  // DRM_FORMAT_MOD_LINEAR
  AllocateInfo info = AllocateInfo::Image(kRgba8, 64, 64, kSampled);
  info.image.tiling = 1000158000;  // VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT
  info.image.next = &modifier;
  const Status refused = client_.Allocate(info).status();
  EXPECT_EQ(refused.code(), VRAMD_FAILED_PRECONDITION);
  EXPECT_THAT(refused.message(), HasSubstr("VK_EXT_image_drm_format_modifier"));
}

TEST_F(LeaseTest, ALeaseGivesHandlesThatAreTheCallersOwn) {
  const auto lease = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
  const OsHandle one((NativeHandle)OrExit(lease.Handle()));
  const OsHandle two((NativeHandle)OrExit(lease.Handle()));
  EXPECT_NE(one.get(), two.get());
}

TEST_F(LeaseTest, CheckShareAnswersBeforeAnythingIsAllocated) {
  // The layout of an image is its device's own, whatever the handle is.
  auto lease = OrExit(client_.Allocate(AllocateInfo::Image(kRgba8, 64, 64, kSampled)));
  const Recipe recipe = lease.recipe();
  vramd_importer importer = VRAMD_IMPORTER_INIT;
  importer.identity = recipe.device;
  importer.importable_count = 1;
  importer.importable[0] = recipe.handle_type;
  EXPECT_EQ(OrExit(client_.WhyNotShareable(recipe, importer)), "");
  importer.identity.device_uuid[0] ^= 1;
  EXPECT_THAT(OrExit(client_.WhyNotShareable(recipe, importer)), HasSubstr("same GPU"));
  importer.importable_count = 0;
  EXPECT_THAT(OrExit(client_.WhyNotShareable(recipe, importer)), HasSubstr("cannot import"));
}

TEST(Quota, IsEnforcedNamedAndGivenBack) {
  TemporaryDirectory directory;
  const std::string config = directory.path() + "/vramd.toml";
  FILE* file = fopen(config.c_str(), "w");
  fputs("[quota.session]\nbytes = 1048576\nallocations = 3\n[quota.user]\nsessions = 2\n", file);
  fclose(file);
  BrokerProcess broker({"--config", config});
  Client client = broker.Connect();
  const auto too_large = client.Allocate(AllocateInfo::Raw(2 << 20));
  EXPECT_EQ(too_large.status().code(), VRAMD_RESOURCE_EXHAUSTED);
  EXPECT_THAT(too_large.status().message(),
              AllOf(HasSubstr("session.bytes"), HasSubstr("1048576"), HasSubstr("release")));
  for (int round = 0; round < 3; ++round) {
    std::vector<Lease> leases;
    for (int i = 0; i < 3; ++i) leases.push_back(OrExit(client.Allocate(AllocateInfo::Raw(4096))));
    EXPECT_THAT(client.Allocate(AllocateInfo::Raw(4096)).status().message(),
                HasSubstr("session.allocations"));
  }
  Client second = broker.Connect();
  ConnectInfo info;
  info.endpoint = broker.endpoint().c_str();
  const auto third = Client::Connect(info);
  EXPECT_EQ(third.status().code(), VRAMD_RESOURCE_EXHAUSTED);
  EXPECT_THAT(third.status().message(), HasSubstr("user.sessions"));
}

TEST_F(LeaseTest, ThreadsShareOneClient) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        auto lease = client_.Allocate(AllocateInfo::Raw(4096));
        ASSERT_TRUE(lease) << lease.status().ToString();
        auto again = client_.Open(lease->allocation_id());
        ASSERT_TRUE(again) << again.status().ToString();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 0u);
}

// A call that times out leaves nothing behind, whether or not the broker had done it already.
TEST_F(LeaseTest, TimedOutCallsCostNothing) {
  AllocateInfo info = AllocateInfo::Raw(1 << 20);
  info.timeout_ns = 1000000;
  int timed_out = 0;
  for (int i = 0; i < 300; ++i) timed_out += !client_.Allocate(info).ok();
  RecordProperty("timed_out", timed_out);
  // Releases by request may still be under way; a ping after them on the same connection is not
  // enough, since the broker serves calls in parallel. So ask until it is so, within a deadline.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  uint64_t left = 1;
  while (left != 0 && std::chrono::steady_clock::now() < deadline)
    left = OrExit(client_.ServerInfo()).allocations;
  EXPECT_EQ(left, 0u) << timed_out << " calls timed out";
}

// The last client of a process takes gRPC with it, while what it had in flight still completes.
TEST(Rounds, ClientsThatComeAndGoAreForgotten) {
  BrokerProcess broker({"--null-device"});
  for (int i = 0; i < LongRun(2000); ++i) {
    Client client = broker.Connect();
    ASSERT_TRUE(client.Ping().ok()) << i;
  }
  // The broker hears of each end by itself, a moment later.
  Client last = broker.Connect();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  uint32_t sessions = 0;
  do {
    sessions = OrExit(last.ServerInfo()).sessions;
  } while (sessions != 1 && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(sessions, 1u);
}

TEST(Rounds, TenThousandLeaveNothingBehind) {
  BrokerProcess broker({"--log-level", "warning"});
  Client client = broker.Connect();
  ScriptedProcess other(broker.endpoint());
  other.Do("connect");
  other.process().WriteLine("open-many");
  const auto round = [&] {
    auto lease = client.Allocate(AllocateInfo::Raw(64 << 10));
    ASSERT_TRUE(lease) << lease.status().ToString();
    ASSERT_EQ(other.Do(std::to_string(lease->allocation_id())), "ok");
  };
  for (int i = 0; i < LongRun(500); ++i) round();  // threads start, allocators settle
  const auto handles = [&] {
    return broker.process().CountHandles() + other.process().CountHandles();
  };
  const auto grown_in = [&](int rounds) {
    const size_t before = broker.process().ResidentBytes();
    EXPECT_EQ(HandlesLeft(rounds, round, handles), 0);
    return static_cast<int64_t>(broker.process().ResidentBytes()) - static_cast<int64_t>(before);
  };
  [[maybe_unused]] const int64_t first_half = grown_in(LongRun(5000));
  [[maybe_unused]] const int64_t second_half = grown_in(LongRun(5000));
  EXPECT_EQ(OrExit(client.ServerInfo()).allocations, 0u);
  EXPECT_EQ(OrExit(client.ServerInfo()).allocated_bytes, 0u);
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed for a while, and finds leaks by itself
  // What is kept for each round grows in both halves. A thread that gRPC starts late, or a page of
  // slack in the allocator, comes in one.
  EXPECT_LT(std::min(first_half, second_half), 1 << 20);
#endif
}

}  // namespace
}  // namespace vramd
