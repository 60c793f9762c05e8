// vramctl list, vramctl watch: the published names, once or as they change.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/vramctl/json.h"
#include "tools/vramctl/prefix_command.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

struct NameOptions {
  std::string prefix;
  uint64_t count = 0;  // events to print, 0: no end
};

void PrintNames(const std::vector<vramd::Published>& names) {
  Table table({"NAME", "WHAT", "HANDLE", "LEASES", "PROCESS", "LABEL"});
  for (const vramd::Published& item : names) {
    table.AddRow({Printable(item.name), FormatRecipe(item.recipe), Name(item.recipe.handle_type),
                  std::to_string(item.lease_count), FormatProcess(item.process_id, item.executable),
                  Printable(item.label)});
  }
  std::printf("%s", table.ToString().c_str());
}

vramd::Status List(vramd::Client& client, const NameOptions& options, bool as_json) {
  const auto names = client.List(options.prefix);
  if (!names.ok()) return names.status();
  if (as_json) {
    nlohmann::json array = nlohmann::json::array();
    for (const vramd::Published& item : *names) array.push_back(ToJson(item));
    PrintJson(array);
  } else if (names->empty()) {
    std::fprintf(stderr, "nothing is published that you may open\n");
  } else {
    PrintNames(*names);
  }
  return {};
}

void PrintEvent(const vramd_event& event) {
  std::printf("%-12s", Name(event.kind));
  if (event.name[0] != '\0') std::printf(" %s", Printable(event.name).c_str());
  if (event.allocation_id != 0)
    std::printf(" (allocation %llu)", static_cast<unsigned long long>(event.allocation_id));
  if (event.reason[0] != '\0') std::printf(" %s", Printable(event.reason).c_str());
  std::printf("\n");
  std::fflush(stdout);
}

// Runs until an error, a signal, or the number of events that was asked for.
vramd::Status Watch(vramd::Client& client, const NameOptions& options, bool as_json) {
  auto watch = client.WatchNames(options.prefix);
  if (!watch.ok()) return watch.status();
  for (uint64_t seen = 0; options.count == 0 || seen < options.count;) {
    const auto event = watch->Next(std::chrono::hours(1));
    if (event.status().code() == VRAMD_DEADLINE_EXCEEDED) continue;
    if (!event.ok()) return event.status();
    if (as_json) {
      PrintJson(ToJson(*event), /*pretty=*/false);
    } else {
      PrintEvent(*event);
    }
    ++seen;
  }
  return {};
}

}  // namespace

void AddNameCommands(CLI::App& app, Context& context) {
  const auto options = std::make_shared<NameOptions>();
  AddPrefixCommand(app, context, "list", "Published allocations that you may open", &List, options);
  AddPrefixCommand(app, context, "watch", "Published allocations and streams, then every change",
                   &Watch, options)
      ->add_option("--count", options->count, "End after so many events");
}

}  // namespace vramctl
