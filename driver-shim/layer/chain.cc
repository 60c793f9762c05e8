// A structure is taken out of a chain by copying what stands before it, never by changing the
// application's chain for the time of the call: the chain may lie in read-only memory, and another
// thread may use it at the same time. Behind the last structure that is taken out the chain goes on
// as the application's own.
//
// A copy needs the size. Structures that no header knew when this was compiled have none, and
// leaving them out would lose what the application asks the driver for. Of those the bytes that
// follow are copied, as far as they can be read, up to kUnknownSize; the driver reads as many of
// them as the structure has. None of the known structures has more than 64.
#include "driver-shim/layer/chain.h"

#include <windows.h>
// vulkan_win32.h needs windows.h before it.
#include <vulkan/vulkan_win32.h>

#include <algorithm>
#include <cstring>

namespace vramd::layer {
namespace {

constexpr size_t kUnknownSize = 512;

bool IsReadable(const MEMORY_BASIC_INFORMATION& region) {
  return region.State == MEM_COMMIT && (region.Protect & (PAGE_NOACCESS | PAGE_GUARD)) == 0;
}

// How many bytes can be read from there, up to `limit`.
size_t ReadableBytes(const void* from, size_t limit) {
  const auto* const begin = static_cast<const std::byte*>(from);
  const std::byte* end = begin;
  MEMORY_BASIC_INFORMATION region;
  while (end < begin + limit && VirtualQuery(end, &region, sizeof(region)) != 0 &&
         IsReadable(region))
    end = static_cast<const std::byte*>(region.BaseAddress) + region.RegionSize;
  return std::min(limit, static_cast<size_t>(end - begin));
}

size_t SizeOf(const VkBaseInStructure& structure) {
  switch (structure.sType) {
#define VRAMD_SIZE(type, structure) \
  case VK_STRUCTURE_TYPE_##type:    \
    return sizeof(structure)
    VRAMD_SIZE(DEDICATED_ALLOCATION_IMAGE_CREATE_INFO_NV, VkDedicatedAllocationImageCreateInfoNV);
    VRAMD_SIZE(DEDICATED_ALLOCATION_MEMORY_ALLOCATE_INFO_NV,
               VkDedicatedAllocationMemoryAllocateInfoNV);
    VRAMD_SIZE(EXPORT_MEMORY_ALLOCATE_INFO, VkExportMemoryAllocateInfo);
    VRAMD_SIZE(EXPORT_MEMORY_WIN32_HANDLE_INFO_KHR, VkExportMemoryWin32HandleInfoKHR);
    VRAMD_SIZE(EXTERNAL_MEMORY_IMAGE_CREATE_INFO, VkExternalMemoryImageCreateInfo);
    VRAMD_SIZE(IMAGE_COMPRESSION_CONTROL_EXT, VkImageCompressionControlEXT);
    VRAMD_SIZE(IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT,
               VkImageDrmFormatModifierExplicitCreateInfoEXT);
    VRAMD_SIZE(IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT,
               VkImageDrmFormatModifierListCreateInfoEXT);
    VRAMD_SIZE(IMAGE_FORMAT_LIST_CREATE_INFO, VkImageFormatListCreateInfo);
    VRAMD_SIZE(IMAGE_STENCIL_USAGE_CREATE_INFO, VkImageStencilUsageCreateInfo);
    VRAMD_SIZE(IMAGE_SWAPCHAIN_CREATE_INFO_KHR, VkImageSwapchainCreateInfoKHR);
    VRAMD_SIZE(IMPORT_MEMORY_HOST_POINTER_INFO_EXT, VkImportMemoryHostPointerInfoEXT);
    VRAMD_SIZE(IMPORT_MEMORY_WIN32_HANDLE_INFO_KHR, VkImportMemoryWin32HandleInfoKHR);
    VRAMD_SIZE(MEMORY_ALLOCATE_FLAGS_INFO, VkMemoryAllocateFlagsInfo);
    VRAMD_SIZE(MEMORY_DEDICATED_ALLOCATE_INFO, VkMemoryDedicatedAllocateInfo);
    VRAMD_SIZE(MEMORY_OPAQUE_CAPTURE_ADDRESS_ALLOCATE_INFO,
               VkMemoryOpaqueCaptureAddressAllocateInfo);
    VRAMD_SIZE(MEMORY_PRIORITY_ALLOCATE_INFO_EXT, VkMemoryPriorityAllocateInfoEXT);
#undef VRAMD_SIZE
    default:
      return ReadableBytes(&structure, kUnknownSize);
  }
}

std::unique_ptr<std::byte[]> Copy(const VkBaseInStructure& structure) {
  const size_t size = SizeOf(structure);
  auto copy = std::make_unique<std::byte[]>(size);
  std::memcpy(copy.get(), &structure, size);
  return copy;
}

}  // namespace

ChainWithout::ChainWithout(const void* chain, std::initializer_list<VkStructureType> removed)
    : head_(chain) {
  const auto is_removed = [&](const VkBaseInStructure& structure) {
    return std::find(removed.begin(), removed.end(), structure.sType) != removed.end();
  };
  const auto* const first = static_cast<const VkBaseInStructure*>(chain);
  const VkBaseInStructure* last = nullptr;
  for (auto* at = first; at != nullptr; at = at->pNext)
    if (is_removed(*at)) last = at;
  if (last == nullptr) return;
  head_ = last->pNext;
  VkBaseInStructure* tail = nullptr;
  for (auto* at = first; at != last; at = at->pNext) {
    if (is_removed(*at)) continue;
    copies_.push_back(Copy(*at));
    auto* const copy = reinterpret_cast<VkBaseInStructure*>(copies_.back().get());
    if (tail == nullptr)
      head_ = copy;
    else
      tail->pNext = copy;
    tail = copy;
    tail->pNext = last->pNext;
  }
}

}  // namespace vramd::layer
