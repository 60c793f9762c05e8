#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "ipc/endpoint.h"

namespace vramd {
namespace {

constexpr absl::string_view kSystemEndpoint = "/run/vramd/vramd.sock";

absl::Status CheckPath(absl::string_view path) {
  constexpr size_t kLimit = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path[0] != '/')
    return absl::InvalidArgumentError(
        absl::StrCat("endpoint \"", path, "\" is not an absolute path"));
  if (path.size() > kLimit)
    return absl::InvalidArgumentError(absl::StrCat("endpoint ", path, " has ", path.size(),
                                                   " bytes; a socket's path may have ", kLimit));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ClientEndpoints(absl::string_view configured) {
  std::vector<std::string> endpoints;
  const char* from_environment = std::getenv("VRAMD_ENDPOINT");
  const char* runtime_directory = std::getenv("XDG_RUNTIME_DIR");
  if (!configured.empty()) {
    endpoints.emplace_back(configured);
  } else if (from_environment != nullptr && *from_environment != '\0') {
    endpoints.emplace_back(from_environment);
  } else {
    if (runtime_directory != nullptr && *runtime_directory != '\0')
      endpoints.push_back(absl::StrCat(runtime_directory, "/vramd/vramd.sock"));
    endpoints.emplace_back(kSystemEndpoint);
  }
  for (const std::string& endpoint : endpoints)
    if (absl::Status status = CheckPath(endpoint); !status.ok()) return status;
  return endpoints;
}

absl::StatusOr<std::string> ServerEndpoint(absl::string_view configured) {
  auto endpoints = ClientEndpoints(configured);
  if (!endpoints.ok()) return endpoints.status();
  return endpoints->front();
}

}  // namespace vramd
