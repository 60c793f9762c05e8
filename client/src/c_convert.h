// Between the C interface's structs and the ones inside.
#ifndef VRAMD_CLIENT_SRC_C_CONVERT_H_
#define VRAMD_CLIENT_SRC_C_CONVERT_H_

#include <algorithm>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/recipe.h"
#include "client/src/recipe_convert.h"
#include "client/src/watch_core.h"
#include "vramd/v1/broker.pb.h"
#include "vramd/vramd.h"

namespace vramd {

// Cut to what fits, always NUL-terminated.
template <size_t N>
void CopyText(absl::string_view from, char (&to)[N]) {
  const size_t size = std::min(from.size(), N - 1);
  std::memcpy(to, from.data(), size);
  std::memset(to + size, 0, N - size);
}
// The same into a caller's buffer, which may be NULL.
void CopyText(absl::string_view from, char* to, size_t size);

absl::StatusOr<vramd_device_info> ToC(const v1::Device& device);
vramd_memory_type ToC(const v1::MemoryType& type);
vramd_handle_support ToC(const v1::HandleSupport& support);
// Without the recipe.
vramd_published ToC(const v1::Published& published);
vramd_event ToC(const WatchItem& item);

// NULL is empty. INVALID_ARGUMENT names the field that is not UTF-8: it could not be sent.
absl::StatusOr<std::string> TextFromC(const char* field, const char* text);
// INVALID_ARGUMENT for an unknown kind, or if what belongs to the kind is missing. `what` has been
// read by ReadSized(); of what is chained to it, this reads a vramd_memory_wish.
absl::StatusOr<v1::AllocateRequest> FromC(const vramd_allocate_info& what);
absl::StatusOr<v1::CheckShareRequest> FromC(const Recipe& recipe, const vramd_importer& importer);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_C_CONVERT_H_
