#include "base/utf8.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

// What a first byte says: how many bytes follow, and within what bounds the next one is.
struct Lead {
  int following = -1;  // -1: it is none
  uint8_t low = 0x80, high = 0xbf;
};

Lead Judge(uint8_t byte) {
  if (byte < 0x80) return {0};
  if (byte < 0xc2) return {};
  if (byte < 0xe0) return {1};
  if (byte == 0xe0) return {2, 0xa0};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte < 0xf0) return {2};
  if (byte == 0xf0) return {3, 0x90};
  if (byte < 0xf4) return {3};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  return {};
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    Lead lead = Judge(static_cast<uint8_t>(text[i]));
    if (lead.following < 0 || text.size() - i <= static_cast<size_t>(lead.following)) return false;
    for (; lead.following > 0; --lead.following) {
      const auto byte = static_cast<uint8_t>(text[++i]);
      if (byte < lead.low || byte > lead.high) return false;
      lead.low = 0x80;
      lead.high = 0xbf;
    }
  }
  return true;
}

absl::Status CheckUtf8(absl::string_view field, absl::string_view text) {
  if (IsUtf8(text)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " is not UTF-8: \"", absl::CHexEscape(text), "\""));
}

}  // namespace vramd
