// The pattern is a hash of each byte's place, so that a shifted row, a swapped layer or a stale
// page shows. Float texels get exponents that keep them finite, normal and below one: copies of
// those are exact in every format.
#include "tests/integration/pixels_case.h"

#include <algorithm>
#include <sstream>

#include "tests/integration/pixels_types.h"

namespace vramd {
namespace {

constexpr uint32_t kWidth = 67;  // no multiple of anything
constexpr uint32_t kHeight = 45;
constexpr uint64_t kBufferSize = 300'007;  // bytes
constexpr uint64_t kRawSize = 5 << 16;     // room for such a buffer, in whole pages anywhere
constexpr VkBufferUsageFlags kCopies =
    VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

uint32_t TexelSize(VkFormat format) { return format == VK_FORMAT_R16G16B16A16_SFLOAT ? 8 : 4; }

VkImageAspectFlags AspectOf(VkFormat format) {
  return format == VK_FORMAT_D32_SFLOAT ? VK_IMAGE_ASPECT_DEPTH_BIT : VK_IMAGE_ASPECT_COLOR_BIT;
}

void MakeTame(VkFormat format, std::vector<uint8_t>& bytes) {
  const bool half = format == VK_FORMAT_R16G16B16A16_SFLOAT;
  const bool single = format == VK_FORMAT_R32_SFLOAT || format == VK_FORMAT_D32_SFLOAT;
  if (!half && !single) return;
  const size_t size = half ? 2 : 4;
  for (size_t i = size - 1; i < bytes.size(); i += size)
    bytes[i] = (bytes[i] & 0x0f) | 0x20;  // positive, its exponent below that of one
}

std::vector<uint8_t> Pattern(const PixelsCase& pixels, size_t size) {
  std::vector<uint8_t> bytes(size);
  uint32_t state = 2463534242u + static_cast<uint32_t>(pixels.format);
  for (uint8_t& byte : bytes) {  // xorshift, period 2^32 - 1
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    byte = static_cast<uint8_t>(state >> 11);
  }
  MakeTame(pixels.format, bytes);
  return bytes;
}

// One region per mip level, tightly packed one after the other; each has all layers.
std::vector<VkBufferImageCopy> Regions(const PixelsCase& pixels, VkDeviceSize* total) {
  std::vector<VkBufferImageCopy> regions;
  *total = 0;
  for (uint32_t level = 0; level < pixels.mip_levels; ++level) {
    VkBufferImageCopy region = {};
    region.bufferOffset = *total;
    region.imageSubresource = {AspectOf(pixels.format), level, 0, pixels.array_layers};
    region.imageExtent = {std::max(kWidth >> level, 1u), std::max(kHeight >> level, 1u), 1};
    *total += VkDeviceSize{region.imageExtent.width} * region.imageExtent.height *
              TexelSize(pixels.format) * pixels.array_layers;
    regions.push_back(region);
  }
  return regions;
}

VkDeviceSize SizeOf(const PixelsCase& pixels) {
  VkDeviceSize total = kBufferSize;
  if (pixels.is_image()) Regions(pixels, &total);
  return total;
}

VulkanBarrier Barrier(const example::Gpu& gpu, const PixelsCase& pixels, VkImageLayout layout,
                      VkAccessFlags access) {
  VulkanBarrier barrier = gpu.Barrier();
  barrier.layout = pixels.own_layouts ? layout : VK_IMAGE_LAYOUT_GENERAL;
  barrier.stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
  barrier.access = access;
  return barrier;
}

// What a buffer must be told of the memory below it. The NV family tells buffers nothing.
VkExternalMemoryHandleTypeFlags BitOf(vramd_handle_type type) {
  switch (type) {
    case VRAMD_HANDLE_OPAQUE_FD:
      return VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    case VRAMD_HANDLE_KHR_WIN32:
      return VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT;
    case VRAMD_HANDLE_HOST_SECTION:
      return VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    default:
      return 0;
  }
}

// The shared resource, or a buffer of our own on raw memory, which has no barriers of its own.
class Target {
 public:
  Target(example::Gpu& gpu, const PixelsCase& pixels, const VulkanResource& shared)
      : gpu_(gpu), shared_(shared) {
    if (!pixels.raw) return;
    VkExternalMemoryBufferCreateInfo external = {
        VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO};
    external.handleTypes = BitOf(pixels.handle);
    VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
    if (external.handleTypes != 0) info.pNext = &external;
    info.size = kBufferSize;
    info.usage = kCopies;
    example::Check(vkCreateBuffer(gpu.device(), &info, nullptr, &own_), "create a buffer");
    example::Check(vkBindBufferMemory(gpu.device(), own_, shared.memory(), 0), "bind a buffer");
  }
  ~Target() {
    if (own_ != VK_NULL_HANDLE) vkDestroyBuffer(gpu_.device(), own_, nullptr);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  VkBuffer buffer() const { return own_ != VK_NULL_HANDLE ? own_ : shared_.buffer(); }
  void RecordAcquire(VkCommandBuffer commands, const VulkanBarrier& barrier) const {
    if (own_ == VK_NULL_HANDLE) return shared_.RecordAcquire(commands, barrier);
    Transfer(commands, VK_QUEUE_FAMILY_EXTERNAL, gpu_.queue_family());
  }
  void RecordRelease(VkCommandBuffer commands, const VulkanBarrier& barrier) const {
    if (own_ == VK_NULL_HANDLE) return shared_.RecordRelease(commands, barrier);
    Transfer(commands, gpu_.queue_family(), VK_QUEUE_FAMILY_EXTERNAL);
  }

 private:
  void Transfer(VkCommandBuffer commands, uint32_t from, uint32_t to) const {
    VkBufferMemoryBarrier barrier = {VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER};
    barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
    barrier.srcQueueFamilyIndex = from;
    barrier.dstQueueFamilyIndex = to;
    barrier.buffer = own_;
    barrier.size = VK_WHOLE_SIZE;
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT,
                         0, 0, nullptr, 1, &barrier, 0, nullptr);
  }

  example::Gpu& gpu_;
  const VulkanResource& shared_;
  VkBuffer own_ = VK_NULL_HANDLE;
};

void RecordToHost(VkCommandBuffer commands) {
  VkMemoryBarrier barrier = {VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  barrier.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  barrier.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                       &barrier, 0, nullptr, 0, nullptr);
}

}  // namespace

AllocateInfo PixelsCase::Request() const {
  AllocateInfo info =
      raw ? AllocateInfo::Raw(kRawSize)
      : !is_image()
          ? AllocateInfo::Buffer(kBufferSize, kCopies)
          : AllocateInfo::Image(format, kWidth, kHeight,
                                VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT);
  info.image.mip_levels = mip_levels;
  info.image.array_layers = array_layers;
  info.handle_type = handle;
  return info;
}

void PixelsCase::Write(example::Gpu& gpu, const VulkanResource& shared) const {
  const VkDeviceSize size = SizeOf(*this);
  const example::HostBuffer staging(gpu, size, VK_BUFFER_USAGE_TRANSFER_SRC_BIT);
  const Target target(gpu, *this, shared);
  const std::vector<uint8_t> bytes = Pattern(*this, size);
  std::copy(bytes.begin(), bytes.end(), staging.data());
  VulkanBarrier barrier =
      Barrier(gpu, *this, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
  gpu.Run([&](VkCommandBuffer commands) {
    barrier.discard = true;
    target.RecordAcquire(commands, barrier);
    if (!is_image()) {
      const VkBufferCopy all = {0, 0, size};
      vkCmdCopyBuffer(commands, staging.buffer(), target.buffer(), 1, &all);
    } else {
      VkDeviceSize total = 0;
      const auto regions = Regions(*this, &total);
      vkCmdCopyBufferToImage(commands, staging.buffer(), shared.image(), barrier.layout,
                             static_cast<uint32_t>(regions.size()), regions.data());
    }
    target.RecordRelease(commands, barrier);
  });
}

std::string PixelsCase::Compare(example::Gpu& gpu, const VulkanResource& shared) const {
  const VkDeviceSize size = SizeOf(*this);
  const example::HostBuffer staging(gpu, size, VK_BUFFER_USAGE_TRANSFER_DST_BIT);
  const Target target(gpu, *this, shared);
  std::fill_n(staging.data(), size, uint8_t{0xee});
  const VulkanBarrier barrier =
      Barrier(gpu, *this, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
  gpu.Run([&](VkCommandBuffer commands) {
    target.RecordAcquire(commands, barrier);
    if (!is_image()) {
      const VkBufferCopy all = {0, 0, size};
      vkCmdCopyBuffer(commands, target.buffer(), staging.buffer(), 1, &all);
    } else {
      VkDeviceSize total = 0;
      const auto regions = Regions(*this, &total);
      vkCmdCopyImageToBuffer(commands, shared.image(), barrier.layout, staging.buffer(),
                             static_cast<uint32_t>(regions.size()), regions.data());
    }
    RecordToHost(commands);
    target.RecordRelease(commands, barrier);
  });
  const std::vector<uint8_t> wanted = Pattern(*this, size);
  const auto [at, read] = std::mismatch(wanted.begin(), wanted.end(), staging.data());
  if (at == wanted.end()) return "equal";
  std::ostringstream text;
  text << "byte " << at - wanted.begin() << " of " << size << " is " << int{*read} << ", not "
       << int{*at};
  return text.str();
}

const std::vector<PixelsCase>& AllPixelsCases() {
  static const auto* const cases = [] {
    const PixelsCase shapes[] = {
        {"Buffer"},
        {"Raw", VRAMD_HANDLE_ANY, VK_FORMAT_UNDEFINED, 1, 1, false, true},
        {"Rgba8", VRAMD_HANDLE_ANY, VK_FORMAT_R8G8B8A8_UNORM},
        {"Rgba8MipsLayers", VRAMD_HANDLE_ANY, VK_FORMAT_R8G8B8A8_UNORM, 4, 3},
        {"Bgra8SrgbLayout", VRAMD_HANDLE_ANY, VK_FORMAT_B8G8R8A8_SRGB, 1, 1, true},
        {"Rgba16fMips", VRAMD_HANDLE_ANY, VK_FORMAT_R16G16B16A16_SFLOAT, 3, 1},
        {"R32fLayers", VRAMD_HANDLE_ANY, VK_FORMAT_R32_SFLOAT, 1, 5},
        {"D32fLayout", VRAMD_HANDLE_ANY, VK_FORMAT_D32_SFLOAT, 2, 2, true},
    };
    auto* all = new std::vector<PixelsCase>;
    for (PixelsCase shape : shapes) {
      const std::string name = shape.name;
      const bool is_buffer = !shape.is_image() && !shape.raw;
      for (const auto& [handle, suffix] : PixelsHandleTypes(is_buffer)) {
        shape.handle = handle;
        shape.name = name + suffix;
        all->push_back(shape);
      }
    }
    return all;
  }();
  return *cases;
}

}  // namespace vramd
