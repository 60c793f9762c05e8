#include "driver-shim/device_selector.h"

#include <functional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace vramd {
namespace {

using Matcher = std::function<bool(const DeviceInfo&)>;

// In the order in which they are tried: the first that fits any device decides.
std::vector<Matcher> MakeMatchers(absl::string_view selector) {
  const std::string text = absl::AsciiStrToLower(selector);
  const std::string digits = absl::StrReplaceAll(text, {{"-", ""}});
  std::vector<Matcher> matchers = {
      [digits](const DeviceInfo& info) {
        return digits == absl::StrReplaceAll(UuidToString(info.identity.device_uuid), {{"-", ""}});
      },
      [text](const DeviceInfo& info) {
        return info.identity.luid_valid && text == LuidToString(info.identity.luid);
      },
  };
  uint32_t index = 0;
  if (absl::SimpleAtoi(text, &index) && absl::StrCat(index) == text)  // sixteen zeros: a LUID
    matchers.push_back([index](const DeviceInfo& info) { return info.index == index; });
  matchers.push_back([text](const DeviceInfo& info) {
    return absl::StrContains(absl::AsciiStrToLower(info.name), text);
  });
  return matchers;
}

}  // namespace

std::string ListDevices(const std::vector<const DeviceInfo*>& devices) {
  if (devices.empty()) return "none";
  return absl::StrJoin(devices, "; ", [](std::string* out, const DeviceInfo* info) {
    absl::StrAppend(out, info->index, ": ", info->name, " (UUID ",
                    UuidToString(info->identity.device_uuid));
    if (info->identity.luid_valid)
      absl::StrAppend(out, ", LUID ", LuidToString(info->identity.luid));
    absl::StrAppend(out, ")");
  });
}

absl::StatusOr<size_t> SelectDevice(absl::string_view selector,
                                    const std::vector<const DeviceInfo*>& devices) {
  for (const Matcher& fits : MakeMatchers(selector)) {
    std::vector<const DeviceInfo*> found;
    size_t position = 0;
    for (size_t i = 0; i < devices.size(); ++i) {
      if (!fits(*devices[i])) continue;
      position = i;
      found.push_back(devices[i]);
    }
    if (found.size() == 1) return position;
    if (found.size() > 1)
      return absl::InvalidArgumentError(absl::StrCat("\"", selector,
                                                     "\" fits several devices; name one by index, "
                                                     "LUID or UUID: ",
                                                     ListDevices(found)));
  }
  return absl::NotFoundError(
      absl::StrCat("no device fits \"", selector, "\"; devices there are: ", ListDevices(devices)));
}

}  // namespace vramd
