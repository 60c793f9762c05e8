#include "tools/vramctl/text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "vulkan/vulkan_core.h"

namespace vramctl {
namespace {

std::string Hex(const uint8_t* bytes, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", bytes[i]);
    text += digits.data();
  }
  return text;
}

// Characters, not bytes: UTF-8's continuation bytes take no column.
size_t Width(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

// Bytes of the control character at `text[i]`, or 0: ASCII's are one byte, U+0080 to U+009F two.
size_t ControlLength(const std::string& text, size_t i) {
  const auto byte = static_cast<uint8_t>(text[i]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  const bool has_next = byte == 0xc2 && i + 1 < text.size();
  return has_next && static_cast<uint8_t>(text[i + 1]) - 0x80U < 0x20U ? 2 : 0;
}

}  // namespace

std::string Printable(const std::string& text) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t control = ControlLength(text, i);
    if (control == 0) printable += text[i];
    for (size_t j = 0; j < control; ++j)
      printable += "\\x" + Hex(reinterpret_cast<const uint8_t*>(&text[i + j]), 1);
    if (control > 1) i += control - 1;
  }
  return printable;
}

std::string FormatBytes(uint64_t bytes) {
  constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  // What would be printed as 1024.0 is one of the next unit.
  for (; value >= 1023.95 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, kUnits[unit]);
  return text.data();
}

std::string FormatMicroseconds(double microseconds) {
  const bool large = microseconds >= 9999.5;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", large ? microseconds / 1000 : microseconds,
                large ? "ms" : "us");
  return text.data();
}

std::string FormatUuid(const uint8_t (&uuid)[VRAMD_UUID_SIZE]) {
  std::string text = Hex(uuid, VRAMD_UUID_SIZE);
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, "-");
  return text;
}

std::string FormatLuid(const uint8_t (&luid)[VRAMD_LUID_SIZE]) {
  return Hex(luid, VRAMD_LUID_SIZE);
}

std::string FormatVulkanVersion(uint32_t version) {
  return std::to_string(VK_API_VERSION_MAJOR(version)) + "." +
         std::to_string(VK_API_VERSION_MINOR(version)) + "." +
         std::to_string(VK_API_VERSION_PATCH(version));
}

std::string FormatMemoryProperties(uint32_t flags) {
  constexpr std::array<std::pair<uint32_t, const char*>, 6> kNames = {{
      {VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, "device-local"},
      {VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT, "host-visible"},
      {VK_MEMORY_PROPERTY_HOST_COHERENT_BIT, "host-coherent"},
      {VK_MEMORY_PROPERTY_HOST_CACHED_BIT, "host-cached"},
      {VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT, "lazily-allocated"},
      {VK_MEMORY_PROPERTY_PROTECTED_BIT, "protected"},
  }};
  std::vector<std::string> words;
  for (const auto& [bit, name] : kNames)
    if ((flags & bit) != 0) words.emplace_back(name);
  return words.empty() ? "plain" : Join(words, " ");
}

std::string FormatImageFormat(uint32_t format) {
  switch (format) {
    case VK_FORMAT_R8_UNORM:
      return "R8_UNORM";
    case VK_FORMAT_R8G8_UNORM:
      return "R8G8_UNORM";
    case VK_FORMAT_R8G8B8A8_UNORM:
      return "R8G8B8A8_UNORM";
    case VK_FORMAT_R8G8B8A8_SRGB:
      return "R8G8B8A8_SRGB";
    case VK_FORMAT_B8G8R8A8_UNORM:
      return "B8G8R8A8_UNORM";
    case VK_FORMAT_B8G8R8A8_SRGB:
      return "B8G8R8A8_SRGB";
    case VK_FORMAT_A2B10G10R10_UNORM_PACK32:
      return "A2B10G10R10_UNORM_PACK32";
    case VK_FORMAT_R16_UNORM:
      return "R16_UNORM";
    case VK_FORMAT_R16G16B16A16_UNORM:
      return "R16G16B16A16_UNORM";
    case VK_FORMAT_R16G16B16A16_SFLOAT:
      return "R16G16B16A16_SFLOAT";
    case VK_FORMAT_R32_UINT:
      return "R32_UINT";
    case VK_FORMAT_R32_SFLOAT:
      return "R32_SFLOAT";
    case VK_FORMAT_R32G32B32A32_SFLOAT:
      return "R32G32B32A32_SFLOAT";
    case VK_FORMAT_D32_SFLOAT:
      return "D32_SFLOAT";
    case VK_FORMAT_D24_UNORM_S8_UINT:
      return "D24_UNORM_S8_UINT";
    case VK_FORMAT_G8_B8R8_2PLANE_420_UNORM:
      return "G8_B8R8_2PLANE_420_UNORM";
    default:
      return "format " + std::to_string(format);
  }
}

std::string FormatRecipe(const vramd::Recipe& recipe) {
  const std::string size = FormatBytes(recipe.allocation_size);
  if (recipe.kind != VRAMD_RESOURCE_IMAGE) return std::string(Name(recipe.kind)) + ", " + size;
  const vramd_image_info& image = recipe.image;
  std::string text = "image " + std::to_string(image.width) + "x" + std::to_string(image.height);
  if (image.depth > 1) text += "x" + std::to_string(image.depth);
  if (image.array_layers > 1) text += ", " + std::to_string(image.array_layers) + " layers";
  if (image.mip_levels > 1) text += ", " + std::to_string(image.mip_levels) + " levels";
  return text + " " + FormatImageFormat(image.format) + ", " + size;
}

std::string FormatProcess(uint32_t id, const char* path) {
  const std::string whole = path;
  const std::string name = whole.substr(whole.find_last_of("/\\") + 1);
  return name.empty() ? std::to_string(id) : std::to_string(id) + " " + Printable(name);
}

const char* Name(vramd_handle_type type) {
  switch (type) {
    case VRAMD_HANDLE_ANY:
      return "any";
    case VRAMD_HANDLE_OPAQUE_FD:
      return "opaque_fd";
    case VRAMD_HANDLE_DMA_BUF:
      return "dma_buf";
    case VRAMD_HANDLE_HOST_SECTION:
      return "host_section";
    case VRAMD_HANDLE_NV_WIN32:
      return "nv_win32";
    case VRAMD_HANDLE_KHR_WIN32:
      return "khr_win32";
    case VRAMD_HANDLE_TYPE_MAX_ENUM:
      break;
  }
  return "unknown";
}

const char* Name(vramd_resource_kind kind) {
  switch (kind) {
    case VRAMD_RESOURCE_RAW:
      return "raw";
    case VRAMD_RESOURCE_BUFFER:
      return "buffer";
    case VRAMD_RESOURCE_IMAGE:
      return "image";
    case VRAMD_RESOURCE_NONE:
    case VRAMD_RESOURCE_KIND_MAX_ENUM:
      break;
  }
  return "unknown";
}

const char* Name(vramd_device_state state) {
  switch (state) {
    case VRAMD_DEVICE_OPENING:
      return "opening";
    case VRAMD_DEVICE_READY:
      return "ready";
    case VRAMD_DEVICE_FAILED:
      return "failed";
    case VRAMD_DEVICE_LOST:
      return "lost";
    case VRAMD_DEVICE_UNKNOWN:
    case VRAMD_DEVICE_STATE_MAX_ENUM:
      break;
  }
  return "unknown";
}

const char* Name(vramd_event_kind kind) {
  switch (kind) {
    case VRAMD_EVENT_PUBLISHED:
      return "published";
    case VRAMD_EVENT_WITHDRAWN:
      return "withdrawn";
    case VRAMD_EVENT_RELEASED:
      return "released";
    case VRAMD_EVENT_CURRENT:
      return "current";
    case VRAMD_EVENT_DEVICE_LOST:
      return "device_lost";
    case VRAMD_EVENT_GOING_AWAY:
      return "going_away";
    case VRAMD_EVENT_STREAM_STARTED:
      return "stream_started";
    case VRAMD_EVENT_STREAM_ENDED:
      return "stream_ended";
    case VRAMD_EVENT_OVERFLOW:
      return "overflow";
    case VRAMD_EVENT_DISCONNECTED:
      return "disconnected";
    case VRAMD_EVENT_RECONNECTED:
      return "reconnected";
    case VRAMD_EVENT_NONE:
    case VRAMD_EVENT_KIND_MAX_ENUM:
      break;
  }
  return "unknown";
}

const char* Name(vramd_stream_mode mode) {
  switch (mode) {
    case VRAMD_STREAM_MAILBOX:
      return "mailbox";
    case VRAMD_STREAM_FIFO:
      return "fifo";
    case VRAMD_STREAM_MODE_NONE:
    case VRAMD_STREAM_MODE_MAX_ENUM:
      break;
  }
  return "unknown";
}

const char* DeviceTypeName(uint32_t type) {
  switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
      return "integrated GPU";
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
      return "discrete GPU";
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
      return "virtual GPU";
    case VK_PHYSICAL_DEVICE_TYPE_CPU:
      return "CPU";
    default:
      return "other";
  }
}

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string Clip(const std::string& text, size_t columns) {
  size_t end = 0;
  while (end < text.size() && Width(text.substr(0, end + 1)) <= columns) ++end;
  return text.substr(0, end);
}

std::string FrameOrder(const vramd::DeviceInfo& device) {
  if (device.timeline_export) return "the GPU orders frames, by timeline semaphores";
  return std::string("each side waits for its own GPU, by a fence, before it hands a frame on: ") +
         device.timeline_reason;
}

std::string Join(const std::vector<std::string>& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

std::string Table::ToString() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(widths[i] + 2 - Width(row[i]), ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace vramctl
