// The recipe: everything an importer needs to create a resource that matches an allocation.
//
// Values of Vulkan enumerations stand here as plain integers, so that code which only decides or
// forwards needs no Vulkan header. Each field names the Vulkan type that its value comes from.
#ifndef VRAMD_BASE_RECIPE_H_
#define VRAMD_BASE_RECIPE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace vramd {

using Uuid = std::array<uint8_t, 16>;
using Luid = std::array<uint8_t, 8>;

std::string UuidToString(const Uuid& uuid);  // 8-4-4-4-12 hexadecimal digits
std::string LuidToString(const Luid& luid);  // 16 hexadecimal digits

enum class ResourceKind : uint32_t { kUnknown = 0, kRaw = 1, kBuffer = 2, kImage = 3 };

// The numbers are those of vramd.v1.HandleType and of vramd_handle_type.
enum class HandleType : uint32_t {
  kUnknown = 0,
  kOpaqueFd = 1,
  kDmaBuf = 2,
  kHostSection = 3,  // memfd or section object, imported by VK_EXT_external_memory_host
  kNtNv = 4,         // NT handle, VK_NV_external_memory_win32
  kNtKhr = 5,        // NT handle, VK_KHR_external_memory_win32
};

enum class MemoryIntent : uint32_t { kDeviceLocal = 0, kUpload = 1, kReadback = 2 };

absl::string_view ToString(ResourceKind kind);
absl::string_view ToString(HandleType type);  // "opaque_fd", the spelling that flags and logs use
absl::string_view ToString(MemoryIntent intent);
std::optional<HandleType> HandleTypeFromString(absl::string_view text);

struct BufferInfo {
  uint64_t size = 0;   // bytes
  uint32_t usage = 0;  // VkBufferUsageFlags
  uint32_t flags = 0;  // VkBufferCreateFlags
};

inline constexpr size_t kMaxPlanes = 4;
inline constexpr size_t kMaxViewFormats = 64;

// How a DRM format modifier lays an image out.
struct DrmModifier {
  struct Plane {
    uint64_t offset = 0;  // bytes from the beginning of the memory
    uint64_t pitch = 0;   // bytes from one row to the next

    friend bool operator==(const Plane&, const Plane&) = default;
  };

  uint64_t modifier = 0;
  // In a request, 0 lets the driver lay out. From another process it may be too many.
  uint32_t plane_count = 0;
  std::array<Plane, kMaxPlanes> planes{};

  friend bool operator==(const DrmModifier&, const DrmModifier&) = default;
};
struct ImageInfo {
  uint32_t flags = 0;       // VkImageCreateFlags
  uint32_t image_type = 1;  // VkImageType, VK_IMAGE_TYPE_2D
  uint32_t format = 0;      // VkFormat
  uint32_t width = 0;       // texels
  uint32_t height = 1;      // texels
  uint32_t depth = 1;       // texels
  uint32_t mip_levels = 1;
  uint32_t array_layers = 1;
  uint32_t samples = 1;  // VkSampleCountFlagBits
  uint32_t tiling = 0;   // VkImageTiling, VK_IMAGE_TILING_OPTIMAL
  uint32_t usage = 0;    // VkImageUsageFlags
  // VkFormats of the views that users will make; empty: any that the flags allow.
  std::vector<uint32_t> view_formats;
  std::optional<DrmModifier> drm_modifier;

  friend bool operator==(const ImageInfo&, const ImageInfo&) = default;
};

// Which GPU, driver and adapter. Opaque handles import only where both UUIDs are equal; a LUID,
// where it is valid, tells apart devices whose UUIDs are equal.
struct DeviceIdentity {
  Uuid device_uuid{};
  Uuid driver_uuid{};
  Luid luid{};
  bool luid_valid = false;
  uint32_t node_mask = 0;  // meaningful only where luid_valid

  friend bool operator==(const DeviceIdentity&, const DeviceIdentity&) = default;
};

struct Recipe {
  ResourceKind kind = ResourceKind::kUnknown;
  BufferInfo buffer;             // kBuffer
  ImageInfo image;               // kImage
  uint64_t allocation_size = 0;  // VkMemoryAllocateInfo::allocationSize, bytes
  uint32_t memory_type_index = 0;
  uint32_t memory_property_flags = 0;  // VkMemoryPropertyFlags
  bool dedicated = false;              // allocate with VkMemoryDedicatedAllocateInfo
  HandleType handle_type = HandleType::kUnknown;
  DeviceIdentity device;
  // VkImageLayout in which the image is handed from one user to the next. Every release barrier
  // leaves the image in it and every acquire barrier starts from it.
  uint32_t handover_layout = 1;  // VK_IMAGE_LAYOUT_GENERAL
};

struct MemoryTypeInfo {
  uint32_t property_flags = 0;  // VkMemoryPropertyFlags
  uint32_t heap_index = 0;
  uint64_t heap_size = 0;  // bytes
};

// What a device can do with one handle type. Where it cannot, `reason` says why in words.
struct HandleSupport {
  HandleType type = HandleType::kUnknown;
  bool can_export = false;
  bool can_import = false;
  std::string reason;
};

// Whether a device's timeline semaphores can be given to other processes.
struct TimelineSupport {
  bool can_export = false;
  std::string reason;  // in words, where it cannot
};

struct DeviceInfo {
  uint32_t index = 0;  // position in the broker's list, stable while the broker runs
  std::string name;
  std::string driver_name;
  std::string driver_version;
  uint32_t api_version = 0;  // VK_MAKE_API_VERSION
  uint32_t device_type = 0;  // VkPhysicalDeviceType
  DeviceIdentity identity;
  std::vector<MemoryTypeInfo> memory_types;
  std::vector<HandleSupport> handles;
  TimelineSupport timelines;
};

// What an importer says of its own device when it asks whether a recipe would work there.
struct ImporterDevice {
  DeviceIdentity identity;
  std::vector<HandleType> importable;  // handle types that its device can import
  uint32_t memory_type_count = 0;      // 0: not told, not checked
};

}  // namespace vramd

#endif  // VRAMD_BASE_RECIPE_H_
