#include "daemon/policy.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

constexpr uint32_t kCpu = 4;  // VK_PHYSICAL_DEVICE_TYPE_CPU

bool IsOpaque(HandleType type) {
  return type == HandleType::kOpaqueFd || type == HandleType::kNtNv || type == HandleType::kNtKhr;
}

}  // namespace

bool Subject::Matches(const Peer& peer) const {
  switch (kind) {
    case Kind::kEveryone:
      return true;
    case Kind::kAdministrator:
      return peer.is_administrator;
    case Kind::kUser:
      return peer.user_id == id;
    case Kind::kGroup:
      return std::find(peer.group_ids.begin(), peer.group_ids.end(), id) != peer.group_ids.end();
  }
  return false;
}

// The last * seen is remembered; on a mismatch it takes one character more. Linear for one *,
// and at worst pattern length times text length, both of which are limited.
bool NameMatches(absl::string_view pattern, absl::string_view text) {
  size_t p = 0, t = 0, star = absl::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != absl::string_view::npos && text[star_text] != '/') {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

absl::Status Policy::CheckConnect(const Peer& peer) const {
  for (const Subject& subject : may_connect)
    if (subject.Matches(peer)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("user ", peer.user_name, "(", peer.user_id,
                   ") may not use this broker; add it to policy.connect in vramd.toml"));
}

absl::Status Policy::CheckOpen(const Peer& peer, const std::string& owner_user_id,
                               absl::string_view name) const {
  if (peer.user_id == owner_user_id) return absl::OkStatus();
  if (!name.empty())
    for (const OpenRule& rule : may_open)
      if (rule.who.Matches(peer) && NameMatches(rule.names, name)) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat(name.empty() ? "memory without a name" : name,
                   " belongs to another user; to let user ", peer.user_name, "(", peer.user_id,
                   ") open it, its owner must publish it and a [[policy.open]] rule must name it"));
}

// The broker counts as a user of the memory: its driver reads the header again when it frees.
absl::Status Policy::CheckHandover(const Peer& peer, const std::string& owner_user_id,
                                   const DeviceInfo& device, HandleType type) const {
  if (device.device_type != kCpu || !IsOpaque(type)) return absl::OkStatus();
  if (peer.user_id == owner_user_id && peer.user_id == broker_user_id) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "user ", peer.user_name, "(", peer.user_id, ") cannot have ", ToString(type), " of ",
      device.name,
      ": a driver that runs on the CPU keeps size and offset inside the shared memory, where every "
      "user of the handle can change them, and trusts them later; so such handles stay with the "
      "broker's own user: allocate host_section, the default there"));
}

}  // namespace vramd
