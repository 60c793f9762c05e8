// With exceptions, which end in ParseFile(): without them this parser goes on after some errors.
// Some of its assertions are about the file and not about itself ("[=]" breaks one), and what they
// guard is checked once more behind them.
#define TOML_ASSERT(expr) static_assert(true)
#define TOML_EXCEPTIONS 1
#define TOML_HEADER_ONLY 1
#include "daemon/config.h"

#include <algorithm>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "ipc/peer_identity.h"
#include "toml++/toml.h"

namespace vramd {
namespace {

constexpr uint64_t kLongestMilliseconds = 86'400'000;

// A table of the file and where it stands, for messages.
class Section {
 public:
  Section(const toml::table& table, std::string path) : table_(table), path_(std::move(path)) {}

  // Refuses keys that nobody reads.
  absl::Status AllowKeys(std::initializer_list<absl::string_view> known) const {
    for (const auto& [key, value] : table_) {
      bool found = false;
      for (const absl::string_view name : known)
        found |= absl::string_view(key.str().data(), key.str().size()) == name;
      if (!found) return Error(value, absl::StrCat("unknown key \"", std::string(key.str()), "\""));
    }
    return absl::OkStatus();
  }

  template <typename T>
  absl::Status Read(const char* key, T* out) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return absl::OkStatus();
    const auto value = node->value_exact<T>();
    if (!value) return Error(*node, absl::StrCat(key, " has the wrong type"));
    *out = *value;
    return absl::OkStatus();
  }

  absl::Status ReadCount(const char* key, uint64_t* out) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return absl::OkStatus();
    int64_t value = 0;
    VRAMD_RETURN_IF_ERROR(Read(key, &value));
    if (value < 1) return Error(*node, absl::StrCat(key, " must be at least 1"));
    *out = static_cast<uint64_t>(value);
    return absl::OkStatus();
  }

  absl::Status ReadMilliseconds(const char* key, std::chrono::milliseconds* out) const {
    auto value = static_cast<uint64_t>(out->count());
    VRAMD_RETURN_IF_ERROR(ReadCount(key, &value));
    if (value > kLongestMilliseconds)
      return Error(*table_.get(key),
                   absl::StrCat(key, " must be at most ", kLongestMilliseconds, ", a day"));
    *out = std::chrono::milliseconds(value);
    return absl::OkStatus();
  }

  // Calls `take` for each text of the list. Its error gets the place of that text.
  template <typename Take>
  absl::Status ReadList(const char* key, Take take) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return absl::OkStatus();
    const toml::array* array = node->as_array();
    if (array == nullptr) return Error(*node, absl::StrCat(key, " must be a list of strings"));
    for (const toml::node& element : *array) {
      const auto text = element.value_exact<std::string>();
      if (!text) return Error(element, absl::StrCat(key, " must be a list of strings"));
      if (absl::Status taken = take(*text); !taken.ok()) return Error(element, taken.message());
    }
    return absl::OkStatus();
  }

  // An empty section where the file has none.
  absl::StatusOr<Section> Child(const char* key) const {
    static const toml::table kEmpty;
    const toml::node* node = table_.get(key);
    if (node == nullptr) return Section(kEmpty, path_);
    if (!node->is_table()) return Error(*node, absl::StrCat(key, " must be a table"));
    return Section(*node->as_table(), path_);
  }

  absl::Status Error(const toml::node& node, absl::string_view what) const {
    return absl::InvalidArgumentError(
        absl::StrCat(path_, ":", node.source().begin.line, ": ", what));
  }

  const toml::table& table() const { return table_; }
  const std::string& path() const { return path_; }

 private:
  const toml::table& table_;
  std::string path_;
};

// "alice", "1000", "@video", "*".
absl::StatusOr<Subject> ParseSubject(const std::string& text) {
  if (text == "*") return Subject{Subject::Kind::kEveryone, ""};
  if (text.empty()) return absl::InvalidArgumentError("a user or @group is missing");
  if (text[0] == '@') {
    VRAMD_ASSIGN_OR_RETURN(std::string id, ResolveGroup(text.substr(1)));
    return Subject{Subject::Kind::kGroup, std::move(id)};
  }
  VRAMD_ASSIGN_OR_RETURN(std::string id, ResolveUser(text));
  return Subject{Subject::Kind::kUser, std::move(id)};
}

absl::Status ReadOpenRules(const Section& policy, Policy* out) {
  const toml::node* node = policy.table().get("open");
  if (node == nullptr) return absl::OkStatus();
  if (!node->is_array_of_tables())
    return policy.Error(*node, "open must be written as [[policy.open]] tables");
  for (const toml::node& element : *node->as_array()) {
    const Section rule(*element.as_table(), policy.path());
    std::string who, names;
    VRAMD_RETURN_IF_ERROR(rule.AllowKeys({"who", "names"}));
    VRAMD_RETURN_IF_ERROR(rule.Read("who", &who));
    VRAMD_RETURN_IF_ERROR(rule.Read("names", &names));
    auto subject = ParseSubject(who);
    if (!subject.ok()) return rule.Error(element, subject.status().message());
    if (names.empty()) return rule.Error(element, "names is missing, such as \"alice/obs/*\"");
    // A rule that can never match was meant to match something.
    if (std::count(names.begin(), names.end(), '/') != 2)
      return rule.Error(element, absl::StrCat("names \"", names,
                                              "\" fits no name: write user/application/label"));
    out->may_open.push_back({*std::move(subject), std::move(names)});
  }
  return absl::OkStatus();
}

absl::Status ReadPolicy(const Section& root, Policy* out) {
  VRAMD_ASSIGN_OR_RETURN(const Section policy, root.Child("policy"));
  VRAMD_RETURN_IF_ERROR(policy.AllowKeys({"connect", "open"}));
  VRAMD_RETURN_IF_ERROR(policy.ReadList("connect", [out](const std::string& text) -> absl::Status {
    VRAMD_ASSIGN_OR_RETURN(Subject subject, ParseSubject(text));
    out->may_connect.push_back(std::move(subject));
    return absl::OkStatus();
  }));
  return ReadOpenRules(policy, out);
}

absl::Status ReadQuota(const Section& quota, const char* holder, QuotaLimits* out) {
  VRAMD_ASSIGN_OR_RETURN(const Section limits, quota.Child(holder));
  const bool has_sessions = out->sessions != 0;
  VRAMD_RETURN_IF_ERROR(
      has_sessions ? limits.AllowKeys(
                         {"bytes", "allocations", "handles", "streams", "consumers", "sessions"})
                   : limits.AllowKeys({"bytes", "allocations", "handles", "streams", "consumers"}));
  VRAMD_RETURN_IF_ERROR(limits.ReadCount("bytes", &out->bytes));
  VRAMD_RETURN_IF_ERROR(limits.ReadCount("allocations", &out->allocations));
  VRAMD_RETURN_IF_ERROR(limits.ReadCount("handles", &out->handles));
  VRAMD_RETURN_IF_ERROR(limits.ReadCount("streams", &out->streams));
  VRAMD_RETURN_IF_ERROR(limits.ReadCount("consumers", &out->consumers));
  if (has_sessions) VRAMD_RETURN_IF_ERROR(limits.ReadCount("sessions", &out->sessions));
  return absl::OkStatus();
}

absl::Status ReadBroker(const Section& root, Config* out) {
  VRAMD_ASSIGN_OR_RETURN(const Section broker, root.Child("broker"));
  VRAMD_RETURN_IF_ERROR(broker.AllowKeys({"endpoint", "access_group", "devices", "wait_for_device",
                                          "exporter", "log_level", "log_file", "drain_timeout_ms",
                                          "device_wait_ms", "max_sessions"}));
  std::string exporter, level = "info";
  VRAMD_RETURN_IF_ERROR(broker.Read("endpoint", &out->endpoint));
  VRAMD_RETURN_IF_ERROR(broker.Read("access_group", &out->access_group));
  VRAMD_RETURN_IF_ERROR(broker.ReadList("devices", [out](const std::string& text) {
    out->devices.push_back(text);
    return absl::OkStatus();
  }));
  VRAMD_RETURN_IF_ERROR(broker.Read("wait_for_device", &out->wait_for_device));
  VRAMD_RETURN_IF_ERROR(broker.Read("exporter", &exporter));
  VRAMD_RETURN_IF_ERROR(broker.Read("log_level", &level));
  VRAMD_RETURN_IF_ERROR(broker.Read("log_file", &out->log_file));
  VRAMD_RETURN_IF_ERROR(broker.ReadMilliseconds("drain_timeout_ms", &out->drain_timeout));
  VRAMD_RETURN_IF_ERROR(broker.ReadMilliseconds("device_wait_ms", &out->limits.device_wait));
  VRAMD_RETURN_IF_ERROR(broker.ReadCount("max_sessions", &out->limits.sessions));
  if (!exporter.empty()) {
    out->exporter = HandleTypeFromString(exporter);
    if (!out->exporter)
      return broker.Error(*broker.table().get("exporter"),
                          absl::StrCat("no exporter is called \"", exporter, "\""));
  }
  auto parsed = ParseLogLevel(level);
  if (!parsed.ok())
    return broker.Error(*broker.table().get("log_level"), parsed.status().message());
  out->log_level = *parsed;
  return absl::OkStatus();
}

absl::StatusOr<toml::table> ParseFile(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ":", error.source().begin.line, ": ", std::string(error.description())));
  }
}

}  // namespace

Config DefaultConfig() {
  Config config;
  config.policy.broker_user_id = OwnUserId();
  config.policy.may_connect = {{Subject::Kind::kUser, OwnUserId()},
                               {Subject::Kind::kAdministrator, ""}};
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path) {
  VRAMD_ASSIGN_OR_RETURN(const toml::table file, ParseFile(path));
  Config config = DefaultConfig();
  const Section root(file, path);
  VRAMD_RETURN_IF_ERROR(root.AllowKeys({"broker", "quota", "policy"}));
  VRAMD_RETURN_IF_ERROR(ReadBroker(root, &config));
  VRAMD_ASSIGN_OR_RETURN(const Section quota, root.Child("quota"));
  VRAMD_RETURN_IF_ERROR(quota.AllowKeys({"session", "user"}));
  VRAMD_RETURN_IF_ERROR(ReadQuota(quota, "session", &config.limits.session));
  VRAMD_RETURN_IF_ERROR(ReadQuota(quota, "user", &config.limits.user));
  VRAMD_RETURN_IF_ERROR(ReadPolicy(root, &config.policy));
  return config;
}

absl::Status AllowGroup(const std::string& group, Policy* policy) {
  VRAMD_ASSIGN_OR_RETURN(std::string id, ResolveGroup(group));
  policy->may_connect.push_back({Subject::Kind::kGroup, std::move(id)});
  return absl::OkStatus();
}

absl::StatusOr<log::Level> ParseLogLevel(const std::string& text) {
  if (text == "debug") return log::Level::kDebug;
  if (text == "info") return log::Level::kInfo;
  if (text == "warning") return log::Level::kWarning;
  if (text == "error") return log::Level::kError;
  return absl::InvalidArgumentError(
      absl::StrCat("log level \"", text, "\" is unknown; use debug, info, warning or error"));
}

}  // namespace vramd
