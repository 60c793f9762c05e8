// Could this importer use this recipe? Pure; the words are for people.
#ifndef VRAMD_DAEMON_SHARE_CHECK_H_
#define VRAMD_DAEMON_SHARE_CHECK_H_

#include "absl/status/status.h"
#include "base/recipe.h"

namespace vramd {

// OK if it can. FAILED_PRECONDITION with the first reason why not.
absl::Status CheckShare(const Recipe& recipe, const ImporterDevice& importer);

}  // namespace vramd

#endif  // VRAMD_DAEMON_SHARE_CHECK_H_
