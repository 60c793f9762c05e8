// Words and tables for people: sizes, names of Vulkan's numbers, aligned columns.
#ifndef VRAMD_TOOLS_VRAMCTL_TEXT_H_
#define VRAMD_TOOLS_VRAMCTL_TEXT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "vramd/stream.h"

namespace vramctl {

// What other programs named, made safe for a terminal: control characters become \xNN. UTF-8 stays.
std::string Printable(const std::string& text);

bool EndsWith(const std::string& text, const std::string& end);

std::string FormatBytes(uint64_t bytes);              // "512 B", "1.5 MiB"
std::string FormatMicroseconds(double microseconds);  // "85.1 us", "12.3 ms"
std::string FormatUuid(const uint8_t (&uuid)[VRAMD_UUID_SIZE]);
std::string FormatLuid(const uint8_t (&luid)[VRAMD_LUID_SIZE]);
std::string FormatVulkanVersion(uint32_t version);      // "1.3.239"
std::string FormatMemoryProperties(uint32_t flags);     // "device-local host-visible"
std::string FormatImageFormat(uint32_t format);         // "R8G8B8A8_UNORM", or "format 12"
std::string FormatRecipe(const vramd::Recipe& recipe);  // "image 1920x1080 R8G8B8A8_UNORM"

std::string FormatProcess(uint32_t id, const char* path);  // "1234 camera"

const char* Name(vramd_handle_type type);
const char* Name(vramd_resource_kind kind);
const char* Name(vramd_device_state state);
const char* Name(vramd_event_kind kind);
const char* Name(vramd_stream_mode mode);
const char* DeviceTypeName(uint32_t type);  // a VkPhysicalDeviceType

// How streams on this device order their frames, and why not better.
std::string FrameOrder(const vramd::DeviceInfo& device);

// The beginning of `text` that fits into so many columns, each character taken for one.
std::string Clip(const std::string& text, size_t columns);

// "a, b, c"
std::string Join(const std::vector<std::string>& words, const char* separator = ", ");

// Left-aligned columns, two spaces apart, no trailing spaces.
class Table {
 public:
  explicit Table(std::vector<std::string> head) { AddRow(std::move(head)); }
  void AddRow(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  std::string ToString() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_TEXT_H_
