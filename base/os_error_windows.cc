// Windows has thousands of error codes; those that a caller can act on get the code that says so,
// the others are UNKNOWN with the system's words and number.
#include <windows.h>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/os_error.h"
#include "base/wide_windows.h"

namespace vramd {
namespace {

absl::StatusCode CodeOf(DWORD error) {
  switch (error) {
    case ERROR_FILE_NOT_FOUND:
    case ERROR_PATH_NOT_FOUND:
    case ERROR_MOD_NOT_FOUND:
    case ERROR_NOT_FOUND:
    case ERROR_NONE_MAPPED:
      return absl::StatusCode::kNotFound;
    case ERROR_ACCESS_DENIED:
    case ERROR_PRIVILEGE_NOT_HELD:
      return absl::StatusCode::kPermissionDenied;
    case ERROR_TOO_MANY_OPEN_FILES:
    case ERROR_NOT_ENOUGH_MEMORY:
    case ERROR_OUTOFMEMORY:
    case ERROR_NO_SYSTEM_RESOURCES:
    case ERROR_COMMITMENT_LIMIT:
    case ERROR_NOT_ENOUGH_QUOTA:
    case ERROR_DISK_FULL:
      return absl::StatusCode::kResourceExhausted;
    case ERROR_ALREADY_EXISTS:
    case ERROR_FILE_EXISTS:
      return absl::StatusCode::kAlreadyExists;
    case ERROR_INVALID_HANDLE:
    case ERROR_INVALID_PARAMETER:
    case ERROR_INVALID_NAME:
      return absl::StatusCode::kInvalidArgument;
    case ERROR_BROKEN_PIPE:
    case ERROR_NO_DATA:
    case ERROR_PIPE_NOT_CONNECTED:
    case ERROR_PIPE_BUSY:
      return absl::StatusCode::kUnavailable;
    case ERROR_OPERATION_ABORTED:
    case ERROR_CANCELLED:
      return absl::StatusCode::kCancelled;
    case ERROR_SEM_TIMEOUT:
    case ERROR_TIMEOUT:
    case WAIT_TIMEOUT:
      return absl::StatusCode::kDeadlineExceeded;
    default:
      return absl::StatusCode::kUnknown;
  }
}

std::string WordsOf(DWORD error) {
  wchar_t* text = nullptr;
  const DWORD length = FormatMessageW(
      FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS,
      nullptr, error, 0, reinterpret_cast<wchar_t*>(&text), 0, nullptr);
  const std::string words = ToUtf8(std::wstring_view(text, text == nullptr ? 0 : length));
  LocalFree(text);
  return std::string(absl::StripAsciiWhitespace(words));
}

}  // namespace

absl::Status OsError(int code, absl::string_view what) {
  const auto error = static_cast<DWORD>(code);
  return absl::Status(CodeOf(error), absl::StrCat("cannot ", what, ": ", WordsOf(error),
                                                  " (Windows error ", error, ")"));
}

absl::Status LastOsError(absl::string_view what) {
  return OsError(static_cast<int>(GetLastError()), what);
}

}  // namespace vramd
