#include "driver-shim/allocation_plan.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "driver-shim/memory_choice.h"
#include "driver-shim/vulkan_resource.h"

namespace vramd {
namespace {

absl::StatusOr<ResourceRequirements> Requirements(const VulkanContext& context,
                                                  const AllocationRequest& request,
                                                  const Exporter& exporter) {
  if (request.kind != ResourceKind::kRaw)
    return QueryRequirements(context, request, exporter.handle);
  ResourceRequirements raw;
  raw.size = request.raw_size;
  raw.memory_type_bits = ~uint32_t{0};
  return raw;
}

// Drivers may prefer or need one memory for one resource; the importer must then do the same.
absl::StatusOr<bool> DecideDedicated(const AllocationRequest& request,
                                     const ExporterSupport& support,
                                     const ResourceRequirements& requirements,
                                     VkExternalMemoryFeatureFlags features) {
  if (request.kind == ResourceKind::kRaw) {
    if ((features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT) == 0) return false;
    return absl::FailedPreconditionError(
        "the driver shares dedicated memory only; ask for a buffer or an image");
  }
  const bool needed = requirements.requires_dedicated ||
                      (features & VK_EXTERNAL_MEMORY_FEATURE_DEDICATED_ONLY_BIT) != 0;
  if (support.can_dedicate) return request.dedicated || needed || requirements.prefers_dedicated;
  if (!request.dedicated && !needed) return false;
  return absl::FailedPreconditionError(
      needed ? "the driver needs dedicated memory for this resource, which this type cannot be"
             : "this type cannot be dedicated; clear `dedicated` or take another handle type");
}

uint64_t RoundUp(uint64_t size, uint64_t granularity) {
  return (size + granularity - 1) / granularity * granularity;
}

}  // namespace

absl::StatusOr<AllocationPlan> PlanAllocation(const VulkanContext& context,
                                              const AllocationRequest& request,
                                              const Exporter& exporter,
                                              const ExporterSupport& support) {
  if (!request.image.view_formats.empty() && !context.facts().format_lists)
    return absl::FailedPreconditionError(
        "the driver lacks VK_KHR_image_format_list; leave the view formats out");
  VRAMD_ASSIGN_OR_RETURN(const VkExternalMemoryFeatureFlags features,
                         QueryExternalFeatures(context, request, exporter.handle));
  if ((features & exporter.needed_features) != exporter.needed_features)
    return absl::FailedPreconditionError(
        absl::StrCat("the driver cannot share this ", ToString(request.kind),
                     " by it; change its usage or tiling, or take another handle type"));
  VRAMD_ASSIGN_OR_RETURN(const ResourceRequirements requirements,
                         Requirements(context, request, exporter));
  AllocationPlan plan;
  plan.request = request;
  plan.exporter = &exporter;
  VRAMD_ASSIGN_OR_RETURN(plan.dedicated, DecideDedicated(request, support, requirements, features));
  const uint64_t most = context.facts().limits.max_allocation_size;
  if (requirements.size > most)
    return absl::InvalidArgumentError(absl::StrCat("the ", ToString(request.kind), " needs ",
                                                   requirements.size, " bytes; the device allows ",
                                                   most, " in one allocation: split it"));
  plan.size = RoundUp(requirements.size, support.size_granularity);
  plan.memory_type_bits = requirements.memory_type_bits & support.memory_type_bits;
  if (plan.memory_type_bits != 0 && request.memory_types != 0) {
    if ((plan.memory_type_bits & request.memory_types) == 0)
      return absl::FailedPreconditionError(absl::StrFormat(
          "the %s can be in the memory types of mask 0x%x, the request allows those of 0x%x",
          ToString(request.kind), plan.memory_type_bits, request.memory_types));
    plan.memory_type_bits &= request.memory_types;
  }
  if (plan.memory_type_bits == 0)
    return absl::FailedPreconditionError(
        absl::StrCat("this device keeps the ", ToString(request.kind), " in no memory type that ",
                     ToString(exporter.type),
                     " can use; take linear tiling for an image, or another handle type"));
  VRAMD_ASSIGN_OR_RETURN(
      plan.memory_type_index,
      ChooseMemoryType(context.facts().memory, plan.memory_type_bits, request.intent));
  return plan;
}

VkExternalMemoryFeatureFlags ProbeFeatures(const VulkanContext& context, ExternalHandle handle) {
  AllocationRequest buffer;
  buffer.kind = ResourceKind::kBuffer;
  buffer.buffer.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  AllocationRequest image;
  image.kind = ResourceKind::kImage;
  image.image.format = VK_FORMAT_R8G8B8A8_UNORM;
  image.image.width = 1;
  image.image.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  return QueryExternalFeatures(context, buffer, handle).value_or(0) |
         QueryExternalFeatures(context, image, handle).value_or(0);
}

Recipe MakeRecipe(const VulkanContext& context, const AllocationPlan& plan,
                  uint32_t memory_type_index) {
  Recipe recipe;
  recipe.kind = plan.request.kind;
  if (recipe.kind == ResourceKind::kBuffer) recipe.buffer = plan.request.buffer;
  if (recipe.kind == ResourceKind::kImage) recipe.image = plan.request.image;
  recipe.allocation_size = plan.size;
  recipe.memory_type_index = memory_type_index;
  recipe.memory_property_flags =
      context.facts().memory.memoryTypes[memory_type_index].propertyFlags;
  recipe.dedicated = plan.dedicated;
  recipe.handle_type = plan.exporter->type;
  recipe.device = context.facts().info.identity;
  recipe.handover_layout = VK_IMAGE_LAYOUT_GENERAL;
  return recipe;
}

}  // namespace vramd
