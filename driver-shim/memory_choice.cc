#include "driver-shim/memory_choice.h"

#include "absl/strings/str_format.h"

namespace vramd {
namespace {

// Types with these bits need a feature that the broker does not enable, or have no memory to share.
constexpr VkMemoryPropertyFlags kUnusable =
    VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT | VK_MEMORY_PROPERTY_PROTECTED_BIT |
    VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD |
    VK_MEMORY_PROPERTY_RDMA_CAPABLE_BIT_NV;

VkMemoryPropertyFlags RequiredFlags(MemoryIntent intent) {
  switch (intent) {
    case MemoryIntent::kUpload:
      return VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    case MemoryIntent::kReadback:
      return VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    case MemoryIntent::kDeviceLocal:
      break;
  }
  return 0;
}

int Score(VkMemoryPropertyFlags flags, MemoryIntent intent) {
  const bool local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0;
  const bool visible = (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) != 0;
  const bool coherent = (flags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT) != 0;
  const bool cached = (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0;
  switch (intent) {
    case MemoryIntent::kUpload:
      return 2 * !cached + 1 * !local;
    case MemoryIntent::kReadback:
      return 4 * cached + 2 * coherent + 1 * !local;
    case MemoryIntent::kDeviceLocal:
      break;
  }
  return 2 * local + 1 * !visible;
}

}  // namespace

absl::StatusOr<uint32_t> ChooseMemoryType(const VkPhysicalDeviceMemoryProperties& memory,
                                          uint32_t allowed_bits, MemoryIntent intent) {
  const VkMemoryPropertyFlags required = RequiredFlags(intent);
  int best_score = -1;
  uint32_t best = 0;
  for (uint32_t i = 0; i < memory.memoryTypeCount; ++i) {
    const VkMemoryPropertyFlags flags = memory.memoryTypes[i].propertyFlags;
    if ((allowed_bits & (1u << i)) == 0 || (flags & kUnusable) != 0) continue;
    if ((flags & required) != required || Score(flags, intent) <= best_score) continue;
    best = i;
    best_score = Score(flags, intent);
  }
  if (best_score >= 0) return best;
  return absl::FailedPreconditionError(absl::StrFormat(
      "none of the memory types allowed here (bits 0x%x) serves the intent %s; take the "
      "device-local intent, linear tiling for an image, or allow more memory types",
      allowed_bits, std::string(ToString(intent))));
}

}  // namespace vramd
