// Device: the daemon's whole view of one GPU.
//
// Two implementations: VulkanDevice (the real one, on volk device tables) and NullDevice (sections
// without a GPU, for unit tests and fuzzers). A wrapper over this interface injects faults in
// tests.
//
// Thread-safety: every member may be called from several threads at once. DeviceMemory and
// DeviceTimeline are owned by one caller, may be destroyed on any thread, and must not outlive
// their Device.
#ifndef VRAMD_DRIVER_SHIM_DEVICE_H_
#define VRAMD_DRIVER_SHIM_DEVICE_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/os_handle.h"
#include "base/recipe.h"

namespace vramd {

// What the broker asks of a device. Exactly one of buffer, image and raw is meant, by `kind`.
struct AllocationRequest {
  ResourceKind kind = ResourceKind::kUnknown;
  BufferInfo buffer;
  ImageInfo image;
  uint64_t raw_size = 0;          // bytes
  uint32_t memory_types = 0;      // allowed memory type bits, 0 allows all
  MemoryIntent intent = MemoryIntent::kDeviceLocal;
  HandleType handle_type = HandleType::kUnknown;  // kUnknown: the first exporter that can
  bool dedicated = false;
};

// One exportable VkDeviceMemory. The destructor frees it in the driver; memory that another process
// has imported lives on there.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;

  // Whole, as an importer needs it.
  virtual const Recipe& recipe() const = 0;

  // A handle of recipe().handle_type, new for every call and owned by the caller.
  // RESOURCE_EXHAUSTED when the process is out of handles.
  virtual absl::StatusOr<OsHandle> Export() = 0;

 protected:
  DeviceMemory() = default;
};

// One timeline semaphore that other processes can import. What they have imported lives on after
// it.
class DeviceTimeline {
 public:
  virtual ~DeviceTimeline() = default;
  DeviceTimeline(const DeviceTimeline&) = delete;
  DeviceTimeline& operator=(const DeviceTimeline&) = delete;

  // A handle owned by the caller: an opaque fd, or an opaque NT handle.
  virtual absl::StatusOr<OsHandle> Export() = 0;

  virtual absl::StatusOr<uint64_t> Value() = 0;
  // From the host, at once. `value` must be greater than what it has, by max_difference() at most.
  virtual absl::Status Signal(uint64_t value) = 0;
  virtual uint64_t max_difference() const = 0;

 protected:
  DeviceTimeline() = default;
};

// Signals a value beyond all that anybody waits for, because who would have signalled it is gone.
absl::Status ReleaseWaiters(DeviceTimeline& timeline);

struct HeapBudget {
  uint64_t budget = 0;  // bytes this process may use now
  uint64_t usage = 0;   // bytes it uses now
};

class Device {
 public:
  virtual ~Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  virtual const DeviceInfo& info() const = 0;

  // By heap index. Empty where the driver does not tell (VK_EXT_memory_budget is missing).
  virtual std::vector<HeapBudget> Budget() const = 0;

  // How many bytes the request would take, without allocating: what a quota is asked for.
  // INVALID_ARGUMENT for a zero size, an unknown format or a limit exceeded; FAILED_PRECONDITION
  // for what this device or handle type cannot do.
  virtual absl::StatusOr<uint64_t> SizeOf(const AllocationRequest& request) const = 0;

  // The same errors, and RESOURCE_EXHAUSTED when the GPU is full, UNAVAILABLE when it is lost.
  virtual absl::StatusOr<std::unique_ptr<DeviceMemory>> Allocate(
      const AllocationRequest& request) = 0;

  // With value 0. FAILED_PRECONDITION, with the reason, where info().timelines says no.
  virtual absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateTimeline() = 0;

 protected:
  Device() = default;
};

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_DEVICE_H_
