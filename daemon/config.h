// The configuration: vramd.toml, then flags on top of it. deploy/vramd.toml is the commented
// sample.
#ifndef VRAMD_DAEMON_CONFIG_H_
#define VRAMD_DAEMON_CONFIG_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/log.h"
#include "base/recipe.h"
#include "daemon/broker.h"
#include "daemon/policy.h"

namespace vramd {

struct Config {
  std::string endpoint;      // empty: the default
  std::string access_group;  // may connect, besides the broker's own user
  std::vector<std::string> devices;
  bool wait_for_device = false;  // instead of ending when none can be opened
  std::optional<HandleType> exporter;
  bool null_device = false;
  log::Level log_level = log::Level::kInfo;
  std::string log_file;
  std::chrono::milliseconds drain_timeout{2000};
  BrokerLimits limits;
  Policy policy;  // always lets in the broker's own user and the administrator
};

// Reads `path`. INVALID_ARGUMENT names the file, the line and the key: an unknown key, a wrong type
// and a user that does not exist are errors, so that a typing mistake cannot open a door.
absl::StatusOr<Config> LoadConfig(const std::string& path);

// What holds without a file.
Config DefaultConfig();

// `group` may connect; the door lets its members reach the socket, and this the session.
absl::Status AllowGroup(const std::string& group, Policy* policy);

absl::StatusOr<log::Level> ParseLogLevel(const std::string& text);

}  // namespace vramd

#endif  // VRAMD_DAEMON_CONFIG_H_
