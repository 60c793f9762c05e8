// For what a test cannot go on without: the value, or the message on standard error and exit
// code 1.
#ifndef VRAMD_TESTS_SUPPORT_OR_EXIT_H_
#define VRAMD_TESTS_SUPPORT_OR_EXIT_H_

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "vramd/result.h"

namespace vramd {

template <typename T>
T OrExit(Result<T> result) {
  if (result.ok()) return *std::move(result);
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  std::exit(1);
}

}  // namespace vramd

#endif  // VRAMD_TESTS_SUPPORT_OR_EXIT_H_
