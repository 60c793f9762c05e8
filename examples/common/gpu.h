// The Vulkan that every application has anyway: an instance, a device, a queue, a command buffer.
//
// Nothing here is needed to use vramd. What is vramd's own is two lines in gpu.cc: the choice of
// the physical device, and the extensions to enable. Errors end the program with a message.
#ifndef EXAMPLES_COMMON_GPU_H_
#define EXAMPLES_COMMON_GPU_H_

#include <volk.h>

#include <functional>
#include <memory>
#include <string>

#include "vramd/vulkan.h"

namespace example {

[[noreturn]] void Die(const std::string& message);
void Check(VkResult result, const char* what);

class Gpu {
 public:
  // The device on which `recipe` can be imported.
  explicit Gpu(const vramd_recipe& recipe);
  // The best device whose name contains `name_part`: discrete before integrated before CPU.
  explicit Gpu(const std::string& name_part);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  VkDevice device() const { return device_; }
  uint32_t queue_family() const { return queue_family_; }
  const std::string& name() const { return name_; }

  vramd::VulkanResource Import(const vramd::Lease& lease) {
    return sharing_->Import(lease).OrExit();
  }

  // A barrier for a hand-over: stage and access 0 mean any, the layout is the hand-over layout.
  vramd::VulkanBarrier Barrier() const {
    vramd::VulkanBarrier barrier;
    barrier.queue_family = queue_family_;
    return barrier;
  }

  // Records commands, submits them and waits until they are done.
  void Run(const std::function<void(VkCommandBuffer)>& record);

  // Memory of a resource of one's own, bound. `properties` are VkMemoryPropertyFlags.
  VkDeviceMemory AllocateFor(VkBuffer buffer, VkMemoryPropertyFlags properties);
  VkDeviceMemory AllocateFor(VkImage image, VkMemoryPropertyFlags properties);

 private:
  void CreateInstance();
  void CreateDevice();
  VkDeviceMemory Allocate(const VkMemoryRequirements& needs, VkMemoryPropertyFlags properties);

  VkInstance instance_ = VK_NULL_HANDLE;
  VkPhysicalDevice physical_device_ = VK_NULL_HANDLE;
  VkDevice device_ = VK_NULL_HANDLE;
  uint32_t queue_family_ = 0;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
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
