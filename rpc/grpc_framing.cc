#include "rpc/grpc_framing.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/utf8.h"

namespace vramd {
namespace {

constexpr size_t kLongestCharacter = 4;  // bytes of UTF-8

// The length of the character that `text` begins with; 0 if it begins with none.
size_t CharacterLength(absl::string_view text) {
  for (size_t length = 1; length <= std::min(kLongestCharacter, text.size()); ++length)
    if (IsUtf8(text.substr(0, length))) return length;
  return 0;
}

std::string ReplaceWhatIsNotUtf8(const std::string& text) {
  if (IsUtf8(text)) return text;
  std::string replaced;
  for (absl::string_view rest = text; !rest.empty();) {
    const size_t length = CharacterLength(rest);
    absl::StrAppend(&replaced, length == 0 ? "\xef\xbf\xbd" : rest.substr(0, length));
    rest.remove_prefix(std::max<size_t>(length, 1));
  }
  return replaced;
}

bool IsEscape(absl::string_view text) {
  return text.size() >= 3 && text[0] == '%' && absl::ascii_isxdigit(text[1]) &&
         absl::ascii_isxdigit(text[2]);
}

}  // namespace

std::string MessagePrefix(size_t size) {
  std::string prefix(kPrefixSize, '\0');
  for (size_t i = kPrefixSize - 1; i > 0; --i, size >>= 8)
    prefix[i] = static_cast<char>(size & 0xff);
  return prefix;
}

absl::Status MessageReader::TakePrefix(absl::string_view* bytes) {
  const size_t taken = std::min(kPrefixSize - prefix_.size(), bytes->size());
  absl::StrAppend(&prefix_, bytes->substr(0, taken));
  bytes->remove_prefix(taken);
  if (prefix_.size() < kPrefixSize) return absl::OkStatus();
  if (prefix_[0] != 0)
    return absl::InternalError(
        "the server sent a compressed message, though no compression was offered");
  size_ = 0;
  for (size_t i = 1; i < kPrefixSize; ++i) size_ = size_ << 8 | static_cast<uint8_t>(prefix_[i]);
  if (size_ > kMaxMessageSize)
    return absl::ResourceExhaustedError(absl::StrCat("the server sent a message of ", size_,
                                                     " bytes; the limit is ", kMaxMessageSize));
  return absl::OkStatus();
}

absl::Status MessageReader::Feed(absl::string_view bytes, std::deque<std::string>* messages) {
  while (!bytes.empty()) {
    if (prefix_.size() < kPrefixSize) {
      VRAMD_RETURN_IF_ERROR(TakePrefix(&bytes));
      if (prefix_.size() < kPrefixSize) return absl::OkStatus();
    }
    const size_t taken = std::min(size_ - message_.size(), bytes.size());
    absl::StrAppend(&message_, bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (message_.size() < size_) return absl::OkStatus();
    messages->push_back(std::exchange(message_, {}));
    prefix_.clear();
  }
  return absl::OkStatus();
}

std::string DecodeStatusMessage(absl::string_view value) {
  std::string text;
  while (!value.empty()) {
    const bool is_escape = IsEscape(value);
    if (is_escape) {
      text += absl::HexStringToBytes(value.substr(1, 2));
    } else {
      text += value[0];
    }
    value.remove_prefix(is_escape ? 3 : 1);
  }
  return ReplaceWhatIsNotUtf8(text);
}

std::string TimeoutText(std::chrono::nanoseconds left) {
  struct Unit {
    char letter;
    int64_t nanoseconds;
  };
  constexpr Unit kUnits[] = {{'n', 1},
                             {'u', 1'000},
                             {'m', 1'000'000},
                             {'S', 1'000'000'000},
                             {'M', 60'000'000'000},
                             {'H', 3'600'000'000'000}};
  constexpr int64_t kMost = 99'999'999;
  const int64_t total = std::max<int64_t>(left.count(), 0);
  for (const Unit& unit : kUnits) {
    const int64_t count = total / unit.nanoseconds + (total % unit.nanoseconds != 0 ? 1 : 0);
    if (count <= kMost) return absl::StrCat(count, std::string(1, unit.letter));
  }
  return absl::StrCat(kMost, "H");
}

std::string MetadataText(absl::string_view key, absl::string_view value) {
  if (!absl::EndsWith(key, "-bin")) return std::string(value);
  std::string text = absl::Base64Escape(value);
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

}  // namespace vramd
