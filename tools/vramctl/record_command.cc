// vramctl record: a stream's frames into files or a pipe, until it ends or there are enough of
// them.
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
#include "tools/vramctl/encode_queue.h"
#include "tools/vramctl/frame_reader.h"
#include "tools/vramctl/recording.h"
#include "tools/vramctl/sink.h"
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

// The next frame into the queue, if one comes and there is room in time.
vramd::Status RecordOne(FrameReader& reader, EncodeQueue& queue, std::chrono::nanoseconds timeout) {
  if (!queue.AwaitRoom(timeout)) return {};
  auto picture = reader.Next(timeout);
  if (picture.status().code() == VRAMD_DEADLINE_EXCEEDED && !reader.abandoned()) return {};
  return picture.ok() ? queue.Add(*std::move(picture)) : picture.status();
}

// Why it stopped, for people, or the error.
vramd::Result<std::string> RecordAll(FrameReader& reader, const RecordOptions& options,
                                     EncodeQueue& queue) {
  const Clock::time_point end = EndOf(options);
  while (options.frames == 0 || queue.added() < options.frames) {
    if (Stopped()) return std::string("interrupted");
    vramd::Status status = queue.status();
    if (!status.ok()) return status;
    const auto left = end == Clock::time_point::max() ? kPiece : end - Clock::now();
    if (left.count() <= 0) return std::string("the time is over");
    status = RecordOne(reader, queue, std::min<Clock::duration>(left, kPiece));
    if (status.ok()) continue;
    if (Stopped()) return std::string("interrupted");
    if (status.is_end()) return status.message();
    return status;
  }
  return std::string("all frames that were asked for");
}

// A write waits as long as nobody reads the pipe: not for ever.
vramd::Status AwaitWritten(EncodeQueue& queue, const RecordOptions& options,
                           std::chrono::milliseconds timeout) {
  if (queue.AwaitWritten(timeout)) return queue.status();
  Leave(Finish({VRAMD_DEADLINE_EXCEEDED, "frames still wait to be written to " + options.path +
                                             " after " + std::to_string(timeout.count()) +
                                             " ms; does anybody read it?"}));
}

// What to do about frames that were dropped.
std::string RemedyFor(const std::string& path) {
  if (IsPipe(path))
    return "what reads the pipe is too slow; give it less to do, as with a faster preset of its "
           "encoder, or let more frames wait (--limit)";
  if (EndsWith(path, ".png"))
    return "PNG files take much computing; record to a .y4m file, or let more frames wait "
           "(--limit)";
  return "the disk or the processor is too slow; write to a faster disk or let more frames wait "
         "(--limit)";
}

void TellJson(const RecordOptions& options, const FrameReader& reader, const Recording& recording,
              const std::string& why, std::FILE* to) {
  PrintJson({{"name", reader.name()},
             {"path", options.path},
             {"frames", recording.frames()},
             {"dropped", reader.dropped()},
             {"rate", recording.rate().value_or(FrameRate{0, 1}).value()},
             {"end", why}},
            /*pretty=*/true, to);
}

void Tell(const RecordOptions& options, const FrameReader& reader, const Recording& recording,
          const std::string& why, bool as_json) {
  std::FILE* const to = options.path == "-" ? stderr : stdout;  // which has the frames
  if (as_json) return TellJson(options, reader, recording, why, to);
  const double rate = recording.rate().value_or(FrameRate{0, 1}).value();
  const uint64_t dropped = reader.dropped();
  std::fprintf(to, "%s: %llu frames recorded, %llu dropped", options.path.c_str(),
               static_cast<unsigned long long>(recording.frames()),
               static_cast<unsigned long long>(dropped));
  if (rate > 0) std::fprintf(to, ", %.2f frames in a second", rate);
  std::fprintf(to, "; end: %s\n", Printable(why).c_str());
  if (dropped != 0) std::fprintf(to, "frames were dropped: %s\n", RemedyFor(options.path).c_str());
}

// Frames into the recording until the end, and the recording finished, also after an error: what
// was recorded until then is good. Why it ended, for people, or the error.
vramd::Result<std::string> RecordInto(Recording& recording, FrameReader& reader,
                                      const RecordOptions& options, const Context& context) {
  StopOnSignals();  // the file has to be finished
  EncodeQueue queue(recording);
  auto why = RecordAll(reader, options, queue);
  const vramd::Status written =
      AwaitWritten(queue, options, std::chrono::milliseconds(context.timeout_ms));
  const vramd::Status finished = recording.Finish();
  for (const vramd::Status& status : {written, finished}) {
    // Who reads the pipe may have got the same Ctrl-C.
    const bool expected = Stopped() && status.code() == VRAMD_UNAVAILABLE;
    if (why.ok() && !status.ok() && !expected) why = status;
  }
  return why;
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
  const auto why = RecordInto(**recording, *reader, options, context);
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
  CLI::App* sub =
      app.add_subcommand("record", "Write a stream's frames to a .y4m file, a pipe or PNG files");
  sub->add_option("NAME", options->name, "user/application/label, or application/label")
      ->required();
  sub->add_option("FILE", options->path,
                  "out.y4m, frames-%05d.png, or - for .y4m on standard output")
      ->required();
  sub->add_option("--frames", options->frames, "End after so many");
  sub->add_option("--seconds", options->seconds, "End after that time");
  sub->add_option("--rate", options->rate,
                  "Frames in a second, for the .y4m header: 60, 29.97, 30000/1001 (default: as "
                  "measured; of a pipe, by the first frames)");
  sub->add_option("--limit", options->limit, "Frames that may wait to be written")
      ->check(CLI::Range(1, 62))
      ->capture_default_str();
  sub->callback([&context, options] {
    context.exit_code = WithClient(
        context, [&](vramd::Client& client) { return Record(client, *options, context); });
  });
}

}  // namespace vramctl
