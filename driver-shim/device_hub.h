// DeviceHub: all GPUs of the daemon, opened in the background.
//
// Opening a GPU takes most of a second, so the daemon accepts connections first and asks the hub
// when a call needs a device. Thread-safe.
//
// Nothing in Vulkan tells when a device comes. A hub that is to wait for one therefore looks again
// after a pause, which doubles up to a limit.
#ifndef VRAMD_DRIVER_SHIM_DEVICE_HUB_H_
#define VRAMD_DRIVER_SHIM_DEVICE_HUB_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/environment.h"
#include "base/mutex.h"
#include "driver-shim/device.h"

namespace vramd {

enum class DeviceState { kOpening, kReady, kFailed, kLost };

struct DeviceStatus {
  DeviceState state = DeviceState::kOpening;
  std::string reason;  // words, where the state is kFailed or kLost
  DeviceInfo info;
  std::vector<HeapBudget> budget;  // by heap index, empty where the driver does not tell
};

struct DeviceHubOptions {
  bool keep_looking = false;  // until a device can be opened
  std::chrono::milliseconds first_pause{1000};
  std::chrono::milliseconds longest_pause{30000};
  // Called once, on the hub's thread, when no device could be opened and the hub does not keep
  // looking. Find() and failure() tell of it by then.
  std::function<void()> on_failure;
};

class DeviceHub {
 public:
  // Runs on the hub's own thread: once, or until it succeeds if the hub keeps looking. Devices come
  // in the order of preference.
  using Opener = std::function<absl::StatusOr<std::vector<std::shared_ptr<Device>>>()>;

  explicit DeviceHub(Opener open, DeviceHubOptions options = {});
  ~DeviceHub();  // waits for a running opener, not for the next one

  // The device that `selector` names: a device UUID, a LUID, an index, or a part of the name (case
  // is ignored); empty takes the first that is ready. Waits for the first run of the opener until
  // `deadline`. NOT_FOUND lists what there is. UNAVAILABLE if opening failed, so far or for good,
  // or the device is lost. INVALID_ARGUMENT if a part of a name fits several devices.
  // DEADLINE_EXCEEDED.
  absl::StatusOr<std::shared_ptr<Device>> Find(absl::string_view selector,
                                               Clock::time_point deadline);

  // What is known now; never waits. While there is no device: one entry that says why.
  std::vector<DeviceStatus> List() const;

  // Why there will never be a device. OK while there is one, or may yet be.
  absl::Status failure() const;

  // From now on Find() answers UNAVAILABLE for it. True the first time.
  bool MarkLost(const Device& device, absl::string_view reason);

 private:
  struct Entry {
    std::shared_ptr<Device> device;
    std::string lost_reason;  // empty while it works
  };

  void Run(const Opener& open);
  // True when there are devices.
  bool Take(absl::StatusOr<std::vector<std::shared_ptr<Device>>> devices);
  // False when the hub is being destroyed.
  bool Pause(std::chrono::milliseconds pause);
  absl::StatusOr<std::shared_ptr<Device>> Select(absl::string_view selector) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const DeviceHubOptions options_;
  mutable Mutex mutex_;
  Condition changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool looked_ ABSL_GUARDED_BY(mutex_) = false;  // the opener has run
  absl::Status open_status_ ABSL_GUARDED_BY(mutex_);
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::thread opener_;
};

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_DEVICE_HUB_H_
