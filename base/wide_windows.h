// Text at the border to Windows: UTF-8 inside, UTF-16 in calls of the system.
#ifndef VRAMD_BASE_WIDE_WINDOWS_H_
#define VRAMD_BASE_WIDE_WINDOWS_H_

#include <string>
#include <string_view>

#include "absl/strings/string_view.h"

namespace vramd {

// What is not valid in one encoding becomes U+FFFD in the other.
std::wstring ToWide(absl::string_view utf8);
std::string ToUtf8(std::wstring_view wide);

// Empty where the variable is not set.
std::string EnvironmentVariable(const wchar_t* name);

}  // namespace vramd

#endif  // VRAMD_BASE_WIDE_WINDOWS_H_
