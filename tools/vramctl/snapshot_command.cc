// vramctl snapshot: a published image, or the newest frame of a stream, as a picture file.
//
// It opens either as any consumer does, imports it on the device that it lives on, copies its first
// level and layer to the host and gives it back in the layout that the recipe names. Of a stream it
// gets whole frames. A published image has no such order: a picture taken while its producer draws
// may show two frames in part.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "tools/vramctl/command.h"
#include "tools/vramctl/frame_reader.h"
#include "tools/vramctl/image_reader.h"
#include "tools/vramctl/png_file.h"
#include "tools/vramctl/stop.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

struct SnapshotOptions {
  std::string name;
  std::string path;
};

// The pixels of a published image.
vramd::Result<Picture> ReadLease(const std::string& name, const vramd::Lease& lease,
                                 std::chrono::milliseconds timeout) {
  const vramd::Recipe recipe = lease.recipe();
  vramd::Status readable = CheckReadable(name, recipe);
  if (!readable.ok()) return readable;
  auto reader = ImageReader::Create(recipe, timeout);
  if (!reader.ok()) return reader.status();
  const auto resource = reader->importer().Import(lease);
  if (!resource.ok()) return resource.status();
  auto rgba = reader->Read(*resource, recipe);
  if (reader->abandoned()) Leave(Finish(rgba.status()));
  if (!rgba.ok()) return rgba.status();
  return Picture{recipe.image.width, recipe.image.height, *std::move(rgba)};
}

struct Taken {
  Picture picture;
  vramd::Recipe recipe;
};

vramd::Result<Taken> TakeImage(const std::string& name, const vramd::Lease& lease,
                               std::chrono::milliseconds timeout) {
  auto picture = ReadLease(name, lease, timeout);
  if (!picture.ok()) return picture.status();
  return Taken{*std::move(picture), lease.recipe()};
}

// The newest frame, or the first that comes.
vramd::Result<Taken> TakeFrame(vramd::Client& client, const std::string& name,
                               std::chrono::milliseconds timeout) {
  auto reader = FrameReader::Open(client, name, vramd::ConsumerInfo::Mailbox(), timeout);
  if (!reader.ok()) return reader.status();
  auto picture = reader->Next(timeout);
  if (reader->abandoned()) Leave(Finish(picture.status()));
  if (!picture.ok()) return picture.status();
  return Taken{*std::move(picture), reader->recipe()};
}

// A name can be a published image's and a stream's at once; then the image is meant.
vramd::Result<Taken> Take(vramd::Client& client, const std::string& name,
                          std::chrono::milliseconds timeout) {
  const auto lease = client.Open(name);
  if (lease.ok()) return TakeImage(name, *lease, timeout);
  if (lease.status().code() != VRAMD_NOT_FOUND) return lease.status();
  auto frame = TakeFrame(client, name, timeout);
  if (frame.status().code() == VRAMD_NOT_FOUND)
    return vramd::Status(VRAMD_NOT_FOUND, "neither an image nor a stream is called " + name +
                                              "; see vramctl list and vramctl streams");
  return frame;
}

// Whether a picture can be written under that name, which says the format.
vramd::Status CheckPath(const std::string& path) {
  if (EndsWith(path, ".png") || EndsWith(path, ".PNG")) return {};
  return {VRAMD_INVALID_ARGUMENT, "cannot write " + path +
                                      ": its name has to end in the format, and there is one "
                                      "format: .png; name it " +
                                      path + ".png, and convert that"};
}

vramd::Status Snapshot(vramd::Client& client, const SnapshotOptions& options,
                       const Context& context) {
  const auto taken = Take(client, options.name, std::chrono::milliseconds(context.timeout_ms));
  if (!taken.ok()) return taken.status();
  const Picture& picture = taken->picture;
  vramd::Status status = WritePng(options.path, picture.width, picture.height, picture.rgba);
  if (status.ok() && context.json) {
    nlohmann::json object = {{"name", options.name},
                             {"path", options.path},
                             {"width", picture.width},
                             {"height", picture.height},
                             {"format", FormatImageFormat(taken->recipe.image.format)}};
    if (picture.sequence != 0) object["frame"] = picture.sequence;
    PrintJson(object);
  } else if (status.ok()) {
    std::printf("%s: %s\n", options.path.c_str(), FormatRecipe(taken->recipe).c_str());
  }
  return status;
}

}  // namespace

void AddSnapshotCommand(CLI::App& app, Context& context) {
  const auto options = std::make_shared<SnapshotOptions>();
  CLI::App* sub =
      app.add_subcommand("snapshot", "Write a published image, or a stream's frame, to a PNG file");
  sub->add_option("NAME", options->name, "user/application/label, or application/label")
      ->required();
  sub->add_option("FILE", options->path, "The file to write: picture.png")->required();
  sub->callback([&context, options] {
    const vramd::Status named = CheckPath(options->path);
    if (!named.ok()) {
      context.exit_code = Finish(named);
      return;
    }
    context.exit_code = WithClient(
        context, [&](vramd::Client& client) { return Snapshot(client, *options, context); });
  });
}

}  // namespace vramctl
