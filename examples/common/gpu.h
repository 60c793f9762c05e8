// The Vulkan that every application has anyway: an instance, a device, a queue, a command buffer.
//
// Nothing here is needed to use vramd. What is vramd's own is a few lines in gpu.cc: the
// choice of the physical device, the extensions and the feature to enable, and the semaphores of a
// stream's submissions. Errors end the program with a message.
#ifndef EXAMPLES_COMMON_GPU_H_
#define EXAMPLES_COMMON_GPU_H_

#include <volk.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "common/or_exit.h"
#include "vramd/vulkan.h"

namespace example {

[[noreturn]] void Die(const std::string& message);
void Check(VkResult result, const char* what);
inline void Check(const vramd::Status& status) {
  if (!status.ok()) Die(status.ToString());
}

class Gpu {
 public:
  // The device on which `recipe` can be imported.
  explicit Gpu(const vramd::Recipe& recipe);
  // The best device whose name contains `name_part`: discrete before integrated before CPU.
  explicit Gpu(const std::string& name_part);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  VkDevice device() const { return device_; }
  uint32_t queue_family() const { return queue_family_; }
  const std::string& name() const { return name_; }

  vramd::VulkanResource Import(const vramd::Lease& lease) {
    return example::OrExit(sharing_->Import(lease));
  }

  // A barrier for a hand-over: stage and access 0 mean any, the layout is the hand-over layout.
  vramd::VulkanBarrier Barrier() const {
    vramd::VulkanBarrier barrier;
    barrier.queue_family = queue_family_;
    return barrier;
  }

  // Records commands, submits them and waits until they are done.
  void Run(const std::function<void(VkCommandBuffer)>& record);

  // The slots of a Producer or the frames of a Consumer, on this device.
  template <typename Party>
  vramd::VulkanStream Attach(const Party& party) {
    return example::OrExit(vramd::VulkanStream::Create(*sharing_, party));
  }

  // Records commands and submits them with the semaphores of a slot or a frame. Waits until they
  // are done only if there are none: then the next process cannot wait by itself.
  void Submit(const vramd::VulkanSync& sync, const std::function<void(VkCommandBuffer)>& record);
  // Waits for all that was submitted.
  void Finish();

  // Memory of a resource of one's own, bound. `properties` are VkMemoryPropertyFlags.
  VkDeviceMemory AllocateFor(VkBuffer buffer, VkMemoryPropertyFlags properties);
  VkDeviceMemory AllocateFor(VkImage image, VkMemoryPropertyFlags properties);

 private:
  void CreateInstance();
  void CreateDevice();
  VkDeviceMemory Allocate(const VkMemoryRequirements& needs, VkMemoryPropertyFlags properties);

  // A command buffer and the fence of its submission.
  struct Job {
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkFence fence = VK_NULL_HANDLE;
  };
  Job Begin();
  void Wait(const Job& job);

  VkInstance instance_ = VK_NULL_HANDLE;
  VkPhysicalDevice physical_device_ = VK_NULL_HANDLE;
  VkDevice device_ = VK_NULL_HANDLE;
  uint32_t queue_family_ = 0;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::deque<Job> running_;  // oldest first
  std::string name_;
  std::unique_ptr<vramd::VulkanDevice> sharing_;
};

// A buffer that both the CPU and the GPU read and write.
class HostBuffer {
 public:
  HostBuffer(Gpu& gpu, VkDeviceSize size, VkBufferUsageFlags usage);
  ~HostBuffer();
  HostBuffer(const HostBuffer&) = delete;
  HostBuffer& operator=(const HostBuffer&) = delete;

  VkBuffer buffer() const { return buffer_; }
  uint8_t* data() const { return data_; }
  VkDeviceSize size() const { return size_; }  // bytes

 private:
  Gpu& gpu_;
  VkDeviceSize size_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  uint8_t* data_ = nullptr;
};

// Copies level 0 of layer 0, width x height texels, of an image that is in VK_IMAGE_LAYOUT_GENERAL.
void RecordReadback(VkCommandBuffer commands, VkImage image, uint32_t width, uint32_t height,
                    const HostBuffer& into);

}  // namespace example

#endif  // EXAMPLES_COMMON_GPU_H_
