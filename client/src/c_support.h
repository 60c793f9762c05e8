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
#include "vramd/vramd.h"

struct vramd_client {
  std::shared_ptr<vramd::ClientCore> core;
  vramd::Birth birth;
};

namespace vramd {

inline std::string Text(const char* text) { return text == nullptr ? "" : text; }

// An element of an array that is to be filled, and an item that it is filled with. Overloaded for
// structs that point to others.
template <typename T>
absl::Status CheckElement(const T* element) {
  return CheckSized(element);
}
template <typename T, typename Item>
absl::Status WriteElement(const Item& item, T* element) {
  VRAMD_ASSIGN_OR_RETURN(const T converted, absl::StatusOr<T>(ToC(item)));
  WriteSized(converted, element);
  return absl::OkStatus();
}
absl::Status CheckElement(const vramd_published* element);
absl::Status WriteElement(const v1::Published& item, vramd_published* element);
absl::Status CheckElement(const vramd_stream_listing* element);
absl::Status WriteElement(const v1::StreamListing& item, vramd_stream_listing* element);

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
