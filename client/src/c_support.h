// What the files of the C interface share: the public handle of a client, checks of arguments, and
// the two-call idiom.
#ifndef VRAMD_CLIENT_SRC_C_SUPPORT_H_
#define VRAMD_CLIENT_SRC_C_SUPPORT_H_

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "client/src/c_convert.h"
#include "client/src/client_core.h"
#include "client/src/fork_check.h"
#include "client/src/null_check.h"
#include "client/src/sized_struct.h"
#include "client/src/stream_convert.h"
#include "client/src/time_convert.h"
#include "proto/convert.h"
#include "vramd/vramd.h"

struct vramd_client {
  std::shared_ptr<vramd::ClientCore> core;
  vramd::Birth birth;
};

namespace vramd {

inline std::string Text(const char* text) { return text == nullptr ? "" : text; }

// A struct that points to a recipe of the caller's, which is to be filled, too; NULL: not wanted.
template <typename T>
concept HasRecipe = requires(T element) { CheckRecipe(element.recipe); };

// An element of an array that is to be filled, and an item that it is filled with.
template <typename T>
absl::Status CheckElement(const T* element) {
  VRAMD_RETURN_IF_ERROR(CheckSized(element));
  if constexpr (HasRecipe<T>) {
    if (element->recipe != nullptr) return CheckRecipe(element->recipe);
  }
  return absl::OkStatus();
}
template <typename T, typename Item>
absl::Status WriteElement(const Item& item, T* element) {
  VRAMD_ASSIGN_OR_RETURN(T own, absl::StatusOr<T>(ToC(item)));
  if constexpr (HasRecipe<T>) {
    VRAMD_ASSIGN_OR_RETURN(const Recipe recipe, FromProto(item.recipe()));
    own.recipe = element->recipe;
    if (own.recipe != nullptr) WriteRecipe(recipe, own.recipe);
  }
  WriteSized(own, element);
  return absl::OkStatus();
}

// The elements of a caller's array are as large as the first one says, which all must say.
template <typename T>
absl::StatusOr<std::vector<T*>> CheckElements(T* array, uint32_t count) {
  std::vector<T*> elements;
  auto* next = reinterpret_cast<char*>(array);
  for (uint32_t i = 0; i < count; ++i, next += array->struct_size) {
    elements.push_back(reinterpret_cast<T*>(next));
    VRAMD_RETURN_IF_ERROR(CheckElement(elements.back()));
    if (elements.back()->struct_size != array->struct_size)
      return absl::InvalidArgumentError(absl::StrCat(
          StructName<T>::kName, "[", i, "].struct_size is ", elements.back()->struct_size,
          ", but that of element 0 is ", array->struct_size, "; all must be the same"));
  }
  return elements;
}

// The two-call idiom.
template <typename T, typename Items>
absl::Status Enumerate(const Items& items, uint32_t* count, T* out) {
  const auto available = static_cast<uint32_t>(items.size());
  if (out == nullptr) {
    *count = available;
    return absl::OkStatus();
  }
  const uint32_t wanted = std::min(*count, available);
  VRAMD_ASSIGN_OR_RETURN(const std::vector<T*> elements, CheckElements(out, wanted));
  for (uint32_t i = 0; i < wanted; ++i)
    VRAMD_RETURN_IF_ERROR(WriteElement(items[static_cast<int>(i)], elements[i]));
  *count = wanted;
  return absl::OkStatus();
}

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_C_SUPPORT_H_
