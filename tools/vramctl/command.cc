#include "tools/vramctl/command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "tools/vramctl/text.h"

namespace vramctl {

vramd::Result<vramd::Client> Connect(const Context& context) {
  vramd::ConnectInfo info;
  info.timeout_ns = uint64_t{context.timeout_ms} * 1000000;
  if (!context.endpoint.empty()) info.endpoint = context.endpoint.c_str();
  if (!context.trusted_user.empty()) info.trusted_user = context.trusted_user.c_str();
  return vramd::Client::Connect(info);
}

int WithClient(const Context& context,
               const std::function<vramd::Status(vramd::Client&)>& command) {
  vramd::Result<vramd::Client> client = Connect(context);
  return Finish(client.ok() ? command(*client) : client.status());
}

int Finish(const vramd::Status& status) {
  if (status.ok()) return kExitOk;
  std::fprintf(stderr, "vramctl: %s\n", Printable(status.ToString()).c_str());
  return kExitFailed;
}

void PrintJson(const nlohmann::json& value, bool pretty, std::FILE* to) {
  const std::string text =
      value.dump(pretty ? 2 : -1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::fprintf(to, "%s\n", text.c_str());
  std::fflush(to);
}

}  // namespace vramctl
