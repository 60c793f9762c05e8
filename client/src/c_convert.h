// Between the C interface's structs and the ones inside.
#ifndef VRAMD_CLIENT_SRC_C_CONVERT_H_
#define VRAMD_CLIENT_SRC_C_CONVERT_H_

#include <algorithm>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/recipe.h"
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

vramd_recipe ToC(const Recipe& recipe);
Recipe FromC(const vramd_recipe& recipe);
vramd_device_identity ToC(const DeviceIdentity& identity);
DeviceIdentity FromC(const vramd_device_identity& identity);

absl::StatusOr<vramd_device_info> ToC(const v1::Device& device);
absl::StatusOr<vramd_published> ToC(const v1::Published& published);
vramd_event ToC(const WatchItem& item);

// INVALID_ARGUMENT for an unknown kind.
// NULL is empty. INVALID_ARGUMENT names the field that is not UTF-8: it could not be sent.
absl::StatusOr<std::string> TextFromC(const char* field, const char* text);
absl::StatusOr<v1::AllocateRequest> FromC(const vramd_allocate_info& info);
absl::StatusOr<v1::CheckShareRequest> FromC(const vramd_recipe& recipe,
                                            const vramd_importer& importer);

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_C_CONVERT_H_
