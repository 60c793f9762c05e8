// The handle is exported once, when the semaphore is made, and duplicated from then on: an opaque
// NT handle may be asked for only once, and a duplicate of an opaque fd imports as well as another
// one.
#include "driver-shim/vulkan_timeline.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "driver-shim/vulkan_result.h"

namespace vramd {
namespace {

VkSemaphoreTypeCreateInfo TimelineType() {
  VkSemaphoreTypeCreateInfo type = {VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  return type;
}

// Core and extension have the same functions under two names.
PFN_vkSignalSemaphore SignalFunction(const VolkDeviceTable& vk) {
  return vk.vkSignalSemaphore != nullptr ? vk.vkSignalSemaphore : vk.vkSignalSemaphoreKHR;
}
PFN_vkGetSemaphoreCounterValue ValueFunction(const VolkDeviceTable& vk) {
  return vk.vkGetSemaphoreCounterValue != nullptr ? vk.vkGetSemaphoreCounterValue
                                                  : vk.vkGetSemaphoreCounterValueKHR;
}

class VulkanTimeline final : public DeviceTimeline {
 public:
  static absl::StatusOr<std::unique_ptr<DeviceTimeline>> Create(const VulkanContext& context) {
    const VkSemaphoreTypeCreateInfo type = TimelineType();
    VkExportSemaphoreCreateInfo exportable = {VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
                                              &type};
    exportable.handleTypes = kTimelineExport.handle_type;
    const VkSemaphoreCreateInfo info = {VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &exportable};
    VkSemaphore semaphore = VK_NULL_HANDLE;
    VRAMD_RETURN_IF_VULKAN_ERROR(
        "vkCreateSemaphore",
        context.vk().vkCreateSemaphore(context.device(), &info, nullptr, &semaphore));
    std::unique_ptr<VulkanTimeline> timeline(new VulkanTimeline(context, semaphore));
    VRAMD_ASSIGN_OR_RETURN(timeline->handle_, kTimelineExport.get(context, semaphore));
    return timeline;
  }

  ~VulkanTimeline() override {
    context_.vk().vkDestroySemaphore(context_.device(), semaphore_, nullptr);
  }

  absl::StatusOr<OsHandle> Export() override { return handle_.Duplicate(); }

  absl::StatusOr<uint64_t> Value() override {
    uint64_t value = 0;
    VRAMD_RETURN_IF_VULKAN_ERROR(
        "vkGetSemaphoreCounterValue",
        ValueFunction(context_.vk())(context_.device(), semaphore_, &value));
    return value;
  }

  absl::Status Signal(uint64_t value) override {
    VkSemaphoreSignalInfo info = {VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO};
    info.semaphore = semaphore_;
    info.value = value;
    VRAMD_RETURN_IF_VULKAN_ERROR("vkSignalSemaphore",
                                 SignalFunction(context_.vk())(context_.device(), &info));
    return absl::OkStatus();
  }

  uint64_t max_difference() const override { return context_.facts().max_timeline_difference; }

 private:
  VulkanTimeline(const VulkanContext& context, VkSemaphore semaphore)
      : context_(context), semaphore_(semaphore) {}

  const VulkanContext& context_;
  const VkSemaphore semaphore_;
  OsHandle handle_;
};

VkExternalSemaphoreFeatureFlags ProbeTimelines(const VulkanContext& context) {
  VkSemaphoreTypeCreateInfo type = TimelineType();
  VkPhysicalDeviceExternalSemaphoreInfo info = {
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO, &type};
  info.handleType = kTimelineExport.handle_type;
  VkExternalSemaphoreProperties properties = {VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
  context.instance_vk().vkGetPhysicalDeviceExternalSemaphoreProperties(context.facts().handle,
                                                                       &info, &properties);
  return properties.externalSemaphoreFeatures;
}

}  // namespace

TimelineSupport AskTimelines(const VulkanContext& context) {
  if (!context.facts().timelines) return {false, "the driver has no timeline semaphores"};
  if (!context.facts().Has(kTimelineExport.extension))
    return {false, absl::StrCat("the driver lacks ", kTimelineExport.extension)};
  constexpr VkExternalSemaphoreFeatureFlags kBothWays =
      VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;
  if ((ProbeTimelines(context) & kBothWays) != kBothWays)
    return {false, absl::StrCat("the driver has ", kTimelineExport.extension,
                                ", but does not share timeline semaphores with it")};
  return {true, ""};
}

absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateVulkanTimeline(const VulkanContext& context) {
  return VulkanTimeline::Create(context);
}

}  // namespace vramd
