// The list of devices is written once, by the hub's thread, and only `lost_reason` changes
// afterwards. Driver calls (Budget) are made outside the lock: a driver that hangs must not hang
// everybody who asks for another device.
#include "driver-shim/device_hub.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "driver-shim/device_selector.h"

namespace vramd {
namespace {

absl::Status LostError(const Device& device, absl::string_view reason) {
  return absl::UnavailableError(absl::StrCat("device ", device.info().index, " (",
                                             device.info().name, ") is lost: ", reason,
                                             "; choose another device or restart the broker"));
}

DeviceStatus StatusOf(const Device& device, const std::string& lost_reason) {
  DeviceStatus status;
  status.state = lost_reason.empty() ? DeviceState::kReady : DeviceState::kLost;
  status.reason = lost_reason;
  status.info = device.info();
  if (lost_reason.empty()) status.budget = device.Budget();
  return status;
}

void LogOpened(const absl::StatusOr<std::vector<std::shared_ptr<Device>>>& devices) {
  if (!devices.ok()) {
    log::Error("devices_failed", {{"reason", devices.status().message()}});
    return;
  }
  for (const std::shared_ptr<Device>& device : *devices)
    log::Info("device_ready", {{"index", device->info().index},
                               {"name", device->info().name},
                               {"driver", device->info().driver_name},
                               {"version", device->info().driver_version}});
}

}  // namespace

DeviceHub::DeviceHub(Opener open, DeviceHubOptions options)
    : options_(std::move(options)), opener_([this, open = std::move(open)] { Run(open); }) {}

DeviceHub::~DeviceHub() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  opener_.join();
}

void DeviceHub::Run(const Opener& open) {
  std::chrono::milliseconds pause = options_.first_pause;
  while (!Take(open())) {
    if (!options_.keep_looking) {
      if (options_.on_failure) options_.on_failure();
      return;
    }
    if (!Pause(pause)) return;
    pause = std::min(2 * pause, options_.longest_pause);
  }
}

bool DeviceHub::Take(absl::StatusOr<std::vector<std::shared_ptr<Device>>> devices) {
  if (devices.ok() && devices->empty())
    devices = absl::UnavailableError("there is no device that can share memory");
  MutexLock lock(mutex_);
  // A hub that keeps looking would fill the log with the same words.
  if (!looked_ || devices.status() != open_status_) LogOpened(devices);
  looked_ = true;
  open_status_ = devices.status();
  if (devices.ok())
    for (std::shared_ptr<Device>& device : *devices) entries_.push_back({std::move(device), ""});
  changed_.NotifyAll();
  return open_status_.ok();
}

bool DeviceHub::Pause(std::chrono::milliseconds pause) {
  const Clock::time_point until = Clock::now() + pause;
  MutexLock lock(mutex_);
  while (!stopping_)
    if (!changed_.WaitUntil(mutex_, until)) return !stopping_;
  return false;
}

absl::StatusOr<std::shared_ptr<Device>> DeviceHub::Find(absl::string_view selector,
                                                        Clock::time_point deadline) {
  MutexLock lock(mutex_);
  bool in_time = true;
  while (!looked_ && in_time) in_time = changed_.WaitUntil(mutex_, deadline);
  if (!looked_)
    return absl::DeadlineExceededError("the devices are still opening; try again with more time");
  if (!open_status_.ok())
    return absl::UnavailableError(
        absl::StrCat("no device could be opened: ", open_status_.message(),
                     options_.keep_looking ? "; the broker keeps looking: try again later" : ""));
  return Select(selector);
}

absl::StatusOr<std::shared_ptr<Device>> DeviceHub::Select(absl::string_view selector) const {
  if (selector.empty()) {
    for (const Entry& entry : entries_)
      if (entry.lost_reason.empty()) return entry.device;
    return LostError(*entries_.front().device, entries_.front().lost_reason);
  }
  std::vector<const DeviceInfo*> infos;
  for (const Entry& entry : entries_) infos.push_back(&entry.device->info());
  const absl::StatusOr<size_t> position = SelectDevice(selector, infos);
  if (!position.ok()) return position.status();
  const Entry& entry = entries_[*position];
  if (!entry.lost_reason.empty()) return LostError(*entry.device, entry.lost_reason);
  return entry.device;
}

std::vector<DeviceStatus> DeviceHub::List() const {
  std::vector<Entry> entries;
  {
    MutexLock lock(mutex_);
    if (!looked_) return {DeviceStatus{DeviceState::kOpening, "the devices are opening", {}, {}}};
    if (!open_status_.ok())
      return {DeviceStatus{options_.keep_looking ? DeviceState::kOpening : DeviceState::kFailed,
                           std::string(open_status_.message()),
                           {},
                           {}}};
    entries = entries_;
  }
  std::vector<DeviceStatus> list;
  for (const Entry& entry : entries) list.push_back(StatusOf(*entry.device, entry.lost_reason));
  return list;
}

absl::Status DeviceHub::failure() const {
  MutexLock lock(mutex_);
  return options_.keep_looking ? absl::OkStatus() : open_status_;
}

bool DeviceHub::MarkLost(const Device& device, absl::string_view reason) {
  MutexLock lock(mutex_);
  for (Entry& entry : entries_) {
    if (entry.device.get() != &device || !entry.lost_reason.empty()) continue;
    entry.lost_reason = reason.empty() ? "the driver gave no reason" : std::string(reason);
    return true;
  }
  return false;
}

}  // namespace vramd
