// Plain Vulkan 1.1. Search for "vramd" to see the few places where sharing comes in.
#define VOLK_IMPLEMENTATION
#include "common/gpu.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "common/load_vulkan.h"
#include "common/or_exit.h"

namespace example {
namespace {

int Rank(VkPhysicalDeviceType type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 1;
    default:
      return 0;
  }
}

VkPhysicalDeviceProperties PropertiesOf(VkPhysicalDevice device) {
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(device, &properties);
  return properties;
}

VkPhysicalDevice FindBest(VkInstance instance, const std::string& name_part) {
  uint32_t count = 0;
  Check(vkEnumeratePhysicalDevices(instance, &count, nullptr), "list the Vulkan devices");
  std::vector<VkPhysicalDevice> devices(count);
  Check(vkEnumeratePhysicalDevices(instance, &count, devices.data()), "list the Vulkan devices");
  VkPhysicalDevice best = VK_NULL_HANDLE;
  int best_rank = -1;
  for (VkPhysicalDevice device : devices) {
    const VkPhysicalDeviceProperties properties = PropertiesOf(device);
    if (std::string(properties.deviceName).find(name_part) == std::string::npos) continue;
    if (Rank(properties.deviceType) <= best_rank) continue;
    best = device;
    best_rank = Rank(properties.deviceType);
  }
  if (best == VK_NULL_HANDLE) Die("no Vulkan device has '" + name_part + "' in its name");
  return best;
}

uint32_t FindComputeFamily(VkPhysicalDevice device) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  for (uint32_t i = 0; i < count; ++i)
    if ((families[i].queueFlags & VK_QUEUE_COMPUTE_BIT) != 0) return i;
  Die("the Vulkan device has no queue for compute shaders");
}

}  // namespace

void Die(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

void Check(VkResult result, const char* what) {
  if (result != VK_SUCCESS)
    Die(std::string("cannot ") + what + ": VkResult " + std::to_string(result));
}

Gpu::Gpu(const vramd::Recipe& recipe) {
  CreateInstance();
  // vramd: the physical device on which the memory can be imported.
  physical_device_ = example::OrExit(
      vramd::VulkanDevice::FindPhysicalDevice(vkGetInstanceProcAddr, instance_, recipe));
  CreateDevice();
}

Gpu::Gpu(const std::string& name_part) {
  CreateInstance();
  physical_device_ = FindBest(instance_, name_part);
  CreateDevice();
}

void Gpu::CreateInstance() {
  Check(LoadVulkan(), "find a Vulkan loader; install libvulkan1 and a driver");
  VkApplicationInfo application = {VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.apiVersion = VK_API_VERSION_1_1;
  VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  Check(vkCreateInstance(&info, nullptr, &instance_), "create a VkInstance");
  volkLoadInstanceOnly(instance_);
}

void Gpu::CreateDevice() {
  name_ = PropertiesOf(physical_device_).deviceName;
  queue_family_ = FindComputeFamily(physical_device_);
  // vramd: the device extensions that importing needs.
  const std::vector<const char*> extensions = example::OrExit(
      vramd::VulkanDevice::Extensions(vkGetInstanceProcAddr, instance_, physical_device_));

  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = queue_family_;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  // vramd: a feature that streams use where it is there.
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
  timeline.timelineSemaphore = VK_TRUE;
  const bool has_timeline = example::OrExit(
      vramd::VulkanDevice::SupportsTimeline(vkGetInstanceProcAddr, instance_, physical_device_));
  VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                             has_timeline ? &timeline : nullptr};
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  Check(vkCreateDevice(physical_device_, &info, nullptr, &device_), "create a VkDevice");
  volkLoadDevice(device_);
  vkGetDeviceQueue(device_, queue_family_, 0, &queue_);

  VkCommandPoolCreateInfo pool = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = queue_family_;
  Check(vkCreateCommandPool(device_, &pool, nullptr, &pool_), "create a command pool");
  sharing_ = std::make_unique<vramd::VulkanDevice>(example::OrExit(
      vramd::VulkanDevice::Create(vkGetInstanceProcAddr, instance_, physical_device_, device_)));
}

Gpu::~Gpu() {
  Finish();
  sharing_.reset();
  vkDestroyCommandPool(device_, pool_, nullptr);
  vkDestroyDevice(device_, nullptr);
  vkDestroyInstance(instance_, nullptr);
}

Gpu::Job Gpu::Begin() {
  VkCommandBufferAllocateInfo allocate = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool_;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  Job job;
  Check(vkAllocateCommandBuffers(device_, &allocate, &job.commands), "make a command buffer");
  VkFenceCreateInfo fence = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  Check(vkCreateFence(device_, &fence, nullptr, &job.fence), "create a fence");
  VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  Check(vkBeginCommandBuffer(job.commands, &begin), "record commands");
  return job;
}

void Gpu::Wait(const Job& job) {
  Check(vkWaitForFences(device_, 1, &job.fence, VK_TRUE, UINT64_MAX), "wait for the GPU");
  vkDestroyFence(device_, job.fence, nullptr);
  vkFreeCommandBuffers(device_, pool_, 1, &job.commands);
}

void Gpu::Submit(const vramd::VulkanSync& sync,
                 const std::function<void(VkCommandBuffer)>& record) {
  const Job job = Begin();
  record(job.commands);
  Check(vkEndCommandBuffer(job.commands), "record commands");
  VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &job.commands;
  VkTimelineSemaphoreSubmitInfo timeline;
  sync.Apply(submit, timeline);  // vramd: what to wait for, and what to signal
  Check(vkQueueSubmit(queue_, 1, &submit, job.fence), "submit commands");
  running_.push_back(job);
  const size_t leave = sync.wait_count + sync.signal_count == 0 ? 0 : 8;
  for (; running_.size() > leave; running_.pop_front()) Wait(running_.front());
}

void Gpu::Finish() {
  for (; !running_.empty(); running_.pop_front()) Wait(running_.front());
}

void Gpu::Run(const std::function<void(VkCommandBuffer)>& record) {
  Submit(vramd::VulkanSync(), record);
}

VkDeviceMemory Gpu::AllocateFor(VkBuffer buffer, VkMemoryPropertyFlags properties) {
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device_, buffer, &needs);
  VkDeviceMemory memory = Allocate(needs, properties);
  Check(vkBindBufferMemory(device_, buffer, memory, 0), "bind memory to a buffer");
  return memory;
}

VkDeviceMemory Gpu::AllocateFor(VkImage image, VkMemoryPropertyFlags properties) {
  VkMemoryRequirements needs;
  vkGetImageMemoryRequirements(device_, image, &needs);
  VkDeviceMemory memory = Allocate(needs, properties);
  Check(vkBindImageMemory(device_, image, memory, 0), "bind memory to an image");
  return memory;
}

VkDeviceMemory Gpu::Allocate(const VkMemoryRequirements& needs, VkMemoryPropertyFlags properties) {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(physical_device_, &memory);
  VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  info.allocationSize = needs.size;
  for (uint32_t type = 0; type < memory.memoryTypeCount; ++type) {
    const bool allowed = (needs.memoryTypeBits >> type & 1) != 0;
    if (!allowed || (memory.memoryTypes[type].propertyFlags & properties) != properties) continue;
    info.memoryTypeIndex = type;
    VkDeviceMemory made = VK_NULL_HANDLE;
    Check(vkAllocateMemory(device_, &info, nullptr, &made), "allocate GPU memory");
    return made;
  }
  Die("the Vulkan device has no memory of the type that is needed");
}

HostBuffer::HostBuffer(Gpu& gpu, VkDeviceSize size, VkBufferUsageFlags usage)
    : gpu_(gpu), size_(size) {
  VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = size;
  info.usage = usage;
  Check(vkCreateBuffer(gpu.device(), &info, nullptr, &buffer_), "create a buffer");
  memory_ = gpu.AllocateFor(
      buffer_, VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT);
  void* mapped = nullptr;
  Check(vkMapMemory(gpu.device(), memory_, 0, VK_WHOLE_SIZE, 0, &mapped), "map a buffer");
  data_ = static_cast<uint8_t*>(mapped);
}

HostBuffer::~HostBuffer() {
  vkDestroyBuffer(gpu_.device(), buffer_, nullptr);
  vkFreeMemory(gpu_.device(), memory_, nullptr);
}

void RecordReadback(VkCommandBuffer commands, VkImage image, uint32_t width, uint32_t height,
                    const HostBuffer& into) {
  VkBufferImageCopy region = {};
  region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
  region.imageExtent = {width, height, 1};
  vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, into.buffer(), 1, &region);
  VkMemoryBarrier to_host = {VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  to_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                       &to_host, 0, nullptr, 0, nullptr);
}

}  // namespace example
