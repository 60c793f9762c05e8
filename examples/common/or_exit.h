// What the examples do about an error: say it, and end. A program of yours may have better ideas.
#ifndef EXAMPLES_COMMON_OR_EXIT_H_
#define EXAMPLES_COMMON_OR_EXIT_H_

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "vramd/result.h"

namespace example {

inline void OrExit(const vramd::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

template <typename T>
T OrExit(vramd::Result<T> result) {
  OrExit(result.status());
  return *std::move(result);
}

}  // namespace example

#endif  // EXAMPLES_COMMON_OR_EXIT_H_
