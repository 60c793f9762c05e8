// What a lease is made of, by the bare means of the system. One source per system.
#ifndef VRAMD_TESTS_BENCH_LEASE_FLOOR_H_
#define VRAMD_TESTS_BENCH_LEASE_FLOOR_H_

#include <volk.h>

#include <memory>
#include <optional>
#include <string>

#include "base/os_handle.h"
#include "common/gpu.h"

namespace vramd {

// "Linux 6.18".
std::string SystemName();

// The handle type of the driver's own that is measured here, and the words for the bare round trip.
vramd_handle_type MeasuredHandleType();
const char* RoundTripName();

// A process that takes a handle, closes it, and sends one byte back: over a socket with
// SCM_RIGHTS, or by DuplicateHandle and a pipe.
class HandleEcho {
 public:
  HandleEcho();  // before any thread is started: it may fork
  ~HandleEcho();
  void RoundTrip(const OsHandle& handle);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The echo's part of a program that is started for it; its exit code.
std::optional<int> RunEchoRole(int argc, char** argv);

// Exportable memory straight from the driver, of the type that the broker's recipe names.
class RawMemory {
 public:
  RawMemory(example::Gpu& gpu, const Recipe& recipe) : device_(gpu.device()), recipe_(recipe) {}
  OsHandle Allocate();
  void Free(OsHandle handle) {
    handle.Reset();
    vkFreeMemory(device_, memory_, nullptr);
  }

 private:
  VkDevice device_;
  Recipe recipe_;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_BENCH_LEASE_FLOOR_H_
