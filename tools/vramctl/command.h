// What the command groups share: the global flags, connecting, and how results reach the user.
//
// Each group registers its commands with the parser and, when one is chosen, leaves its exit code
// in the context: 0 ok, 1 failed; main() adds 2 for a wrong command line. Results go to standard
// output, as text or, with --json, as JSON; errors go to standard error as one line.
#ifndef VRAMD_TOOLS_VRAMCTL_COMMAND_H_
#define VRAMD_TOOLS_VRAMCTL_COMMAND_H_

#include <cstdint>
#include <cstdio>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "vramd/client.h"

namespace CLI {
class App;
}  // namespace CLI

namespace vramctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

struct Context {
  std::string endpoint;  // empty: $VRAMD_ENDPOINT, then the default
  uint32_t timeout_ms = 5000;
  std::string trusted_user;
  bool json = false;
  int exit_code = kExitOk;
};

// Registered with `app`; each outlives the parsing, as `context` must.
void AddStatusCommands(CLI::App& app, Context& context);
void AddNameCommands(CLI::App& app, Context& context);
void AddDoctorCommand(CLI::App& app, Context& context);
void AddSnapshotCommand(CLI::App& app, Context& context);
void AddStreamCommands(CLI::App& app, Context& context);
void AddRecordCommand(CLI::App& app, Context& context);
void AddBenchCommand(CLI::App& app, Context& context);

vramd::Result<vramd::Client> Connect(const Context& context);

// Connects and runs `command` with the client. The exit code, with the error already told.
int WithClient(const Context& context, const std::function<vramd::Status(vramd::Client&)>& command);

// Tells the error, if it is one. The exit code.
int Finish(const vramd::Status& status);

// One JSON value on a line of its own; indented if `pretty`. Bytes that are not UTF-8 are replaced.
void PrintJson(const nlohmann::json& value, bool pretty = true, std::FILE* to = stdout);

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_COMMAND_H_
