// vramctl: looks at a broker, and at what this machine can do, from the command line. Built on the
// public client interface alone, as any application would be.
#include <CLI/CLI.hpp>
#include <string>

#include "tools/vramctl/command.h"
#include "tools/vramctl/text.h"

namespace {

std::string VersionText() {
  const uint32_t library = vramd_version();
  return "vramctl " VRAMCTL_VERSION " (client library " + std::to_string(library >> 16) + "." +
         std::to_string((library >> 8) & 0xff) + "." + std::to_string(library & 0xff) + ")";
}

void AddGlobalFlags(CLI::App& app, vramctl::Context& context) {
  app.add_option("--endpoint", context.endpoint,
                 "Path of the broker's socket or pipe (default: $VRAMD_ENDPOINT, then the user's)");
  app.add_option("--timeout", context.timeout_ms, "For connecting and for each call, milliseconds")
      ->check(CLI::Range(1, 3600000))
      ->capture_default_str();
  app.add_option("--trust-user", context.trusted_user,
                 "A user, besides you and root, who may run the broker");
  app.add_flag("--json", context.json, "Print JSON");
  app.set_version_flag("--version", VersionText);
}

}  // namespace

int main(int argc, char** argv) {
  vramctl::Context context;
  CLI::App app("Looks at a vramd broker and at what this machine can share.", "vramctl");
  app.fallthrough();  // global flags may follow the command
  app.require_subcommand(1);
  AddGlobalFlags(app, context);
  vramctl::AddStatusCommands(app, context);
  vramctl::AddNameCommands(app, context);
  vramctl::AddDoctorCommand(app, context);
  vramctl::AddSnapshotCommand(app, context);
  vramctl::AddStreamCommands(app, context);
  vramctl::AddRecordCommand(app, context);
  vramctl::AddBenchCommand(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? vramctl::kExitOk : vramctl::kExitUsage;
  }
  return context.exit_code;
}
