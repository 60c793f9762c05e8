// vramctl bench: how long the broker takes, as a client sees it. Quick figures for a first look and
// for comparing machines; tests/bench has the careful ones.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/vramctl/command.h"
#include "tools/vramctl/quantile.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

struct BenchOptions {
  uint32_t rounds = 200;
  uint64_t size_mib = 1;
};

struct Series {
  const char* name;
  std::vector<double> microseconds;

  // Times `step`. Its result says whether the time counts.
  vramd::Status Time(const std::function<vramd::Status()>& step) {
    const auto start = std::chrono::steady_clock::now();
    vramd::Status status = step();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    if (status.ok()) microseconds.push_back(took.count());
    return status;
  }
};

struct Figures {
  Series ping{"ping", {}};
  Series allocate{"allocate", {}};
  Series open{"open", {}};
  Series release{"release", {}};
};

vramd::Status StoreLease(vramd::Result<vramd::Lease> result, std::optional<vramd::Lease>& lease) {
  if (!result.ok()) return result.status();
  lease.emplace(*std::move(result));
  return {};
}

// Every lease arrives with its handle, so allocate and open include the handle lane.
vramd::Status RunRound(vramd::Client& client, const vramd::AllocateInfo& info, Figures& figures) {
  std::optional<vramd::Lease> first;
  std::optional<vramd::Lease> second;
  vramd::Status status = figures.ping.Time([&] { return client.Ping(); });
  if (!status.ok()) return status;
  status = figures.allocate.Time([&] { return StoreLease(client.Allocate(info), first); });
  if (!status.ok()) return status;
  const uint64_t allocation = first->allocation_id();
  status = figures.open.Time([&] { return StoreLease(client.Open(allocation), second); });
  if (!status.ok()) return status;
  second.reset();
  return figures.release.Time([&] {
    first.reset();
    return vramd::Status();
  });
}

void Print(Figures& figures, bool as_json) {
  nlohmann::json object;
  Table table({"CALL", "P50", "P99", "MAX"});
  for (Series* series : {&figures.ping, &figures.allocate, &figures.open, &figures.release}) {
    std::vector<double>& sorted = series->microseconds;
    std::sort(sorted.begin(), sorted.end());
    const double p50 = Quantile(sorted, 0.5);
    const double p99 = Quantile(sorted, 0.99);
    object[series->name] = {{"p50_us", p50}, {"p99_us", p99}, {"max_us", sorted.back()}};
    table.AddRow({series->name, FormatMicroseconds(p50), FormatMicroseconds(p99),
                  FormatMicroseconds(sorted.back())});
  }
  if (as_json) {
    PrintJson(object);
  } else {
    std::printf("%s", table.ToString().c_str());
  }
}

vramd::Status Bench(vramd::Client& client, const BenchOptions& options, bool as_json) {
  vramd::AllocateInfo info = vramd::AllocateInfo::Raw(options.size_mib << 20);
  info.label = "vramctl bench";
  Figures warm_up;
  vramd::Status status = RunRound(client, info, warm_up);
  Figures figures;
  for (uint32_t i = 0; i < options.rounds && status.ok(); ++i)
    status = RunRound(client, info, figures);
  if (!status.ok()) return status;
  if (!as_json)
    std::printf("%u rounds, allocations of %s\n", options.rounds,
                FormatBytes(options.size_mib << 20).c_str());
  Print(figures, as_json);
  return {};
}

}  // namespace

void AddBenchCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* sub = app.add_subcommand("bench", "Time the broker's calls");
  sub->add_option("--rounds", options->rounds, "How often")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  sub->add_option("--size", options->size_mib, "MiB of each allocation")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  sub->callback([&context, options] {
    context.exit_code = WithClient(
        context, [&](vramd::Client& client) { return Bench(client, *options, context.json); });
  });
}

}  // namespace vramctl
