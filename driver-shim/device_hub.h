// DeviceHub: all GPUs of the daemon, opened in the background.
//
// Opening a GPU takes most of a second, so the daemon accepts connections first and asks the hub
// when a call needs a device. Thread-safe.
#ifndef VRAMD_DRIVER_SHIM_DEVICE_HUB_H_
#define VRAMD_DRIVER_SHIM_DEVICE_HUB_H_

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

class DeviceHub {
 public:
  // Runs once, on the hub's own thread. Devices come in the order of preference.
  using Opener = std::function<absl::StatusOr<std::vector<std::shared_ptr<Device>>>()>;

  explicit DeviceHub(Opener open);
  ~DeviceHub();  // waits for the opener

  // The device that `selector` names: a device UUID, a LUID, an index, or a part of the name (case
  // is ignored); empty takes the first that is ready. Waits for the opener until `deadline`.
  // NOT_FOUND lists what there is. UNAVAILABLE if opening failed, or the device is lost.
  // INVALID_ARGUMENT if a part of a name fits several devices. DEADLINE_EXCEEDED.
  absl::StatusOr<std::shared_ptr<Device>> Find(absl::string_view selector,
                                               Clock::time_point deadline);

  // What is known now; never waits. While the opener runs: one entry that says so.
  std::vector<DeviceStatus> List() const;

  // From now on Find() answers UNAVAILABLE for it. True the first time.
  bool MarkLost(const Device& device, absl::string_view reason);

 private:
  struct Entry {
    std::shared_ptr<Device> device;
    std::string lost_reason;  // empty while it works
  };

  absl::StatusOr<std::shared_ptr<Device>> Select(absl::string_view selector) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  Condition opened_changed_;
  bool opened_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status open_status_ ABSL_GUARDED_BY(mutex_);
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::thread opener_;
};

}  // namespace vramd

#endif  // VRAMD_DRIVER_SHIM_DEVICE_HUB_H_
