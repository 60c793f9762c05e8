// The rule for objects of the library in a child after fork(): they are dead. A call answers
// FAILED_PRECONDITION, and destroying one touches nothing that the parent uses.
#ifndef VRAMD_CLIENT_SRC_FORK_CHECK_H_
#define VRAMD_CLIENT_SRC_FORK_CHECK_H_

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/bury.h"
#include "base/fork.h"
#include "base/status_macros.h"

namespace vramd {

inline absl::Status CheckBirth(const Birth& birth, absl::string_view what) {
  if (birth.is_here()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      what,
      " was created before fork() and belongs to the parent process; exec a program that "
      "connects by itself, or fork before the first vramd_client_create()"));
}

}  // namespace vramd

// In a function that returns absl::Status, for an argument that is an object of this library.
#define VRAMD_RETURN_IF_FORKED(object) \
  VRAMD_RETURN_IF_ERROR(::vramd::CheckBirth((object)->birth, #object))

#endif  // VRAMD_CLIENT_SRC_FORK_CHECK_H_
