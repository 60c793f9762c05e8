// What the files of the C interface share: the public handle of a client, checks of arguments, and
// the two-call idiom.
#ifndef VRAMD_CLIENT_SRC_C_SUPPORT_H_
#define VRAMD_CLIENT_SRC_C_SUPPORT_H_

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "client/src/c_convert.h"
#include "client/src/client_core.h"
#include "client/src/fork_check.h"
#include "client/src/null_check.h"
#include "client/src/sized_struct.h"
#include "client/src/stream_convert.h"
#include "vramd/vramd.h"

struct vramd_client {
  std::shared_ptr<vramd::ClientCore> core;
  vramd::Birth birth;
};

namespace vramd {

inline std::chrono::milliseconds Milliseconds(uint32_t count) {
  return std::chrono::milliseconds(count);
}

inline std::string Text(const char* text) { return text == nullptr ? "" : text; }

// The two-call idiom. Elements are as large as the caller's version of T, which each one says.
template <typename T, typename Items>
absl::Status Enumerate(const Items& items, uint32_t* count, T* out, const char* name) {
  const auto available = static_cast<uint32_t>(items.size());
  if (out == nullptr) {
    *count = available;
    return absl::OkStatus();
  }
  *count = std::min(*count, available);
  auto* next = reinterpret_cast<char*>(out);
  for (uint32_t i = 0; i < *count; ++i) {
    auto* element = reinterpret_cast<T*>(next);
    VRAMD_RETURN_IF_ERROR(CheckSized(element, name));
    VRAMD_ASSIGN_OR_RETURN(const T converted, absl::StatusOr<T>(ToC(items[static_cast<int>(i)])));
    WriteSized(converted, element);
    next += element->struct_size;
  }
  return absl::OkStatus();
}

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_C_SUPPORT_H_
