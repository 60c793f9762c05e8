// Early return on error, for functions that return absl::Status or absl::StatusOr.
#ifndef VRAMD_BASE_STATUS_MACROS_H_
#define VRAMD_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"

#define VRAMD_CONCAT_INNER_(a, b) a##b
#define VRAMD_CONCAT_(a, b) VRAMD_CONCAT_INNER_(a, b)

#define VRAMD_RETURN_IF_ERROR(expression)                                   \
  do {                                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) return status_; \
  } while (false)

// VRAMD_ASSIGN_OR_RETURN(auto value, MakeValue());
#define VRAMD_ASSIGN_OR_RETURN(declaration, expression) \
  VRAMD_ASSIGN_OR_RETURN_(VRAMD_CONCAT_(result_, __LINE__), declaration, expression)
#define VRAMD_ASSIGN_OR_RETURN_(result, declaration, expression) \
  auto result = (expression);                                    \
  if (!result.ok()) return std::move(result).status();           \
  declaration = *std::move(result)

#endif  // VRAMD_BASE_STATUS_MACROS_H_
