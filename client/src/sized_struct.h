// Reading and writing the public structs of a caller that was compiled against another version of
// the library: each says its own size, and only that many bytes of it are touched.
#ifndef VRAMD_CLIENT_SRC_SIZED_STRUCT_H_
#define VRAMD_CLIENT_SRC_SIZED_STRUCT_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace vramd {

// INVALID_ARGUMENT for NULL, or a struct_size that nobody has set.
template <typename T>
absl::Status CheckSized(const T* theirs, const char* name) {
  if (theirs == nullptr) return absl::InvalidArgumentError(absl::StrCat(name, " is NULL"));
  if (theirs->struct_size <= sizeof(theirs->struct_size))
    return absl::InvalidArgumentError(absl::StrCat(name, ".struct_size is ", theirs->struct_size,
                                                   "; set it to sizeof(", name, ")"));
  return absl::OkStatus();
}

// A whole copy; fields that the caller's version does not have are zero.
template <typename T>
absl::StatusOr<T> ReadSized(const T* theirs, const char* name) {
  static_assert(std::is_trivially_copyable_v<T>);
  if (absl::Status status = CheckSized(theirs, name); !status.ok()) return status;
  T ours{};
  std::memcpy(&ours, theirs, std::min<size_t>(theirs->struct_size, sizeof(T)));
  ours.struct_size = sizeof(T);
  return ours;
}

// Writes the fields that the caller's version has; its struct_size stays. After CheckSized().
template <typename T>
void WriteSized(const T& ours, T* theirs) {
  static_assert(std::is_trivially_copyable_v<T>);
  const uint32_t size = theirs->struct_size;
  std::memcpy(theirs, &ours, std::min<size_t>(size, sizeof(T)));
  theirs->struct_size = size;
}

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_SIZED_STRUCT_H_
