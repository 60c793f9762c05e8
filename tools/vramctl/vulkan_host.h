// vramctl as a Vulkan application: the loader, an instance, one device with one queue. As little as
// it takes to look at devices and to copy an imported image.
#ifndef VRAMD_TOOLS_VRAMCTL_VULKAN_HOST_H_
#define VRAMD_TOOLS_VRAMCTL_VULKAN_HOST_H_

#include <volk.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "vramd/vulkan.h"

namespace vramctl {

// Loads the system's Vulkan library for volk. One source per system.
VkResult LoadVulkan();
// Once it is loaded: why it reaches no driver and what to do, as far as that can be told without an
// instance; else empty.
std::string WhyNoDriver();

// "VK_ERROR_OUT_OF_HOST_MEMORY", or "VkResult -42" for one that has no name here.
std::string ResultName(VkResult result);
vramd::Status VulkanError(const char* what, VkResult result);

// Opens the loader and makes an instance of Vulkan 1.1 or newer. UNAVAILABLE if there is no loader
// or no driver. One at a time: volk keeps its function pointers in globals.
class VulkanInstance {
 public:
  static vramd::Result<VulkanInstance> Create();
  VulkanInstance(VulkanInstance&& other) noexcept : instance_(std::exchange(other.instance_, {})) {}
  VulkanInstance& operator=(VulkanInstance&&) = delete;
  ~VulkanInstance();

  VkInstance get() const { return instance_; }
  std::vector<VkPhysicalDevice> PhysicalDevices() const;

 private:
  explicit VulkanInstance(VkInstance instance) : instance_(instance) {}
  VkInstance instance_;
};

// A device that can import, with a queue that can copy.
class VulkanHost {
 public:
  static vramd::Result<VulkanHost> Create(const VulkanInstance& instance,
                                          VkPhysicalDevice physical);
  VulkanHost(VulkanHost&& other) noexcept
      : physical_(other.physical_),
        device_(std::exchange(other.device_, VK_NULL_HANDLE)),
        queue_family_(other.queue_family_),
        patience_(other.patience_),
        abandoned_(other.abandoned_) {}
  VulkanHost& operator=(VulkanHost&&) = delete;
  ~VulkanHost();

  VkDevice device() const { return device_; }
  uint32_t queue_family() const { return queue_family_; }

  // How long Run() waits for the GPU.
  void set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

  // Runs what `record` records, after and before what `sync` says, and waits until the GPU is done
  // with it. DEADLINE_EXCEEDED: it was not in time; CANCELLED: a signal came, see stop.h. After
  // either the host is abandoned: the GPU may use it and what it was given for ever, so nothing of
  // these may be destroyed. Leave() then.
  bool abandoned() const { return abandoned_; }
  vramd::Status Run(const std::function<void(VkCommandBuffer)>& record,
                    const vramd::VulkanSync& sync = {});

  // The first memory type of `bits` that has all of `properties`; NOT_FOUND if none.
  vramd::Result<uint32_t> FindMemoryType(uint32_t bits, VkMemoryPropertyFlags properties) const;

 private:
  VulkanHost(VkPhysicalDevice physical, VkDevice device, uint32_t queue_family)
      : physical_(physical), device_(device), queue_family_(queue_family) {}
  vramd::Status SubmitAndWait(VkCommandBuffer commands, const vramd::VulkanSync& sync);
  vramd::Status Await(VkFence fence);

  VkPhysicalDevice physical_;
  VkDevice device_;
  uint32_t queue_family_;
  std::chrono::milliseconds patience_{5000};
  bool abandoned_ = false;
};

// A buffer that the GPU writes and the CPU reads, mapped.
class ReadbackBuffer {
 public:
  static vramd::Result<ReadbackBuffer> Create(const VulkanHost& host, VkDeviceSize size);
  ReadbackBuffer(ReadbackBuffer&& other) noexcept
      : device_(other.device_),
        buffer_(std::exchange(other.buffer_, VK_NULL_HANDLE)),
        memory_(std::exchange(other.memory_, VK_NULL_HANDLE)),
        data_(other.data_) {}
  ReadbackBuffer& operator=(ReadbackBuffer&&) = delete;
  ~ReadbackBuffer();

  VkBuffer buffer() const { return buffer_; }
  const void* data() const { return data_; }

 private:
  explicit ReadbackBuffer(VkDevice device) : device_(device) {}
  vramd::Status Bind(const VulkanHost& host);

  VkDevice device_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  void* data_ = nullptr;
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_VULKAN_HOST_H_
