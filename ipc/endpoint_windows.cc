#include "ipc/endpoint.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/wide_windows.h"
#include "ipc/peer_identity.h"

namespace vramd {
namespace {

constexpr absl::string_view kPrefix = R"(\\.\pipe\)";
constexpr absl::string_view kSystemEndpoint = R"(\\.\pipe\vramd)";
constexpr absl::string_view kSystemSid = "S-1-5-18";
constexpr size_t kLimit = 256;  // of a pipe's whole name, in characters

// Only this machine's pipes: \\host\pipe\name would carry our greeting over the network.
absl::Status CheckName(absl::string_view name) {
  if (!absl::StartsWithIgnoreCase(name, kPrefix) || name.size() == kPrefix.size() ||
      absl::StrContains(name.substr(kPrefix.size()), '\\'))
    return absl::InvalidArgumentError(absl::StrCat("endpoint \"", name, "\" is not of the form ",
                                                   kPrefix, "NAME, a pipe of this machine"));
  if (name.size() > kLimit)
    return absl::InvalidArgumentError(absl::StrCat("endpoint ", name, " has ", name.size(),
                                                   " bytes; a pipe's name may have ", kLimit));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ClientEndpoints(absl::string_view configured) {
  std::vector<std::string> endpoints;
  const std::string from_environment = EnvironmentVariable(L"VRAMD_ENDPOINT");
  if (!configured.empty()) {
    endpoints.emplace_back(configured);
  } else if (!from_environment.empty()) {
    endpoints.push_back(from_environment);
  } else {
    const std::string user = OwnUserId();
    if (user != kSystemSid) endpoints.push_back(absl::StrCat(kSystemEndpoint, "-", user));
    endpoints.emplace_back(kSystemEndpoint);
  }
  for (const std::string& endpoint : endpoints)
    if (absl::Status status = CheckName(endpoint); !status.ok()) return status;
  return endpoints;
}

absl::StatusOr<std::string> ServerEndpoint(absl::string_view configured) {
  auto endpoints = ClientEndpoints(configured);
  if (!endpoints.ok()) return endpoints.status();
  return endpoints->front();
}

}  // namespace vramd
