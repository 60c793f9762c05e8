// Arguments of the C interface that must not be NULL, told apart by name.
#ifndef VRAMD_CLIENT_SRC_NULL_CHECK_H_
#define VRAMD_CLIENT_SRC_NULL_CHECK_H_

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace vramd {

// `names` are those of `pointers`, as the preprocessor spells a list: "client, lease".
template <typename... Pointers>
absl::Status CheckNotNull(absl::string_view names, Pointers... pointers) {
  for (const bool present : {(pointers != nullptr)...}) {
    const absl::string_view name = names.substr(0, names.find(','));
    if (!present)
      return absl::InvalidArgumentError(
          absl::StrCat(name, " is NULL, but must point to something"));
    names.remove_prefix(std::min(names.size(), name.size() + 2));
  }
  return absl::OkStatus();
}

}  // namespace vramd

// In a function that returns absl::Status: INVALID_ARGUMENT names the first argument that is NULL.
#define VRAMD_RETURN_IF_NULL(...) \
  VRAMD_RETURN_IF_ERROR(::vramd::CheckNotNull(#__VA_ARGS__, __VA_ARGS__))

#endif  // VRAMD_CLIENT_SRC_NULL_CHECK_H_
