// vramctl streams, vramctl top: the streams and how their consumers fare, once or live.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/vramctl/json.h"
#include "tools/vramctl/prefix_command.h"
#include "tools/vramctl/stream_look.h"
#include "tools/vramctl/text.h"
#include "tools/vramctl/top_view.h"

namespace vramctl {
namespace {

struct StreamOptions {
  std::string prefix;
  double interval = 1;  // seconds
  uint64_t count = 0;   // 0: no end
};

void PrintStreams(const StreamLook& look) {
  Table streams({"NAME", "WHAT", "IMAGES", "RING", "ORDER", "PUBLISHED", "PROCESS", "LABEL"});
  Table consumers(
      {"CONSUMER OF", "PROCESS", "USER", "MODE", "LIMIT", "RECEIVED", "DROPPED", "LATENCY"});
  bool any = false;
  for (const auto& [stream, all] : look.streams) {
    streams.AddRow({Printable(stream.name), FormatRecipe(stream.recipe),
                    std::to_string(stream.image_count), std::to_string(stream.generation),
                    stream.timeline ? "timeline" : "fence", std::to_string(stream.published),
                    FormatProcess(stream.process_id, stream.executable), Printable(stream.label)});
    for (const vramd_consumer_stats& consumer : all) {
      any = true;
      consumers.AddRow(
          {Printable(stream.name), FormatProcess(consumer.process_id, consumer.executable),
           Printable(consumer.user), Name(consumer.mode), std::to_string(consumer.limit),
           std::to_string(consumer.received), std::to_string(consumer.dropped),
           consumer.measured == 0
               ? "-"
               : FormatMicroseconds(static_cast<double>(consumer.latency_ns) / 1000)});
    }
  }
  std::printf("%s", streams.ToString().c_str());
  if (any) std::printf("\n%s", consumers.ToString().c_str());
}

vramd::Status Streams(vramd::Client& client, const StreamOptions& options, bool as_json) {
  const auto look = LookAtStreams(client, options.prefix);
  if (!look.ok()) return look.status();
  if (as_json) {
    nlohmann::json array = nlohmann::json::array();
    for (const auto& [stream, consumers] : look->streams) {
      nlohmann::json object = ToJson(stream);
      object["consumers"] = nlohmann::json::array();
      for (const vramd_consumer_stats& consumer : consumers)
        object["consumers"].push_back(ToJson(consumer));
      array.push_back(std::move(object));
    }
    PrintJson(array);
  } else if (look->streams.empty()) {
    std::fprintf(stderr, "there is no stream that you may open\n");
  } else {
    PrintStreams(*look);
  }
  return {};
}

vramd::Status Top(vramd::Client& client, const StreamOptions& options, bool as_json) {
  const auto interval = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
      std::chrono::duration<double>(options.interval));
  auto before = LookAtStreams(client, options.prefix);
  if (!before.ok()) return before.status();
  std::unique_ptr<TopView> view = as_json ? nullptr : MakeTerminalView();
  if (view == nullptr) view = MakePlainView(as_json);
  for (uint64_t shown = 0; options.count == 0 || shown < options.count; ++shown) {
    if (!view->WaitUntil(before->when + interval)) break;
    auto now = LookAtStreams(client, options.prefix);
    if (!now.ok()) return now.status();
    view->Show(Compare(*before, *now));
    before = std::move(now);
  }
  return {};
}

}  // namespace

void AddStreamCommands(CLI::App& app, Context& context) {
  const auto options = std::make_shared<StreamOptions>();
  AddPrefixCommand(app, context, "streams", "Streams that you may open, and their consumers",
                   &Streams, options);
  CLI::App* top =
      AddPrefixCommand(app, context, "top",
                       std::string("Rates, drops and latencies of streams, live (terminal view: ") +
                           TerminalViewOf() + ")",
                       &Top, options);
  top->add_option("--interval", options->interval, "Seconds from one look to the next")
      ->check(CLI::Range(0.05, 3600.0))
      ->capture_default_str();
  top->add_option("--count", options->count, "End after so many looks");
}

}  // namespace vramctl
