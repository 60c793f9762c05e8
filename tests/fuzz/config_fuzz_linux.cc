// The configuration file, read as the daemon reads it: from a file, which here is in memory.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/os_handle.h"
#include "daemon/config.h"
#include "tests/fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const vramd::OsHandle file(memfd_create("vramd.toml", MFD_CLOEXEC));
  VRAMD_FUZZ_CHECK(write(file.get(), data, size) == static_cast<ssize_t>(size));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  const auto config = vramd::LoadConfig(path);
  if (!config.ok()) {
    VRAMD_FUZZ_CHECK(config.status().message().substr(0, path.size() + 1) == path + ":");
    return 0;
  }
  // No file can lock the broker's own user out, nor turn a limit off.
  VRAMD_FUZZ_CHECK(config->policy.may_connect.size() >= 2);
  VRAMD_FUZZ_CHECK(config->limits.session.bytes > 0 && config->limits.user.sessions > 0);
  return 0;
}
