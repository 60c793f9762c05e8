// Which semaphores of a stream live on the VkDevice, and for how long. The device's timelines are
// numbers that the test sets, and so is the stream.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "client/src/vulkan_device.h"
#include "vramd/vramd_vulkan.h"

// The stream that the library under test sees. Linked instead of the client.
struct vramd_stream {
  std::set<std::pair<uint32_t, uint64_t>> semaphores;  // session, consumer
  intptr_t handles_given = 0;
};

bool vramd_stream_uses_timeline(const vramd_stream*) { return true; }

void vramd_stream_get_generations(vramd_stream*, uint32_t*, uint32_t*, uint32_t* oldest) {
  *oldest = 1;
}

uint64_t vramd_stream_get_revision(const vramd_stream*) { return 0; }

vramd_result vramd_stream_get_image(vramd_stream*, uint32_t, uint32_t, vramd_recipe*, intptr_t*) {
  return VRAMD_NOT_FOUND;
}

vramd_result vramd_stream_get_semaphore(vramd_stream* stream, uint32_t session, uint64_t consumer,
                                        intptr_t* handle) {
  if (stream->semaphores.count({session, consumer}) == 0) return VRAMD_NOT_FOUND;
  if (handle != nullptr) *handle = ++stream->handles_given;
  return VRAMD_OK;
}

namespace vramd {
namespace {

constexpr uint64_t kProducersOwn = 0, kConsumersOwn = UINT64_MAX;

// The live semaphores, and how far each has come.
std::map<VkSemaphore, uint64_t>* timelines = nullptr;  // of the running test

VkResult CreateTimeline(VkDevice, const VkSemaphoreCreateInfo*, const VkAllocationCallbacks*,
                        VkSemaphore* semaphore) {
  static uintptr_t last = 0;
  *semaphore = reinterpret_cast<VkSemaphore>(++last);
  timelines->emplace(*semaphore, 0);
  return VK_SUCCESS;
}

void DestroyTimeline(VkDevice, VkSemaphore semaphore, const VkAllocationCallbacks*) {
  EXPECT_EQ(timelines->erase(semaphore), 1u) << "destroyed twice, or never created";
}

VkResult ReadTimeline(VkDevice, VkSemaphore semaphore, uint64_t* value) {
  *value = timelines->at(semaphore);
  return VK_SUCCESS;
}

class NumberTimelines final : public TimelineImporter {
 public:
  NumberTimelines() : TimelineImporter(VK_NULL_HANDLE, &ReadTimeline) {}
  absl::Status Import(VkSemaphore, OsHandle handle) const override {
    [[maybe_unused]] const NativeHandle no_handle_at_all = handle.Release();
    return absl::OkStatus();
  }
};

class SemaphoreTest : public testing::Test {
 protected:
  SemaphoreTest() {
    timelines = &live_;
    device_.vk.CreateSemaphore = &CreateTimeline;
    device_.vk.DestroySemaphore = &DestroyTimeline;
    device_.timelines = std::make_unique<NumberTimelines>();
    source_.semaphores = {{1, kProducersOwn}};
    EXPECT_EQ(vramd_vk_stream_create(&device_, &source_, &stream_), VRAMD_OK);
  }
  ~SemaphoreTest() override {
    vramd_vk_stream_destroy(stream_);
    EXPECT_TRUE(live_.empty()) << "left behind";
    timelines = nullptr;
  }

  void Join(uint64_t consumer) { source_.semaphores.insert({1, consumer}); }
  void Leave(uint64_t consumer) { source_.semaphores.erase({1, consumer}); }

  // For a slot that `consumers` had. `session` 1 unless a test says otherwise.
  vramd_vk_sync SyncSlot(const std::vector<uint64_t>& consumers, uint32_t session = 1) {
    vramd_slot slot = VRAMD_SLOT_INIT;
    slot.session = session;
    slot.generation = 1;
    for (const uint64_t consumer : consumers) slot.waits[slot.wait_count++] = {consumer, 1};
    vramd_vk_sync sync = VRAMD_VK_SYNC_INIT;
    EXPECT_EQ(vramd_vk_sync_slot(stream_, &slot, 0, &sync), VRAMD_OK) << vramd_last_error();
    return sync;
  }
  vramd_vk_sync SyncFrame(uint32_t session, bool kept) {
    vramd_frame frame = VRAMD_FRAME_INIT;
    frame.session = session;
    frame.generation = 1;
    frame.timeline_value = 1;
    frame.kept = kept;
    vramd_vk_sync sync = VRAMD_VK_SYNC_INIT;
    EXPECT_EQ(vramd_vk_sync_frame(stream_, &frame, 0, &sync), VRAMD_OK) << vramd_last_error();
    return sync;
  }
  // The GPU is done with the submission that this is for.
  void Finish(const vramd_vk_sync& sync) { live_.at(sync.signal_semaphore) = sync.signal_value; }
  bool IsLive(VkSemaphore semaphore) const { return live_.count(semaphore) != 0; }

  std::map<VkSemaphore, uint64_t> live_;
  vramd_vk_device device_;
  vramd_stream source_;
  vramd_vk_stream* stream_ = nullptr;
};

TEST_F(SemaphoreTest, AHundredConsumersThatCameAndWentLeaveNone) {
  for (uint64_t consumer = 1; consumer <= 100; ++consumer) {
    Join(consumer);
    const vramd_vk_sync sync = SyncSlot({consumer});
    EXPECT_EQ(sync.wait_count, 1u);
    Finish(sync);
    Leave(consumer);
    EXPECT_LE(live_.size(), 3u) << "the producer's, this consumer's and the one before";
  }
  SyncSlot({});
  EXPECT_EQ(live_.size(), 1u);
}

TEST_F(SemaphoreTest, ItStaysWhileASubmissionMayWaitForIt) {
  Join(7);
  const vramd_vk_sync pending = SyncSlot({7});
  Leave(7);
  const vramd_vk_sync other = SyncSlot({});
  EXPECT_TRUE(IsLive(pending.wait_semaphores[0])) << "not submitted yet, or pending on the GPU";
  Finish(pending);
  SyncSlot({});
  EXPECT_FALSE(IsLive(pending.wait_semaphores[0]));
  Finish(other);
}

TEST_F(SemaphoreTest, ASyncThatIsNeverSubmittedDoesNotKeepIt) {
  Join(7);
  const vramd_vk_sync given_up = SyncSlot({7});
  Leave(7);
  Finish(SyncSlot({}));
  SyncSlot({});
  EXPECT_FALSE(IsLive(given_up.wait_semaphores[0]));
}

TEST_F(SemaphoreTest, ItStaysAsLongAsTheConsumer) {
  Join(7);
  const vramd_vk_sync sync = SyncSlot({7});
  Finish(sync);
  Finish(SyncSlot({}));
  EXPECT_EQ(SyncSlot({7}).wait_semaphores[0], sync.wait_semaphores[0]);
}

TEST_F(SemaphoreTest, ASlotWhoseConsumerIsGoneWaitsForNothing) {
  Join(7);
  Finish(SyncSlot({7}));
  Leave(7);
  EXPECT_EQ(SyncSlot({7}).wait_count, 0u);
}

// The broker knows nothing of this GPU: its signal says nothing about what is pending here.
TEST_F(SemaphoreTest, ItStaysWhenTheBrokerSignalledInOurPlace) {
  Join(7);
  const vramd_vk_sync pending = SyncSlot({7});
  Leave(7);
  live_.at(pending.signal_semaphore) = uint64_t{1} << 62;
  SyncSlot({});
  EXPECT_TRUE(IsLive(pending.wait_semaphores[0]));
}

TEST_F(SemaphoreTest, AConsumerDropsThoseOfOldSessions) {
  source_.semaphores = {{1, kProducersOwn}, {1, kConsumersOwn}};
  const vramd_vk_sync old = SyncFrame(1, false);
  source_.semaphores = {{2, kProducersOwn}, {2, kConsumersOwn}};
  SyncFrame(2, false);
  EXPECT_TRUE(IsLive(old.wait_semaphores[0]));
  Finish(old);
  SyncFrame(2, false);
  EXPECT_FALSE(IsLive(old.wait_semaphores[0]));
}

TEST_F(SemaphoreTest, WhatAKeptFrameWaitsForStays) {
  source_.semaphores = {{1, kProducersOwn}, {1, kConsumersOwn}};
  const vramd_vk_sync kept = SyncFrame(1, true);
  EXPECT_EQ(kept.signal_count, 0u);
  Finish(SyncFrame(1, false));
  source_.semaphores = {{2, kProducersOwn}, {2, kConsumersOwn}};
  SyncFrame(2, false);
  EXPECT_TRUE(IsLive(kept.wait_semaphores[0]));
}

}  // namespace
}  // namespace vramd
