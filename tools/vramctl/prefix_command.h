// A command that takes the beginning of names: list, watch, streams, top.
#ifndef VRAMD_TOOLS_VRAMCTL_PREFIX_COMMAND_H_
#define VRAMD_TOOLS_VRAMCTL_PREFIX_COMMAND_H_

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "tools/vramctl/command.h"

namespace vramctl {

// `Options` has a `prefix`. `command` runs with a client, the options and whether JSON is wanted.
template <typename Options>
CLI::App* AddPrefixCommand(CLI::App& app, Context& context, const std::string& name,
                           const std::string& what,
                           vramd::Status (*command)(vramd::Client&, const Options&, bool),
                           const std::shared_ptr<Options>& options) {
  CLI::App* sub = app.add_subcommand(name, what);
  sub->add_option("PREFIX", options->prefix, "Only names that begin with it: user/application/...");
  sub->callback([&context, command, options] {
    context.exit_code = WithClient(
        context, [&](vramd::Client& client) { return command(client, *options, context.json); });
  });
  return sub;
}

}  // namespace vramctl

#endif  // VRAMD_TOOLS_VRAMCTL_PREFIX_COMMAND_H_
