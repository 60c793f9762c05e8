// vulkan.h: leases as VkBuffer and VkImage, in C++17. Inline over vramd_vulkan.h, which has the
// full contract of each call.
#ifndef VRAMD_VULKAN_H_
#define VRAMD_VULKAN_H_

#include <memory>
#include <utility>
#include <vector>

#include "vramd/client.h"
#include "vramd/vramd_vulkan.h"

namespace vramd {
inline namespace v0 {

struct VulkanBarrier : vramd_vk_barrier {
  VulkanBarrier() : vramd_vk_barrier() { struct_size = sizeof(vramd_vk_barrier); }
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
                                                     VkInstance instance,
                                                     const vramd_recipe& recipe) {
    VkPhysicalDevice found = VK_NULL_HANDLE;
    const vramd_result result = vramd_vk_find_physical_device(loader, instance, &recipe, &found);
    if (result != VRAMD_OK) return Status::Last(result);
    return found;
  }

  static Result<vramd_importer> DescribeImporter(PFN_vkGetInstanceProcAddr loader,
                                                 VkInstance instance,
                                                 VkPhysicalDevice physical_device) {
    vramd_importer importer{};
    importer.struct_size = sizeof(importer);
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
    const vramd_vk_device_info info = {sizeof(info), loader, instance, physical_device, device};
    vramd_vk_device* created = nullptr;
    const vramd_result result = vramd_vk_device_create(&info, &created);
    if (result != VRAMD_OK) return Status::Last(result);
    return VulkanDevice(created);
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

}  // namespace v0
}  // namespace vramd

#endif  // VRAMD_VULKAN_H_
