// Opens the devices, and joins the parts into a Device: check the request, find the first exporter
// whose plan works, let it create the memory.
#include "driver-shim/vulkan_device.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "driver-shim/allocation_plan.h"
#include "driver-shim/device_selector.h"
#include "driver-shim/exporter.h"
#include "driver-shim/request_check.h"
#include "driver-shim/vulkan_context.h"
#include "driver-shim/vulkan_facts.h"
#include "driver-shim/vulkan_instance.h"
#include "driver-shim/vulkan_timeline.h"

namespace vramd {
namespace {

struct SupportedExporter {
  const Exporter* exporter;
  ExporterSupport support;
};

ExporterSupport AskExporter(const VulkanContext& context, const Exporter& exporter,
                            std::optional<HandleType> only) {
  ExporterSupport support;
  if (only && *only != exporter.type) {
    support.reason = absl::StrCat("the broker is set to ", ToString(*only), " only");
    return support;
  }
  for (const char* extension : exporter.extensions) {
    if (context.facts().Has(extension)) continue;
    support.reason = absl::StrCat("the driver lacks ", extension);
    return support;
  }
  return exporter.supported(context);
}

class VulkanDevice final : public Device {
 public:
  VulkanDevice(std::unique_ptr<const VulkanContext> context, std::optional<HandleType> only)
      : context_(std::move(context)), info_(context_->facts().info) {
    for (const Exporter* exporter : ExportersFor(info_.device_type)) {
      exporters_.push_back({exporter, AskExporter(*context_, *exporter, only)});
      const ExporterSupport& support = exporters_.back().support;
      info_.handles.push_back(
          {exporter->type, support.can_export, support.can_import, support.reason});
    }
    info_.timelines = AskTimelines(*context_);
  }

  const DeviceInfo& info() const override { return info_; }

  std::vector<HeapBudget> Budget() const override {
    if (!context_->facts().Has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME)) return {};
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
    VkPhysicalDeviceMemoryProperties2 memory = {
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, &budget};
    context_->instance_vk().vkGetPhysicalDeviceMemoryProperties2(context_->facts().handle, &memory);
    std::vector<HeapBudget> heaps;
    for (uint32_t i = 0; i < memory.memoryProperties.memoryHeapCount; ++i)
      heaps.push_back({budget.heapBudget[i], budget.heapUsage[i]});
    return heaps;
  }

  absl::StatusOr<uint64_t> SizeOf(const AllocationRequest& request) const override {
    VRAMD_ASSIGN_OR_RETURN(const AllocationPlan plan, Plan(request));
    return plan.size;
  }

  absl::StatusOr<std::unique_ptr<DeviceMemory>> Allocate(
      const AllocationRequest& request) override {
    VRAMD_ASSIGN_OR_RETURN(const AllocationPlan plan, Plan(request));
    return plan.exporter->create(*context_, plan);
  }

  absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateTimeline() override {
    if (!info_.timelines.can_export)
      return absl::FailedPreconditionError(
          absl::StrCat(info_.name, " cannot share timeline semaphores: ", info_.timelines.reason));
    return CreateVulkanTimeline(*context_);
  }

 private:
  absl::StatusOr<AllocationPlan> Plan(const AllocationRequest& request) const {
    VRAMD_RETURN_IF_ERROR(CheckRequest(request, context_->facts().limits));
    std::vector<std::string> refusals;
    for (const SupportedExporter& candidate : exporters_) {
      const HandleType type = candidate.exporter->type;
      if (request.handle_type != HandleType::kUnknown && request.handle_type != type) continue;
      const absl::StatusOr<AllocationPlan> plan = PlanWith(candidate, request);
      if (plan.ok() || plan.status().code() != absl::StatusCode::kFailedPrecondition) return plan;
      refusals.push_back(absl::StrCat(ToString(type), ": ", plan.status().message()));
    }
    if (refusals.empty())
      refusals.push_back(
          absl::StrCat(ToString(request.handle_type), ": unknown on this operating system"));
    return absl::FailedPreconditionError(
        absl::StrCat(info_.name, " cannot do it (", absl::StrJoin(refusals, "; "), ")"));
  }

  absl::StatusOr<AllocationPlan> PlanWith(const SupportedExporter& candidate,
                                          const AllocationRequest& request) const {
    if (!candidate.support.can_export)
      return absl::FailedPreconditionError(candidate.support.reason);
    return PlanAllocation(*context_, request, *candidate.exporter, candidate.support);
  }

  const std::unique_ptr<const VulkanContext> context_;
  DeviceInfo info_;
  std::vector<SupportedExporter> exporters_;
};

int Preference(const VulkanFacts& facts) {
  switch (facts.info.device_type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return 0;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return 1;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return 2;
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return 3;
    default:
      return 4;
  }
}

// Every usable device, the preferred first, numbered in that order.
absl::StatusOr<std::vector<VulkanFacts>> ReadAllFacts(const VulkanInstance& instance) {
  VRAMD_ASSIGN_OR_RETURN(const std::vector<VkPhysicalDevice> devices, instance.PhysicalDevices());
  std::vector<VulkanFacts> all;
  for (VkPhysicalDevice device : devices) {
    absl::StatusOr<VulkanFacts> facts = ReadFacts(instance, device);
    if (facts.ok()) {
      all.push_back(*std::move(facts));
    } else {
      log::Warning("device_skipped", {{"reason", facts.status().message()}});
    }
  }
  std::stable_sort(all.begin(), all.end(), [](const VulkanFacts& a, const VulkanFacts& b) {
    return Preference(a) < Preference(b);
  });
  for (size_t i = 0; i < all.size(); ++i) all[i].info.index = static_cast<uint32_t>(i);
  return all;
}

// Logs that a device is not served, and keeps the reason for who is left without any.
void Skip(const std::string& device, const absl::Status& why, std::vector<std::string>* reasons) {
  log::Warning("device_skipped", {{"device", device}, {"reason", why.message()}});
  reasons->emplace_back(why.message());
}

// Those that the options name, in that order. A selector that names none is skipped.
std::vector<VulkanFacts> Select(const std::vector<VulkanFacts>& all,
                                const std::vector<std::string>& selectors,
                                std::vector<std::string>* reasons) {
  if (selectors.empty()) return all;
  std::vector<const DeviceInfo*> infos;
  for (const VulkanFacts& facts : all) infos.push_back(&facts.info);
  std::vector<size_t> chosen;
  for (const std::string& selector : selectors) {
    const absl::StatusOr<size_t> position = SelectDevice(selector, infos);
    if (!position.ok()) {
      Skip(selector, position.status(), reasons);
    } else if (std::find(chosen.begin(), chosen.end(), *position) == chosen.end()) {
      chosen.push_back(*position);
    }
  }
  std::vector<VulkanFacts> selected;
  for (const size_t position : chosen) selected.push_back(all[position]);
  return selected;
}

std::vector<const char*> WantedExtensions() {
  std::vector<const char*> wanted = {VK_EXT_MEMORY_BUDGET_EXTENSION_NAME,
                                     kTimelineExport.extension};
  for (const Exporter* exporter : Exporters())
    for (const char* extension : exporter->extensions)
      if (std::find(wanted.begin(), wanted.end(), extension) == wanted.end())
        wanted.push_back(extension);
  return wanted;
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<Device>>> OpenVulkanDevices(
    const VulkanOptions& options) {
  MutexLock lock(VolkMutex());
  VRAMD_ASSIGN_OR_RETURN(const std::shared_ptr<const VulkanInstance> instance,
                         VulkanInstance::Open());
  VRAMD_ASSIGN_OR_RETURN(const std::vector<VulkanFacts> all, ReadAllFacts(*instance));
  std::vector<std::string> reasons;
  std::vector<std::shared_ptr<Device>> devices;
  for (VulkanFacts facts : Select(all, options.devices, &reasons)) {
    facts.info.index = static_cast<uint32_t>(devices.size());
    const std::string name = facts.info.name;
    auto context = VulkanContext::Open(instance, std::move(facts), WantedExtensions());
    if (context.ok()) {
      devices.push_back(std::make_shared<VulkanDevice>(*std::move(context), options.exporter));
    } else {
      Skip(name, context.status(), &reasons);
    }
  }
  if (!devices.empty()) return devices;
  if (all.empty())
    return absl::UnavailableError(
        "Vulkan finds no device; install the GPU's driver and check access to /dev/dri");
  return absl::UnavailableError(
      absl::StrCat(absl::StrJoin(reasons, "; "), "; name another device, or install its driver"));
}

}  // namespace vramd
