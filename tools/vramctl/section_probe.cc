#include "tools/vramctl/section_probe.h"

#include <string>

#include "base/section.h"

namespace vramctl {
namespace {

constexpr uint64_t kSize = 1 << 20;
constexpr auto kHostPointer = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

vramd::Status Failed(const std::string& what) { return {VRAMD_UNAVAILABLE, what}; }
vramd::Status Failed(const char* call, VkResult result) {
  return Failed(std::string(call) + ": " + ResultName(result));
}

vramd::Status ImportPages(const VulkanHost& host, void* pages) {
  VkMemoryHostPointerPropertiesEXT properties{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  const VkResult asked =
      vkGetMemoryHostPointerPropertiesEXT(host.device(), kHostPointer, pages, &properties);
  if (asked != VK_SUCCESS) return Failed("vkGetMemoryHostPointerPropertiesEXT", asked);
  const auto type = host.FindMemoryType(properties.memoryTypeBits, 0);
  if (!type.ok()) return Failed("the driver takes no memory type for a section's pages");
  VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT};
  import.handleType = kHostPointer;
  import.pHostPointer = pages;
  VkMemoryAllocateInfo info{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &import};
  info.allocationSize = kSize;
  info.memoryTypeIndex = *type;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  const VkResult allocated = vkAllocateMemory(host.device(), &info, nullptr, &memory);
  if (allocated != VK_SUCCESS) return Failed("vkAllocateMemory", allocated);
  vkFreeMemory(host.device(), memory, nullptr);
  return {};
}

}  // namespace

vramd::Status ImportSection(const VulkanHost& host) {
  const auto section = vramd::CreateSection(kSize, "vramctl-doctor");
  if (!section.ok()) return Failed(std::string(section.status().message()));
  const auto mapping = vramd::MappedSection::Map(*section, kSize, vramd::SectionAccess::kReadWrite);
  if (!mapping.ok()) return Failed(std::string(mapping.status().message()));
  return ImportPages(host, mapping->data());
}

}  // namespace vramctl
