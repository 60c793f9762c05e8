// vulkan.h: leases as VkBuffer and VkImage, in C++17. Inline over vramd_vulkan.h, which has the
// full contract of each call.
#ifndef VRAMD_VULKAN_H_
#define VRAMD_VULKAN_H_

#include <memory>
#include <utility>
#include <vector>

#include "vramd/client.h"
#include "vramd/stream.h"
#include "vramd/vramd_vulkan.h"

namespace vramd {
inline namespace v0 {

struct VulkanBarrier : vramd_vk_barrier {
  VulkanBarrier() : vramd_vk_barrier(VRAMD_VK_BARRIER_INIT) {}
};

class VulkanDevice;

// An imported buffer, image or memory. Destroys all of it; must not outlive its VulkanDevice.
class VulkanResource {
 public:
  VulkanResource(VulkanResource&& other) noexcept { *this = std::move(other); }
  VulkanResource& operator=(VulkanResource&& other) noexcept {
    if (this != &other) {
      Destroy();
      device_ = std::exchange(other.device_, nullptr);
      resource_ = other.resource_;
    }
    return *this;
  }
  ~VulkanResource() { Destroy(); }

  VkImage image() const { return resource_.image; }
  VkBuffer buffer() const { return resource_.buffer; }
  VkDeviceMemory memory() const { return resource_.memory; }
  VkDeviceSize size() const { return resource_.size; }  // bytes
  void* mapped() const { return resource_.mapped; }     // of a host section, else nullptr
  const vramd_vk_resource& get() const { return resource_; }

  void RecordAcquire(VkCommandBuffer commands, const vramd_vk_barrier& barrier) const {
    vramd_vk_record_acquire(device_, commands, &resource_, &barrier);
  }
  void RecordRelease(VkCommandBuffer commands, const vramd_vk_barrier& barrier) const {
    vramd_vk_record_release(device_, commands, &resource_, &barrier);
  }

 private:
  friend class VulkanDevice;
  VulkanResource(vramd_vk_device* device, const vramd_vk_resource& resource)
      : device_(device), resource_(resource) {}
  void Destroy() {
    if (device_ != nullptr) vramd_vk_resource_destroy(device_, &resource_);
  }

  vramd_vk_device* device_ = nullptr;
  vramd_vk_resource resource_ = VRAMD_VK_RESOURCE_INIT;
};

// The application's VkDevice, as importer. Does not own it.
class VulkanDevice {
 public:
  static Result<VkPhysicalDevice> FindPhysicalDevice(PFN_vkGetInstanceProcAddr loader,
                                                     VkInstance instance, const Recipe& recipe) {
    VkPhysicalDevice found = VK_NULL_HANDLE;
    const vramd_result result = recipe.Lend([&](const vramd_recipe* lent) {
      return vramd_vk_find_physical_device(loader, instance, lent, &found);
    });
    if (result != VRAMD_OK) return Status::Last(result);
    return found;
  }

  static Result<vramd_importer> DescribeImporter(PFN_vkGetInstanceProcAddr loader,
                                                 VkInstance instance,
                                                 VkPhysicalDevice physical_device) {
    vramd_importer importer = VRAMD_IMPORTER_INIT;
    const vramd_result result =
        vramd_vk_describe_importer(loader, instance, physical_device, &importer);
    if (result != VRAMD_OK) return Status::Last(result);
    return importer;
  }

  // Device extensions to enable for importing.
  static Result<std::vector<const char*>> Extensions(PFN_vkGetInstanceProcAddr loader,
                                                     VkInstance instance,
                                                     VkPhysicalDevice physical_device) {
    uint32_t count = 0;
    vramd_result result =
        vramd_vk_enumerate_device_extensions(loader, instance, physical_device, &count, nullptr);
    if (result != VRAMD_OK) return Status::Last(result);
    std::vector<const char*> names(count);
    result = vramd_vk_enumerate_device_extensions(loader, instance, physical_device, &count,
                                                  names.data());
    if (result != VRAMD_OK) return Status::Last(result);
    names.resize(count);
    return names;
  }

  static Result<VulkanDevice> Create(PFN_vkGetInstanceProcAddr loader, VkInstance instance,
                                     VkPhysicalDevice physical_device, VkDevice device) {
    vramd_vk_device_info info = VRAMD_VK_DEVICE_INFO_INIT;
    info.get_instance_proc_addr = loader;
    info.instance = instance;
    info.physical_device = physical_device;
    info.device = device;
    vramd_vk_device* created = nullptr;
    const vramd_result result = vramd_vk_device_create(&info, &created);
    if (result != VRAMD_OK) return Status::Last(result);
    return VulkanDevice(created);
  }

  // Whether to enable the feature timelineSemaphore with the VkDevice.
  static Result<bool> SupportsTimeline(PFN_vkGetInstanceProcAddr loader, VkInstance instance,
                                       VkPhysicalDevice physical_device) {
    bool supported = false;
    const vramd_result result =
        vramd_vk_supports_timeline(loader, instance, physical_device, &supported);
    if (result != VRAMD_OK) return Status::Last(result);
    return supported;
  }

  Result<VulkanResource> Import(const Lease& lease) {
    vramd_vk_resource resource = VRAMD_VK_RESOURCE_INIT;
    const vramd_result result = vramd_vk_import(device_.get(), lease.get(), &resource);
    if (result != VRAMD_OK) return Status::Last(result);
    return VulkanResource(device_.get(), resource);
  }

  vramd_vk_device* get() const { return device_.get(); }

 private:
  explicit VulkanDevice(vramd_vk_device* device) : device_(device) {}
  struct Destroy {
    void operator()(vramd_vk_device* device) const { vramd_vk_device_destroy(device); }
  };
  std::unique_ptr<vramd_vk_device, Destroy> device_;
};

// What a submission that uses a slot or a frame waits for and signals; nothing in a stream without
// timelines, where the CPU waits for the submission's fence before it publishes or releases.
struct VulkanSync : vramd_vk_sync {
  VulkanSync() : vramd_vk_sync(VRAMD_VK_SYNC_INIT) {}

  // Until vkQueueSubmit() all three must stay where they are.
  void Apply(VkSubmitInfo& submit, VkTimelineSemaphoreSubmitInfo& timeline) const {
    vramd_vk_sync_apply(this, &submit, &timeline);
  }
};

// An image or buffer of a stream, owned by the VulkanStream.
class VulkanStreamResource {
 public:
  VulkanStreamResource(vramd_vk_device* device, const vramd_vk_resource* resource)
      : device_(device), resource_(resource) {}

  VkImage image() const { return resource_->image; }
  VkBuffer buffer() const { return resource_->buffer; }
  const vramd_vk_resource& get() const { return *resource_; }

  void RecordAcquire(VkCommandBuffer commands, const vramd_vk_barrier& barrier) const {
    vramd_vk_record_acquire(device_, commands, resource_, &barrier);
  }
  void RecordRelease(VkCommandBuffer commands, const vramd_vk_barrier& barrier) const {
    vramd_vk_record_release(device_, commands, resource_, &barrier);
  }

 private:
  vramd_vk_device* device_;
  const vramd_vk_resource* resource_;
};

// The slots of a Producer, or the frames of a Consumer, on a VulkanDevice. Must not outlive either;
// destroy it when the GPU is done.
class VulkanStream {
 public:
  // `party` is a Producer or a Consumer.
  template <typename Party>
  static Result<VulkanStream> Create(const VulkanDevice& device, const Party& party) {
    vramd_vk_stream* created = nullptr;
    const vramd_result result = vramd_vk_stream_create(device.get(), party.stream(), &created);
    if (result != VRAMD_OK) return Status::Last(result);
    return VulkanStream(device.get(), created);
  }

  // `use` is a Slot or a Frame. Imports it if this is the first time.
  template <typename Use>
  Result<VulkanStreamResource> Resource(const Use& use) {
    const vramd_vk_resource* resource = nullptr;
    const vramd_result result =
        vramd_vk_stream_get_resource(stream_.get(), use.generation(), use.image_index(), &resource);
    if (result != VRAMD_OK) return Status::Last(result);
    return VulkanStreamResource(device_, resource);
  }

  // signal_value goes into FrameInfo::timeline_value.
  Result<VulkanSync> Sync(const Slot& slot, VkPipelineStageFlags stage = 0) {
    VulkanSync sync;
    const vramd_result result = vramd_vk_sync_slot(stream_.get(), &slot.get(), stage, &sync);
    if (result != VRAMD_OK) return Status::Last(result);
    return sync;
  }
  // signal_value goes into Frame::ReleaseAfter().
  Result<VulkanSync> Sync(const Frame& frame, VkPipelineStageFlags stage = 0) {
    VulkanSync sync;
    const vramd_result result = vramd_vk_sync_frame(stream_.get(), &frame.get(), stage, &sync);
    if (result != VRAMD_OK) return Status::Last(result);
    return sync;
  }

  vramd_vk_stream* get() const { return stream_.get(); }

 private:
  VulkanStream(vramd_vk_device* device, vramd_vk_stream* stream)
      : device_(device), stream_(stream) {}
  struct Destroy {
    void operator()(vramd_vk_stream* stream) const { vramd_vk_stream_destroy(stream); }
  };
  vramd_vk_device* device_;
  std::unique_ptr<vramd_vk_stream, Destroy> stream_;
};

}  // namespace v0
}  // namespace vramd

#endif  // VRAMD_VULKAN_H_
