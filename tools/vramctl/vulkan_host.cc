#include "tools/vramctl/vulkan_host.h"

#include <algorithm>
#include <string>

#include "tools/vramctl/stop.h"

#define VOLK_IMPLEMENTATION
#include <volk.h>

namespace vramctl {
namespace {

vramd::Result<uint32_t> FindQueueFamily(VkPhysicalDevice physical) {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(physical, &count, families.data());
  for (uint32_t i = 0; i < count; ++i)
    if ((families[i].queueFlags & (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT)) != 0) return i;
  return vramd::Status(VRAMD_FAILED_PRECONDITION, "the device has no graphics or compute queue");
}

}  // namespace

std::string ResultName(VkResult result) {
  switch (result) {
#define VRAMCTL_NAME(result) \
  case result:               \
    return #result
    VRAMCTL_NAME(VK_ERROR_OUT_OF_HOST_MEMORY);
    VRAMCTL_NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY);
    VRAMCTL_NAME(VK_ERROR_INITIALIZATION_FAILED);
    VRAMCTL_NAME(VK_ERROR_DEVICE_LOST);
    VRAMCTL_NAME(VK_ERROR_EXTENSION_NOT_PRESENT);
    VRAMCTL_NAME(VK_ERROR_FEATURE_NOT_PRESENT);
    VRAMCTL_NAME(VK_ERROR_TOO_MANY_OBJECTS);
    VRAMCTL_NAME(VK_ERROR_INVALID_EXTERNAL_HANDLE);
#undef VRAMCTL_NAME
    default:
      return "VkResult " + std::to_string(static_cast<int>(result));
  }
}

vramd::Status VulkanError(const char* what, VkResult result) {
  return {VRAMD_INTERNAL, std::string(what) + " failed with " + ResultName(result)};
}

vramd::Result<VulkanInstance> VulkanInstance::Create() {
  if (LoadVulkan() != VK_SUCCESS)
    return vramd::Status(VRAMD_UNAVAILABLE,
                         "no Vulkan loader; install libvulkan1, or on Windows the GPU's driver");
  if (const std::string why = WhyNoDriver(); !why.empty())
    return vramd::Status(VRAMD_UNAVAILABLE, why);
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "vramctl";
  application.apiVersion = VK_API_VERSION_1_1;
  VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  info.pApplicationInfo = &application;
  VkInstance instance = VK_NULL_HANDLE;
  const VkResult result = vkCreateInstance(&info, nullptr, &instance);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    return vramd::Status(VRAMD_UNAVAILABLE,
                         "the Vulkan loader finds no driver; install the GPU's, or "
                         "mesa-vulkan-drivers");
  if (result != VK_SUCCESS) return VulkanError("vkCreateInstance", result);
  volkLoadInstance(instance);
  return VulkanInstance(instance);
}

VulkanInstance::~VulkanInstance() {
  if (instance_ != VK_NULL_HANDLE) vkDestroyInstance(instance_, nullptr);
}

std::vector<VkPhysicalDevice> VulkanInstance::PhysicalDevices() const {
  uint32_t count = 0;
  vkEnumeratePhysicalDevices(instance_, &count, nullptr);
  std::vector<VkPhysicalDevice> devices(count);
  vkEnumeratePhysicalDevices(instance_, &count, devices.data());
  devices.resize(count);
  return devices;
}

vramd::Result<VulkanHost> VulkanHost::Create(const VulkanInstance& instance,
                                             VkPhysicalDevice physical) {
  const auto extensions =
      vramd::VulkanDevice::Extensions(vkGetInstanceProcAddr, instance.get(), physical);
  if (!extensions.ok()) return extensions.status();
  const auto queue_family = FindQueueFamily(physical);
  if (!queue_family.ok()) return queue_family.status();

  const float priority = 0;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = *queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDeviceTimelineSemaphoreFeatures timeline{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES};
  timeline.timelineSemaphore = VK_TRUE;
  const auto has_timeline =
      vramd::VulkanDevice::SupportsTimeline(vkGetInstanceProcAddr, instance.get(), physical);
  if (!has_timeline.ok()) return has_timeline.status();
  VkDeviceCreateInfo info{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
  if (*has_timeline) info.pNext = &timeline;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue;
  info.enabledExtensionCount = static_cast<uint32_t>(extensions->size());
  info.ppEnabledExtensionNames = extensions->data();
  VkDevice device = VK_NULL_HANDLE;
  const VkResult result = vkCreateDevice(physical, &info, nullptr, &device);
  if (result != VK_SUCCESS) return VulkanError("vkCreateDevice", result);
  volkLoadDevice(device);
  return VulkanHost(physical, device, *queue_family);
}

VulkanHost::~VulkanHost() {
  if (device_ != VK_NULL_HANDLE && !abandoned_) vkDestroyDevice(device_, nullptr);
}

vramd::Status VulkanHost::Run(const std::function<void(VkCommandBuffer)>& record,
                              const vramd::VulkanSync& sync) {
  VkCommandPoolCreateInfo pool_info{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool_info.queueFamilyIndex = queue_family_;
  VkCommandPool pool = VK_NULL_HANDLE;
  VkResult result = vkCreateCommandPool(device_, &pool_info, nullptr, &pool);
  if (result != VK_SUCCESS) return VulkanError("vkCreateCommandPool", result);

  VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool;
  allocate.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  result = vkAllocateCommandBuffers(device_, &allocate, &commands);
  vramd::Status status;
  if (result == VK_SUCCESS) {
    VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
    vkBeginCommandBuffer(commands, &begin);
    record(commands);
    result = vkEndCommandBuffer(commands);
    status = result == VK_SUCCESS ? SubmitAndWait(commands, sync)
                                  : VulkanError("vkEndCommandBuffer", result);
  } else {
    status = VulkanError("vkAllocateCommandBuffers", result);
  }
  if (!abandoned_) vkDestroyCommandPool(device_, pool, nullptr);
  return status;
}

// In pieces: a signal must end it, too. The copy waits for the frame's producer, which may be
// stopped in a debugger or hang; the broker only signals for one that is dead.
vramd::Status VulkanHost::Await(VkFence fence) {
  using std::chrono::nanoseconds;
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  for (;;) {
    const nanoseconds left = deadline - std::chrono::steady_clock::now();
    const auto piece = std::clamp<nanoseconds>(left, nanoseconds(0), kPiece);
    const auto wait = static_cast<uint64_t>(piece.count());
    const VkResult result = vkWaitForFences(device_, 1, &fence, VK_TRUE, wait);
    if (result == VK_SUCCESS) return {};
    if (result != VK_TIMEOUT) return VulkanError("the copy on the GPU", result);
    abandoned_ = Stopped() || left.count() <= 0;
    if (Stopped()) return {VRAMD_CANCELLED, "interrupted while waiting for the GPU"};
    if (abandoned_)
      return {
          VRAMD_DEADLINE_EXCEEDED,
          "the GPU did not copy the image within " + std::to_string(patience_.count()) +
              " ms: its producer has not finished it; look at the producer, or raise --timeout"};
  }
}

vramd::Status VulkanHost::SubmitAndWait(VkCommandBuffer commands, const vramd::VulkanSync& sync) {
  VkFenceCreateInfo fence_info{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  VkFence fence = VK_NULL_HANDLE;
  VkResult result = vkCreateFence(device_, &fence_info, nullptr, &fence);
  if (result != VK_SUCCESS) return VulkanError("vkCreateFence", result);
  VkQueue queue = VK_NULL_HANDLE;
  vkGetDeviceQueue(device_, queue_family_, 0, &queue);
  VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  sync.Apply(submit, timeline);
  result = vkQueueSubmit(queue, 1, &submit, fence);
  const vramd::Status done =
      result == VK_SUCCESS ? Await(fence) : VulkanError("the copy on the GPU", result);
  if (!abandoned_) vkDestroyFence(device_, fence, nullptr);
  return done;
}

vramd::Result<uint32_t> VulkanHost::FindMemoryType(uint32_t bits,
                                                   VkMemoryPropertyFlags properties) const {
  VkPhysicalDeviceMemoryProperties memory;
  vkGetPhysicalDeviceMemoryProperties(physical_, &memory);
  for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const bool allowed = (bits & (1U << i)) != 0;
    if (allowed && (memory.memoryTypes[i].propertyFlags & properties) == properties) return i;
  }
  return vramd::Status(VRAMD_NOT_FOUND, "the device has no such memory type");
}

vramd::Result<ReadbackBuffer> ReadbackBuffer::Create(const VulkanHost& host, VkDeviceSize size) {
  ReadbackBuffer readback(host.device());
  VkBufferCreateInfo info{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = size;
  info.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  const VkResult result = vkCreateBuffer(host.device(), &info, nullptr, &readback.buffer_);
  if (result != VK_SUCCESS) return VulkanError("vkCreateBuffer", result);
  vramd::Status bound = readback.Bind(host);
  if (!bound.ok()) return bound;
  return readback;
}

vramd::Status ReadbackBuffer::Bind(const VulkanHost& host) {
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device_, buffer_, &needs);
  constexpr VkMemoryPropertyFlags kCoherent =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  auto type =
      host.FindMemoryType(needs.memoryTypeBits, kCoherent | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
  if (!type.ok()) type = host.FindMemoryType(needs.memoryTypeBits, kCoherent);
  if (!type.ok()) return type.status();
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  info.allocationSize = needs.size;
  info.memoryTypeIndex = *type;
  VkResult result = vkAllocateMemory(device_, &info, nullptr, &memory_);
  if (result == VK_SUCCESS) result = vkBindBufferMemory(device_, buffer_, memory_, 0);
  if (result == VK_SUCCESS) result = vkMapMemory(device_, memory_, 0, VK_WHOLE_SIZE, 0, &data_);
  return result == VK_SUCCESS ? vramd::Status() : VulkanError("memory to copy into", result);
}

ReadbackBuffer::~ReadbackBuffer() {
  if (buffer_ != VK_NULL_HANDLE) vkDestroyBuffer(device_, buffer_, nullptr);
  if (memory_ != VK_NULL_HANDLE) vkFreeMemory(device_, memory_, nullptr);
}

}  // namespace vramctl
