#include "base/recipe.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

struct HandleTypeName {
  HandleType type;
  absl::string_view name;
};

constexpr HandleTypeName kHandleTypeNames[] = {
    {HandleType::kOpaqueFd, "opaque_fd"},       {HandleType::kDmaBuf, "dma_buf"},
    {HandleType::kHostSection, "host_section"}, {HandleType::kNtNv, "nv_win32"},
    {HandleType::kNtKhr, "khr_win32"},
};

template <size_t N>
std::string Hex(const std::array<uint8_t, N>& bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

std::string UuidToString(const Uuid& uuid) {
  const std::string hex = Hex(uuid);
  return absl::StrCat(hex.substr(0, 8), "-", hex.substr(8, 4), "-", hex.substr(12, 4), "-",
                      hex.substr(16, 4), "-", hex.substr(20));
}

std::string LuidToString(const Luid& luid) { return Hex(luid); }

absl::string_view ToString(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kRaw:
      return "raw";
    case ResourceKind::kBuffer:
      return "buffer";
    case ResourceKind::kImage:
      return "image";
    case ResourceKind::kUnknown:
      break;
  }
  return "unknown";
}

absl::string_view ToString(MemoryIntent intent) {
  switch (intent) {
    case MemoryIntent::kDeviceLocal:
      return "device-local";
    case MemoryIntent::kUpload:
      return "upload";
    case MemoryIntent::kReadback:
      return "readback";
  }
  return "unknown";
}

absl::string_view ToString(HandleType type) {
  for (const HandleTypeName& entry : kHandleTypeNames)
    if (entry.type == type) return entry.name;
  return "unknown";
}

std::optional<HandleType> HandleTypeFromString(absl::string_view text) {
  for (const HandleTypeName& entry : kHandleTypeNames)
    if (entry.name == text) return entry.type;
  return std::nullopt;
}

}  // namespace vramd
