// vramctl record: a stream's frames into a file, until it ends or there are enough of them.
//
// It is a fifo consumer whose frames are dropped when it falls behind: a recording never slows its
// producer down. What it missed, it says.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/vramctl/command.h"
#include "tools/vramctl/frame_reader.h"
#include "tools/vramctl/recording.h"
#include "tools/vramctl/stop.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

using Clock = std::chrono::steady_clock;

struct RecordOptions {
  std::string name;
  std::string path;
  uint64_t frames = 0;  // 0: no end
  double seconds = 0;   // 0: no end
  std::string rate;     // empty: to be measured
  uint32_t limit = 2;
};

Clock::time_point EndOf(const RecordOptions& options) {
  if (options.seconds <= 0) return Clock::time_point::max();
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(options.seconds));
}

// Why it stopped, for people, or the error.
vramd::Result<std::string> RecordAll(FrameReader& reader, const RecordOptions& options,
                                     Recording& recording) {
  StopOnSignals();  // the file has to be finished
  const Clock::time_point end = EndOf(options);
  while (options.frames == 0 || recording.frames() < options.frames) {
    if (Stopped()) return std::string("interrupted");
    const auto left = end == Clock::time_point::max() ? kPiece : end - Clock::now();
    if (left.count() <= 0) return std::string("the time is over");
    const auto picture = reader.Next(std::min<Clock::duration>(left, kPiece));
    if (reader.abandoned() && Stopped()) return std::string("interrupted");
    if (reader.abandoned()) return picture.status();
    if (picture.status().code() == VRAMD_DEADLINE_EXCEEDED) continue;
    if (picture.status().code() == VRAMD_OUT_OF_RANGE) return picture.status().message();
    if (!picture.ok()) return picture.status();
    vramd::Status added = recording.Add(*picture);
    if (!added.ok()) return added;
  }
  return std::string("all frames that were asked for");
}

void Tell(const RecordOptions& options, const FrameReader& reader, const Recording& recording,
          const std::string& why, bool as_json) {
  const double rate = recording.rate().value_or(FrameRate{0, 1}).value();
  const uint64_t dropped = reader.dropped();
  if (as_json) {
    PrintJson({{"name", reader.name()},
               {"path", options.path},
               {"frames", recording.frames()},
               {"dropped", dropped},
               {"rate", rate},
               {"end", why}});
    return;
  }
  std::printf("%s: %llu frames recorded, %llu dropped", options.path.c_str(),
              static_cast<unsigned long long>(recording.frames()),
              static_cast<unsigned long long>(dropped));
  if (rate > 0) std::printf(", %.2f frames in a second", rate);
  std::printf("; end: %s\n", Printable(why).c_str());
}

vramd::Status Record(vramd::Client& client, const RecordOptions& options, const Context& context) {
  const auto rate = ParseFrameRate(options.rate);
  if (!options.rate.empty() && !rate)
    return {VRAMD_INVALID_ARGUMENT,
            "--rate " + options.rate + " is no rate; give 60, 29.97 or 30000/1001"};
  auto recording = Recording::Create(options.path, rate);
  if (!recording.ok()) return recording.status();
  auto reader = FrameReader::Open(client, options.name, vramd::ConsumerInfo::Fifo(options.limit),
                                  std::chrono::milliseconds(context.timeout_ms));
  if (!reader.ok()) return reader.status();
  const auto why = RecordAll(*reader, options, **recording);
  // Also after an error: what was recorded until then is good.
  vramd::Status finished = (*recording)->Finish();
  if (!finished.ok() && reader->abandoned()) Leave(Finish(finished));
  if (!finished.ok()) return finished;
  if ((*recording)->frames() != 0)
    Tell(options, *reader, **recording, why.ok() ? *why : why.status().message(), context.json);
  if (reader->abandoned()) Leave(Finish(why.status()));
  if (!why.ok()) return why.status();
  if ((*recording)->frames() == 0)
    return {VRAMD_NOT_FOUND, "no frame came of " + reader->name() + ": " + *why};
  return {};
}

}  // namespace

void AddRecordCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<RecordOptions>();
  CLI::App* sub = app.add_subcommand("record", "Write a stream's frames to a .y4m or to PNG files");
  sub->add_option("NAME", options->name, "user/application/label, or application/label")
      ->required();
  sub->add_option("FILE", options->path, "out.y4m, or frames-%05d.png")->required();
  sub->add_option("--frames", options->frames, "End after so many");
  sub->add_option("--seconds", options->seconds, "End after that time");
  sub->add_option("--rate", options->rate,
                  "Frames in a second, for the .y4m header: 60, 29.97, 30000/1001 (default: as "
                  "measured)");
  sub->add_option("--limit", options->limit, "Frames that may wait to be written")
      ->check(CLI::Range(1, 62))
      ->capture_default_str();
  sub->callback([&context, options] {
    context.exit_code = WithClient(
        context, [&](vramd::Client& client) { return Record(client, *options, context); });
  });
}

}  // namespace vramctl
