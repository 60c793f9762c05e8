// Reading and writing the public structs of a caller that was compiled against another version of
// the library: each says its own type and size, and only that many bytes of it are touched. The
// rules are at the head of vramd.h.
#ifndef VRAMD_CLIENT_SRC_SIZED_STRUCT_H_
#define VRAMD_CLIENT_SRC_SIZED_STRUCT_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "client/src/struct_names.h"

namespace vramd {

// The fields up to here are the caller's own, also of a struct that is written.
inline constexpr uint32_t kHeadSize = sizeof(vramd_base_out);

// What a struct, of any type, has at its beginning and at its end. INVALID_ARGUMENT for another
// type than `type`, and for a struct_size that nobody has set.
absl::Status CheckHead(const void* theirs, vramd_structure_type type, const char* name);
// INVALID_ARGUMENT if bytes beyond `known`, which this version does not understand, are not zero.
absl::Status CheckTail(const void* theirs, uint32_t known, const char* name);
// INVALID_ARGUMENT names the struct in the chain that is not one of `known`, or is there twice.
absl::Status CheckChain(const void* next, absl::Span<const vramd_structure_type> known,
                        const char* name);
// The first struct of that type, or NULL. After CheckChain().
const void* FindInChain(const void* next, vramd_structure_type type);

// Of a struct that is to be filled. `Chained` are the structs that it can be chained to.
template <typename... Chained, typename T>
absl::Status CheckSized(const T* theirs) {
  constexpr const char* name = StructName<T>::kName;
  VRAMD_RETURN_IF_ERROR(CheckHead(theirs, StructName<T>::kType, name));
  if (theirs->next == nullptr) return absl::OkStatus();
  return CheckChain(theirs->next, {StructName<Chained>::kType...}, name);
}

// A whole copy without a look at the chain; fields that the caller's version does not have are
// zero.
template <typename T>
absl::StatusOr<T> ReadOne(const T* theirs) {
  static_assert(std::is_trivially_copyable_v<T>);
  VRAMD_RETURN_IF_ERROR(CheckHead(theirs, StructName<T>::kType, StructName<T>::kName));
  VRAMD_RETURN_IF_ERROR(CheckTail(theirs, sizeof(T), StructName<T>::kName));
  T ours{};
  std::memcpy(static_cast<void*>(&ours), theirs, std::min<size_t>(theirs->struct_size, sizeof(T)));
  ours.struct_size = sizeof(T);
  return ours;
}

// The same, with the chain checked. `Chained` are the structs that it can be chained to.
template <typename... Chained, typename T>
absl::StatusOr<T> ReadSized(const T* theirs) {
  VRAMD_RETURN_IF_ERROR(CheckSized<Chained...>(theirs));
  return ReadOne(theirs);
}

// The chained struct of that type, if there is one. After CheckChain().
template <typename T>
absl::StatusOr<std::optional<T>> ReadChained(const void* next) {
  const auto* found = static_cast<const T*>(FindInChain(next, StructName<T>::kType));
  if (found == nullptr) return std::optional<T>();
  VRAMD_ASSIGN_OR_RETURN(const T read, ReadOne(found));
  return std::optional<T>(read);
}

// Writes the fields that the caller's version has. What it begins with stays, and what this version
// does not have becomes zero. After CheckSized().
template <typename T>
void WriteSized(const T& ours, T* theirs) {
  static_assert(std::is_trivially_copyable_v<T>);
  const size_t size = theirs->struct_size;
  char* to = reinterpret_cast<char*>(theirs);
  const char* from = reinterpret_cast<const char*>(&ours);
  std::memcpy(to + kHeadSize, from + kHeadSize, std::min(size, sizeof(T)) - kHeadSize);
  if (size > sizeof(T)) std::memset(to + sizeof(T), 0, size - sizeof(T));
}

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_SIZED_STRUCT_H_
