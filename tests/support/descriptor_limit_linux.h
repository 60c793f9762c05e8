// Takes descriptors away from this process for a while.
#ifndef VRAMD_TESTS_SUPPORT_DESCRIPTOR_LIMIT_LINUX_H_
#define VRAMD_TESTS_SUPPORT_DESCRIPTOR_LIMIT_LINUX_H_

#include <sys/resource.h>
#include <unistd.h>

#include "base/os_handle.h"

namespace vramd {

// As long as it lives, no descriptor gets the number `most` or a higher one.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(int most) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit now = {static_cast<rlim_t>(most), before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &now);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }

  // The number that the next descriptor gets: as a limit, it leaves room for none.
  static int Next() {
    const OsHandle next(dup(0));
    return next.get();
  }

 private:
  rlimit before_{};
};

}  // namespace vramd

#endif  // VRAMD_TESTS_SUPPORT_DESCRIPTOR_LIMIT_LINUX_H_
