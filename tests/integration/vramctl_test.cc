// vramctl as a user runs it: the real program against the real broker, judged by its exit code and
// by what it prints or writes. vramctl_stream_test.cc has what it does with streams.
#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/vramctl_fixture.h"
#include "tests/integration/vramctl_pictures.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST_F(VramctlTest, StatusTellsOfTheBroker) {
  const Lease lease = OrExit(client_.Allocate(AllocateInfo::Raw(1 << 20)));
  const Output output = Run({"status", "--json"});
  ASSERT_EQ(output.exit_code, 0) << output.errors;
  const json status = output.Json();
  EXPECT_EQ(status["endpoint"], broker_.endpoint());
  EXPECT_EQ(status["broker_process_id"], broker_.process().id());
  EXPECT_EQ(status["allocations"], 1);
  EXPECT_EQ(status["sessions"], 2);
  EXPECT_THAT(Run({"status"}).text, HasSubstr("endpoint     " + broker_.endpoint()));
}

TEST_F(VramctlTest, DevicesTellWhatEachHandleTypeCan) {
  (void)OrExit(client_.Allocate(AllocateInfo::Raw(4096)));  // waits for the device to be open
  const json devices = Run({"devices", "--json"}).Json();
  const auto expected = OrExit(client_.Devices());
  ASSERT_EQ(devices.size(), expected.size());
  ASSERT_GT(expected[0].handle_types.size(), 0U);
  EXPECT_EQ(devices[0]["name"], expected[0].name);
  ASSERT_EQ(devices[0]["handle_types"].size(), expected[0].handle_types.size());
  EXPECT_EQ(devices[0]["handle_types"][0]["can_export"], expected[0].handle_types[0].can_export);
}

TEST_F(VramctlTest, ListShowsNamesBelowThePrefix) {
  Lease lease = OrExit(client_.Allocate(AllocateInfo::Raw(1 << 20)));
  const std::string name = OrExit(lease.Publish("list/one"));
  const json names = Run({"list", "--json"}).Json();
  ASSERT_EQ(names.size(), 1U);
  EXPECT_EQ(names[0]["name"], name);
  EXPECT_EQ(names[0]["recipe"]["kind"], "raw");
  EXPECT_THAT(Run({"list", name}).text, HasSubstr(name));
  EXPECT_EQ(Run({"list", "nobody/", "--json"}).Json(), json::array());
}

TEST_F(VramctlTest, WatchTellsEveryChangeOnALine) {
  ChildProcess watch = Start({"--json", "watch", "--count", "3"});
  EXPECT_EQ(json::parse(watch.ReadLine().value_or("null"))["kind"], "current");
  {
    Lease lease = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
    const std::string name = OrExit(lease.Publish("watch/one"));
    const json published = json::parse(watch.ReadLine().value_or("null"));
    EXPECT_EQ(published["kind"], "published");
    EXPECT_EQ(published["name"], name);
  }
  EXPECT_EQ(json::parse(watch.ReadLine().value_or("null"))["kind"], "released");
  EXPECT_EQ(watch.Wait(), 0);
}

TEST_F(VramctlTest, SnapshotIsTheImage) {
  Lease lease = OrExit(client_.Allocate(ImageInfo(VK_FORMAT_B8G8R8A8_UNORM)));
  example::Gpu gpu(lease.recipe());
  const VulkanResource shared = gpu.Import(lease);
  Paint(gpu, shared, 4, {0, 128, 255, 255}, {255, 0, 0, 64});
  const std::string name = OrExit(lease.Publish("snapshot/bgra"));
  // Twice: the first has to give the image back as it found it.
  for (const char* file : {"first.png", "second.png"}) {
    const Output output = Run({"snapshot", name, PathOf(file)});
    ASSERT_EQ(output.exit_code, 0) << output.errors;
    const Picture picture = ReadPng(PathOf(file));
    ASSERT_EQ(picture.width, kWidth);
    ASSERT_EQ(picture.height, kHeight);
    EXPECT_EQ(picture.Texel(0, 0), (std::vector<uint8_t>{255, 128, 0, 255}));
    EXPECT_EQ(picture.Texel(kWidth - 1, kHeight - 2), (std::vector<uint8_t>{255, 128, 0, 255}));
    EXPECT_EQ(picture.Texel(0, kHeight - 1), (std::vector<uint8_t>{0, 0, 255, 64}));
  }
}

TEST_F(VramctlTest, SnapshotConvertsHalfFloats) {
  Lease lease = OrExit(client_.Allocate(ImageInfo(VK_FORMAT_R16G16B16A16_SFLOAT)));
  example::Gpu gpu(lease.recipe());
  const VulkanResource shared = gpu.Import(lease);
  // 1, 0.5, 0, alpha 1; and 0, 0, 2, alpha 0.5. Little-endian halves.
  Paint(gpu, shared, 8, {0, 0x3c, 0, 0x38, 0, 0, 0, 0x3c}, {0, 0, 0, 0, 0, 0x40, 0, 0x38});
  const std::string name = OrExit(lease.Publish("snapshot/half"));
  const Output output = Run({"snapshot", name, PathOf("half.png")});
  ASSERT_EQ(output.exit_code, 0) << output.errors;
  const Picture picture = ReadPng(PathOf("half.png"));
  EXPECT_EQ(picture.Texel(1, 1), (std::vector<uint8_t>{255, 188, 0, 255}));
  EXPECT_EQ(picture.Texel(0, kHeight - 1), (std::vector<uint8_t>{0, 0, 255, 128}));
}

TEST_F(VramctlTest, SnapshotRefusesWhatIsNoPicture) {
  Lease lease = OrExit(client_.Allocate(AllocateInfo::Raw(4096)));
  const std::string name = OrExit(lease.Publish("snapshot/raw"));
  const Output output = Run({"snapshot", name, PathOf("raw.png")});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.errors, HasSubstr("is a raw, not an image"));
  EXPECT_FALSE(std::filesystem::exists(PathOf("raw.png")));
}

// A PNG file under another format's name would only be found out by whoever opens it.
TEST_F(VramctlTest, SnapshotRefusesFormatsThatItCannotWrite) {
  Lease lease = OrExit(client_.Allocate(ImageInfo(VK_FORMAT_R8G8B8A8_UNORM)));
  const std::string name = OrExit(lease.Publish("snapshot/jpg"));
  for (const char* file : {"x.jpg", "x", "xpng"}) {
    const Output output = Run({"snapshot", name, PathOf(file)});
    EXPECT_EQ(output.exit_code, 1) << file;
    EXPECT_THAT(output.errors, AllOf(HasSubstr(file), HasSubstr("there is one format: .png")));
    EXPECT_FALSE(std::filesystem::exists(PathOf(file)));
  }
}

TEST_F(VramctlTest, SnapshotNamesTheUsageThatIsMissing) {
  AllocateInfo info = ImageInfo(VK_FORMAT_R8G8B8A8_UNORM);
  info.image.usage = VK_IMAGE_USAGE_SAMPLED_BIT;
  Lease lease = OrExit(client_.Allocate(info));
  const std::string name = OrExit(lease.Publish("snapshot/no-copy"));
  const Output output = Run({"snapshot", name, PathOf("no-copy.png")});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.errors, HasSubstr("VK_IMAGE_USAGE_TRANSFER_SRC_BIT"));
}

TEST_F(VramctlTest, DoctorFindsTheBrokerAndItsDevice) {
  (void)OrExit(client_.Allocate(AllocateInfo::Raw(4096)));  // waits for the device to be open
  const Output output = Run({"doctor", "--json"});
  EXPECT_THAT(Verdicts(output, "endpoint"), testing::ElementsAre("ok"));
  EXPECT_THAT(Verdicts(output, "broker"), testing::Contains("ok"));
  EXPECT_THAT(Verdicts(output, "broker"), testing::Not(testing::Contains("problem")));
  EXPECT_THAT(Verdicts(output, "match"), testing::ElementsAre("ok"));
  EXPECT_THAT(Verdicts(output, "kernel"), testing::ElementsAre("ok"));
}

TEST_F(VramctlTest, DoctorSaysWhoMayHaveOpaqueHandlesOfACpu) {
  (void)OrExit(client_.Allocate(AllocateInfo::Raw(4096)));  // waits for the device to be open
  const bool on_cpu = OrExit(client_.Devices()).front().device_type == VK_PHYSICAL_DEVICE_TYPE_CPU;
  const Output output = Run({"doctor", "--json"});
  EXPECT_EQ(!Verdicts(output, "sharing").empty(), on_cpu) << output.text;
  if (on_cpu) {
    EXPECT_THAT(output.text, testing::HasSubstr("opaque handles are for the broker's own user"));
  }
}

TEST_F(VramctlTest, DoctorWorksWithoutABroker) {
  const Output output = Run({"doctor", "--json"}, NobodysEndpoint());
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(Verdicts(output, "endpoint"), testing::ElementsAre("problem"));
  EXPECT_THAT(Verdicts(output, "broker"), testing::ElementsAre("problem"));
  EXPECT_THAT(Verdicts(output, "vulkan"), testing::ElementsAre("ok"));
  const json report = output.Json();
  for (const json& finding : report["findings"])
    EXPECT_EQ(finding["verdict"] == "ok", finding["remedy"] == "") << finding;
}

TEST_F(VramctlTest, BenchTimesEveryCall) {
  const Output output = Run({"bench", "--rounds", "5", "--json"});
  ASSERT_EQ(output.exit_code, 0) << output.errors;
  for (const char* call : {"ping", "allocate", "open", "release"}) {
    const json figures = output.Json()[call];
    EXPECT_GT(figures["p50_us"], 0) << call;
    EXPECT_LE(figures["p50_us"], figures["p99_us"]) << call;
  }
  EXPECT_EQ(OrExit(client_.ServerInfo()).allocations, 0U);
}

TEST_F(VramctlTest, ExitCodesTellFailureFromMisuse) {
  const Output unreachable = Run({"status"}, NobodysEndpoint());
  EXPECT_EQ(unreachable.exit_code, 1);
  EXPECT_THAT(unreachable.errors, HasSubstr("UNAVAILABLE"));
  EXPECT_EQ(Run({"nonsense"}).exit_code, 2);
  EXPECT_EQ(Run({"bench", "--rounds", "0"}).exit_code, 2);
  EXPECT_EQ(Run({"--version"}).exit_code, 0);
}

}  // namespace
}  // namespace vramd
