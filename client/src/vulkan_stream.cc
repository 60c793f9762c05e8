// A stream's images and semaphores on one VkDevice, imported when they are first used.
//
// An import is destroyed when its image is out of use, with its generation or because the ring has
// shrunk, and the GPU is done with the last work on it. The second is known from our own semaphore:
// each image remembers the highest value that work on it signals. Without timelines the CPU has
// waited for that work already.
//
// The same holds for a semaphore that is waited for, of a consumer that has left or of a session
// that is over: it remembers the highest value that a submission which waits for it signals. That
// value goes with the wait, in one vramd_vk_sync. So once our own semaphore has reached it, that
// submission and all before it are done, and a sync that was given out and never submitted can't be
// submitted any more: its value is behind. A sync not yet submitted, or one whose wait is pending
// on the GPU, holds our own semaphore below its value, and that keeps the semaphore that it waits
// for. That the broker signals for a consumer that is gone only ends such a wait. What was waited
// for without a signal of ours, for a frame that is kept, stays until the end.
#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/src/last_error.h"
#include "client/src/null_check.h"
#include "client/src/recipe_convert.h"
#include "client/src/sized_struct.h"
#include "client/src/vulkan_device.h"
#include "client/src/vulkan_resource.h"
#include "client/src/vulkan_status.h"

namespace vramd {
namespace {

constexpr uint64_t kFrames = 0;
constexpr uint64_t kOwnReleases = UINT64_MAX;

struct Image {
  vramd_vk_resource resource = VRAMD_VK_RESOURCE_INIT;
  uint32_t session = 0;     // 0: nothing was submitted
  uint64_t last_value = 0;  // that work on it signals
};

using ImageKey = std::pair<uint32_t, uint32_t>;  // generation, number

using SemaphoreKey = std::pair<uint32_t, uint64_t>;  // session, consumer

struct Semaphore {
  VkSemaphore semaphore = VK_NULL_HANDLE;
  uint64_t last_value = 0;  // that what waits for it signals, on our own of the session
  bool stays = false;       // something that waits for it signals nothing
};

}  // namespace
}  // namespace vramd

struct vramd_vk_stream {
  vramd_vk_stream(vramd_vk_device& device, vramd_stream& stream)
      : device(device), stream(stream), uses_timeline(vramd_stream_uses_timeline(&stream)) {}
  ~vramd_vk_stream();

  absl::StatusOr<const vramd_vk_resource*> GetResource(uint32_t generation, uint32_t image);
  absl::StatusOr<VkSemaphore> GetSemaphore(uint32_t session, uint64_t id);
  absl::StatusOr<VkSemaphore> ImportSemaphore(intptr_t handle);
  absl::Status SyncSlot(const vramd_slot& slot, VkPipelineStageFlags stage, vramd_vk_sync& sync);
  absl::Status SyncFrame(const vramd_frame& frame, VkPipelineStageFlags stage, vramd_vk_sync& sync);
  absl::Status Signal(uint32_t session, uint64_t id, const vramd::ImageKey& image,
                      vramd_vk_sync& sync);
  absl::Status AddWait(const vramd::SemaphoreKey& key, uint64_t value, VkPipelineStageFlags stage,
                       vramd_vk_sync& sync);
  bool IsOurs(const vramd::SemaphoreKey& key) const { return signalled.count(key) != 0; }
  bool GpuHasReached(uint32_t session, uint64_t last_value) const;
  bool IsThere(const vramd::ImageKey& key);
  void DestroyUnusedImages();
  void DestroyUnusedSemaphores();

  vramd_vk_device& device;
  vramd_stream& stream;
  const vramd::Birth birth;
  const bool uses_timeline;
  std::map<vramd::ImageKey, vramd::Image> images;
  uint64_t revision = 0;      // of the stream, when it was last looked through; see still_unused
  bool still_unused = false;  // images are out of use, but the GPU is not done with them
  std::map<vramd::SemaphoreKey, vramd::Semaphore> semaphores;
  std::map<vramd::SemaphoreKey, uint64_t> signalled;  // highest value that was given out
};

using vramd::LastStatus;
using vramd::RunCall;

vramd_vk_stream::~vramd_vk_stream() {
  for (auto& [key, image] : images) vramd_vk_resource_destroy(&device, &image.resource);
  if (!birth.is_here()) return;
  for (const auto& [key, imported] : semaphores)
    device.vk.DestroySemaphore(device.device, imported.semaphore, nullptr);
}

bool vramd_vk_stream::GpuHasReached(uint32_t session, uint64_t last_value) const {
  for (const uint64_t id : {vramd::kFrames, vramd::kOwnReleases}) {
    const vramd::SemaphoreKey key = {session, id};
    if (!IsOurs(key)) continue;
    const uint64_t value = device.timelines->ValueOf(semaphores.at(key).semaphore);
    if (value < last_value) return false;
    // Beyond all that we signal: the broker has signalled in our place, for those who wait for us,
    // and knows nothing of our GPU. What asks stays until the end.
    if (value > signalled.at(key) && value != UINT64_MAX) return false;
  }
  return true;
}

void vramd_vk_stream::DestroyUnusedImages() {
  const uint64_t now = vramd_stream_get_revision(&stream);
  if (now == revision && !still_unused) return;
  revision = now;
  still_unused = false;
  uint32_t oldest = 0;
  vramd_stream_get_generations(&stream, nullptr, nullptr, &oldest);
  for (auto entry = images.begin(); entry != images.end();) {
    auto& [key, image] = *entry;
    const bool used = key.first >= oldest && IsThere(key);
    const bool done = !used && GpuHasReached(image.session, image.last_value);
    still_unused = still_unused || (!used && !done);
    if (done) vramd_vk_resource_destroy(&device, &image.resource);
    entry = done ? images.erase(entry) : std::next(entry);
  }
}

bool vramd_vk_stream::IsThere(const vramd::ImageKey& key) {
  vramd_recipe recipe = VRAMD_RECIPE_INIT;
  return vramd_stream_get_image(&stream, key.first, key.second, &recipe, nullptr) == VRAMD_OK;
}

void vramd_vk_stream::DestroyUnusedSemaphores() {
  std::erase_if(semaphores, [this](const auto& entry) {
    const auto& [key, imported] = entry;
    if (IsOurs(key) || imported.stays) return false;
    if (vramd_stream_get_semaphore(&stream, key.first, key.second, nullptr) == VRAMD_OK)
      return false;
    if (!GpuHasReached(key.first, imported.last_value)) return false;
    device.vk.DestroySemaphore(device.device, imported.semaphore, nullptr);
    return true;
  });
}

absl::StatusOr<const vramd_vk_resource*> vramd_vk_stream::GetResource(uint32_t generation,
                                                                      uint32_t image) {
  DestroyUnusedImages();
  const auto found = images.find({generation, image});
  if (found != images.end()) return &found->second.resource;
  VRAMD_ASSIGN_OR_RETURN(
      const vramd::Recipe recipe, vramd::AskRecipe([&](vramd_recipe* fill) {
        return LastStatus(vramd_stream_get_image(&stream, generation, image, fill, nullptr));
      }));
  VRAMD_ASSIGN_OR_RETURN(
      vramd_vk_resource resource, vramd::ImportResource(device, recipe, [&](intptr_t* handle) {
        vramd_recipe again = VRAMD_RECIPE_INIT;
        return vramd_stream_get_image(&stream, generation, image, &again, handle);
      }));
  vramd::Image& imported = images[{generation, image}];
  imported.resource = resource;
  return &imported.resource;
}

absl::StatusOr<VkSemaphore> vramd_vk_stream::ImportSemaphore(intptr_t handle) {
  vramd::OsHandle owned{(vramd::NativeHandle)handle};
  VkSemaphoreTypeCreateInfo type = {VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  const VkSemaphoreCreateInfo info = {VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type};
  VkSemaphore semaphore = VK_NULL_HANDLE;
  const VkResult result = device.vk.CreateSemaphore(device.device, &info, nullptr, &semaphore);
  if (result != VK_SUCCESS) return vramd::VulkanStatus(result, "create a timeline semaphore");
  const absl::Status imported = device.timelines->Import(semaphore, std::move(owned));
  if (imported.ok()) return semaphore;
  device.vk.DestroySemaphore(device.device, semaphore, nullptr);
  return imported;
}

absl::StatusOr<VkSemaphore> vramd_vk_stream::GetSemaphore(uint32_t session, uint64_t id) {
  const auto found = semaphores.find({session, id});
  if (found != semaphores.end()) return found->second.semaphore;
  intptr_t handle = 0;
  const vramd_result result = vramd_stream_get_semaphore(&stream, session, id, &handle);
  if (result != VRAMD_OK) return LastStatus(result);
  VRAMD_ASSIGN_OR_RETURN(const VkSemaphore semaphore, ImportSemaphore(handle));
  semaphores[{session, id}].semaphore = semaphore;
  return semaphore;
}

// A new semaphore begins at 0, so the first value is 1: a value of 0 in a frame or a release means
// that there is nothing to wait for.
absl::Status vramd_vk_stream::Signal(uint32_t session, uint64_t id, const vramd::ImageKey& image,
                                     vramd_vk_sync& sync) {
  VRAMD_ASSIGN_OR_RETURN(sync.signal_semaphore, GetSemaphore(session, id));
  sync.signal_count = 1;
  sync.signal_value = ++signalled[{session, id}];
  // One that was never imported here has nothing to wait for.
  const auto found = images.find(image);
  if (found == images.end()) return absl::OkStatus();
  found->second.session = session;
  found->second.last_value = sync.signal_value;
  return absl::OkStatus();
}

absl::Status vramd_vk_stream::AddWait(const vramd::SemaphoreKey& key, uint64_t value,
                                      VkPipelineStageFlags stage, vramd_vk_sync& sync) {
  VRAMD_ASSIGN_OR_RETURN(sync.wait_semaphores[sync.wait_count],
                         GetSemaphore(key.first, key.second));
  sync.wait_values[sync.wait_count] = value;
  sync.wait_stages[sync.wait_count++] = stage;
  return absl::OkStatus();
}

absl::Status vramd_vk_stream::SyncSlot(const vramd_slot& slot, VkPipelineStageFlags stage,
                                       vramd_vk_sync& sync) {
  if (!uses_timeline) return absl::OkStatus();
  DestroyUnusedSemaphores();
  const uint32_t waits = std::min<uint32_t>(slot.wait_count, VRAMD_MAX_CONSUMERS);
  for (uint32_t i = 0; i < waits; ++i) {
    const absl::Status added =
        AddWait({slot.session, slot.waits[i].consumer_id}, slot.waits[i].value, stage, sync);
    // The consumer has left since: the broker has signalled for it.
    if (!absl::IsNotFound(added)) VRAMD_RETURN_IF_ERROR(added);
  }
  VRAMD_RETURN_IF_ERROR(Signal(slot.session, vramd::kFrames, {slot.generation, slot.image}, sync));
  for (uint32_t i = 0; i < waits; ++i) {
    const auto waited = semaphores.find({slot.session, slot.waits[i].consumer_id});
    if (waited != semaphores.end()) waited->second.last_value = sync.signal_value;
  }
  return absl::OkStatus();
}

absl::Status vramd_vk_stream::SyncFrame(const vramd_frame& frame, VkPipelineStageFlags stage,
                                        vramd_vk_sync& sync) {
  if (!uses_timeline) return absl::OkStatus();
  DestroyUnusedSemaphores();
  const vramd::SemaphoreKey frames = {frame.session, vramd::kFrames};
  if (frame.timeline_value != 0)
    VRAMD_RETURN_IF_ERROR(AddWait(frames, frame.timeline_value, stage, sync));
  // What is kept is not given back.
  if (!frame.kept)
    VRAMD_RETURN_IF_ERROR(
        Signal(frame.session, vramd::kOwnReleases, {frame.generation, frame.image}, sync));
  if (sync.wait_count == 0) return absl::OkStatus();
  vramd::Semaphore& waited = semaphores.at(frames);
  waited.last_value = sync.signal_value;
  waited.stays = waited.stays || frame.kept;
  return absl::OkStatus();
}

namespace vramd {
namespace {

template <typename Fill>
absl::Status FillSync(VkPipelineStageFlags stage, vramd_vk_sync* sync, Fill fill) {
  VRAMD_RETURN_IF_ERROR(CheckSized(sync));
  vramd_vk_sync own = VRAMD_VK_SYNC_INIT;
  if (stage == 0) stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  VRAMD_RETURN_IF_ERROR(fill(stage, own));
  WriteSized(own, sync);
  return absl::OkStatus();
}

}  // namespace

PFN_vkGetSemaphoreCounterValue FindGetCounterValue(VkDevice device, PFN_vkGetDeviceProcAddr get) {
  PFN_vkVoidFunction found = get(device, "vkGetSemaphoreCounterValueKHR");
  if (found == nullptr) found = get(device, "vkGetSemaphoreCounterValue");
  return reinterpret_cast<PFN_vkGetSemaphoreCounterValue>(found);
}

}  // namespace vramd

vramd_result vramd_vk_stream_create(vramd_vk_device* device, vramd_stream* stream,
                                    vramd_vk_stream** out) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(device, stream, out);
    VRAMD_RETURN_IF_FORKED(device);
    auto made = std::make_unique<vramd_vk_stream>(*device, *stream);
    if (made->uses_timeline && device->timelines == nullptr)
      return absl::FailedPreconditionError(
          "this stream orders its frames by timeline semaphores, for which this VkDevice lacks the "
          "extensions: enable those that vramd_vk_enumerate_device_extensions() names, and the "
          "feature timelineSemaphore");
    *out = made.release();
    return absl::OkStatus();
  });
}

void vramd_vk_stream_destroy(vramd_vk_stream* stream) { delete stream; }

vramd_result vramd_vk_stream_get_resource(vramd_vk_stream* stream, uint32_t generation,
                                          uint32_t image, const vramd_vk_resource** resource) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(stream, resource);
    VRAMD_RETURN_IF_FORKED(stream);
    VRAMD_ASSIGN_OR_RETURN(*resource, stream->GetResource(generation, image));
    return absl::OkStatus();
  });
}

vramd_result vramd_vk_sync_slot(vramd_vk_stream* stream, const vramd_slot* slot,
                                VkPipelineStageFlags stage, vramd_vk_sync* sync) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(stream, slot, sync);
    VRAMD_RETURN_IF_FORKED(stream);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(slot));
    return vramd::FillSync(stage, sync, [&](VkPipelineStageFlags at, vramd_vk_sync& own) {
      return stream->SyncSlot(*slot, at, own);
    });
  });
}

vramd_result vramd_vk_sync_frame(vramd_vk_stream* stream, const vramd_frame* frame,
                                 VkPipelineStageFlags stage, vramd_vk_sync* sync) {
  return RunCall([&]() -> absl::Status {
    VRAMD_RETURN_IF_NULL(stream, frame, sync);
    VRAMD_RETURN_IF_FORKED(stream);
    VRAMD_RETURN_IF_ERROR(vramd::CheckSized(frame));
    return vramd::FillSync(stage, sync, [&](VkPipelineStageFlags at, vramd_vk_sync& own) {
      return stream->SyncFrame(*frame, at, own);
    });
  });
}

void vramd_vk_sync_apply(const vramd_vk_sync* sync, VkSubmitInfo* submit,
                         VkTimelineSemaphoreSubmitInfo* timeline) {
  if (sync == nullptr || submit == nullptr || timeline == nullptr) return;
  if (sync->wait_count == 0 && sync->signal_count == 0) return;
  *timeline = {VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
               submit->pNext,
               sync->wait_count,
               sync->wait_values,
               sync->signal_count,
               &sync->signal_value};
  submit->pNext = timeline;
  submit->waitSemaphoreCount = sync->wait_count;
  submit->pWaitSemaphores = sync->wait_semaphores;
  submit->pWaitDstStageMask = sync->wait_stages;
  submit->signalSemaphoreCount = sync->signal_count;
  submit->pSignalSemaphores = &sync->signal_semaphore;
}
