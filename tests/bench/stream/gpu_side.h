// One process of the GPU benchmark: a device, command buffers that take turns, and timelines that
// it shares with the other process without vramd, for the comparison.
#ifndef VRAMD_TESTS_BENCH_STREAM_GPU_SIDE_H_
#define VRAMD_TESTS_BENCH_STREAM_GPU_SIDE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/gpu.h"

namespace vramd::bench {

struct FrameSize {
  uint32_t width = 3840, height = 2160;
};

// What a submission waits for and signals: at most two of each.
struct Order {
  std::array<VkSemaphore, 2> semaphores{};
  std::array<uint64_t, 2> values{};
  uint32_t count = 0;

  Order& Add(VkSemaphore semaphore, uint64_t value) {
    semaphores[count] = semaphore;
    values[count++] = value;
    return *this;
  }
};

class GpuSide {
 public:
  explicit GpuSide(const Recipe* recipe = nullptr);
  ~GpuSide();

  example::Gpu& gpu() { return gpu_; }

  using Record = std::function<void(VkCommandBuffer)>;
  // Records and submits without waiting for anything but, now and then, an old submission.
  void Submit(const Order& waits, const Order& signals, const Record& record);
  void Submit(const VulkanSync& sync, const Record& record);
  // Until the GPU has done the newest submission.
  void AwaitNewest();

  // ---- Timelines of one's own, which cross by opaque fds
  bool CanShare() const { return get_fd_ != nullptr; }
  VkSemaphore MakeTimeline();
  int Export(VkSemaphore timeline);
  VkSemaphore Import(int fd);
  void Await(VkSemaphore timeline, uint64_t value);

 private:
  struct Job {
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
    bool submitted = false;
  };

  Job& NextJob();
  void Begin(Job& job, const Record& record);
  void Submit(Job& job, VkSubmitInfo submit);
  void AwaitJob(Job& job);

  example::Gpu gpu_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::array<Job, 64> jobs_{};
  size_t newest_ = 0;
  PFN_vkGetSemaphoreFdKHR get_fd_ = nullptr;
  PFN_vkImportSemaphoreFdKHR import_fd_ = nullptr;
  PFN_vkWaitSemaphoresKHR wait_ = nullptr;
};

// An image of this process alone, of the format and size of the stream's, and commands that do to
// it what the benchmark does to a frame.
class PrivateImage {
 public:
  PrivateImage(GpuSide& side, const FrameSize& size);
  ~PrivateImage();
  VkImage image() const { return image_; }

 private:
  GpuSide& side_;
  VkImage image_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
};

// In VK_IMAGE_LAYOUT_GENERAL.
void RecordClear(VkCommandBuffer commands, VkImage image);
void RecordLook(VkCommandBuffer commands, VkImage image, VkBuffer into);  // a corner of 16 x 16

}  // namespace vramd::bench

#endif  // VRAMD_TESTS_BENCH_STREAM_GPU_SIDE_H_
