// What one process writes into shared memory, another reads, bit for bit.
//
// Both sides stand in this file. A test starts the real broker, and this same binary twice, with
// --role=producer and --role=consumer; they talk with the test by lines over pipes, and nothing
// sleeps. The Vulkan validation layer watches all three processes: one word from it fails the test.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "common/gpu.h"
#include "tests/integration/pixels_case.h"
#include "tests/integration/pixels_types.h"
#include "tests/integration/validation_log.h"
#include "tests/support/broker_process.h"
#include "tests/support/child_process.h"
#include "tests/support/or_exit.h"

namespace vramd {
namespace {

constexpr std::chrono::seconds kPatience{120};

// ---- Roles ------------------------------------------------------------------------------------

// What the test says next; false at "end", or when the test has gone.
bool Hear(std::string& line) {
  return static_cast<bool>(std::getline(std::cin, line)) && line != "end";
}
void Say(const std::string& line) { std::cout << line << std::endl; }

// A GPU's first use takes long on a busy machine, and under Wine.
Client PatientClient() {
  ConnectInfo info;
  info.timeout_ns = TimeoutNs(kPatience);
  return OrExit(Client::Connect(info));
}

// A GPU need not export every type; of the CPU driver that our own test machines have we know more.
bool MayRefuse(Client& client, const Status& status, vramd_handle_type type) {
  if (status.code() != VRAMD_FAILED_PRECONDITION) return false;
  return CpuDriverMayLack(type) ||
         OrExit(client.Devices()).at(0).device_type != VK_PHYSICAL_DEVICE_TYPE_CPU;
}

// Says "published NAME" or "refused WHY", and stays until it is told to end.
int Produce(const PixelsCase& pixels) {
  Client client = PatientClient();
  Result<Lease> lease = client.Allocate(pixels.Request());
  if (!lease) {
    Say((MayRefuse(client, lease.status(), pixels.handle) ? "refused " : "failed ") +
        lease.status().ToString());
    return 0;
  }
  example::Gpu gpu(lease->recipe());
  const VulkanResource shared = gpu.Import(*lease);
  pixels.Write(gpu, shared);
  Say("published " + OrExit(lease->Publish("pixels/" + pixels.name)));
  std::string line;
  while (Hear(line)) {
  }
  return 0;
}

void AwaitLoss(Watch& watch) {
  while (OrExit(watch.Next(kPatience)).kind != VRAMD_EVENT_DISCONNECTED) {
  }
}

// Says "imported", then does what the test says.
int Consume(const PixelsCase& pixels) {
  Client client = PatientClient();
  Watch watch = OrExit(client.WatchNames());
  auto lease = std::make_unique<Lease>(OrExit(client.Open("pixels/" + pixels.name)));
  example::Gpu gpu(lease->recipe());
  const VulkanResource shared = gpu.Import(*lease);
  Say("imported");
  std::string line;
  while (Hear(line)) {
    if (line == "read") Say(pixels.Compare(gpu, shared));
    if (line == "release lease") Say((lease.reset(), "released"));
    if (line == "await loss") Say((AwaitLoss(watch), lease->valid() ? "valid" : "lost"));
  }
  return 0;
}

bool ValidationLayerIsInstalled() {
  uint32_t count = 0;
  vkEnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  vkEnumerateInstanceLayerProperties(&count, layers.data());
  return std::any_of(layers.begin(), layers.end(), [](const VkLayerProperties& layer) {
    return std::string(layer.layerName) == "VK_LAYER_KHRONOS_validation";
  });
}

constexpr int kNoLayer = 77;

// Does what the validation layer must complain of, to show that the tests would see it.
int Misbehave() {
  example::Gpu gpu(std::string{});
  if (!ValidationLayerIsInstalled()) return kNoLayer;
  VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = 64;  // and no usage
  VkBuffer buffer = VK_NULL_HANDLE;
  vkCreateBuffer(gpu.device(), &info, nullptr, &buffer);
  vkDestroyBuffer(gpu.device(), buffer, nullptr);
  return 0;
}

int Play(const std::string& role, size_t index) {
  const PixelsCase& pixels = AllPixelsCases().at(index);
  if (role == "producer") return Produce(pixels);
  if (role == "consumer") return Consume(pixels);
  return Misbehave();
}

// ---- Tests ------------------------------------------------------------------------------------

std::string Line(ChildProcess& child) {
  return child.ReadLine(kPatience).value_or("(nothing: it ended, or the time was up)");
}

std::string Ask(ChildProcess& child, const std::string& what) {
  child.WriteLine(what);
  return Line(child);
}

std::optional<int> End(ChildProcess& child) {
  child.WriteLine("end");
  return child.Wait(kPatience);
}

class PixelsTest : public testing::TestWithParam<size_t> {
 protected:
  void TearDown() override { EXPECT_EQ(log_.Complaints(), ""); }

  ChildProcess StartRole(const std::string& role, const BrokerProcess& broker) {
    auto environment = log_.Environment(role);
    environment["VRAMD_ENDPOINT"] = broker.endpoint();
    return ChildProcess({.command = {OwnProgram(), "--role=" + role, std::to_string(GetParam())},
                         .environment = environment});
  }

  ValidationLog log_;
};

TEST_P(PixelsTest, CrossProcessesUnchanged) {
  BrokerProcess broker({}, log_.Environment("broker"));
  ChildProcess producer = StartRole("producer", broker);
  const std::string produced = Line(producer);
  if (produced.rfind("refused ", 0) == 0) GTEST_SKIP() << produced;
  ASSERT_EQ(produced.rfind("published ", 0), 0u) << produced;
  ChildProcess consumer = StartRole("consumer", broker);
  ASSERT_EQ(Line(consumer), "imported");
  EXPECT_EQ(Ask(consumer, "read"), "equal");
  EXPECT_EQ(Ask(consumer, "read"), "equal") << "after it was handed on once";

  EXPECT_EQ(End(producer), 0);
  EXPECT_EQ(Ask(consumer, "release lease"), "released");
  EXPECT_EQ(Ask(consumer, "read"), "equal") << "without any lease";
  EXPECT_EQ(End(consumer), 0);
  broker.process().Terminate();
  EXPECT_EQ(broker.process().Wait(), 0);
}

TEST_P(PixelsTest, OutliveTheBroker) {
  BrokerProcess broker({}, log_.Environment("broker"));
  ChildProcess producer = StartRole("producer", broker);
  const std::string produced = Line(producer);
  if (produced.rfind("refused ", 0) == 0) GTEST_SKIP() << produced;
  ASSERT_EQ(produced.rfind("published ", 0), 0u) << produced;
  ChildProcess consumer = StartRole("consumer", broker);
  ASSERT_EQ(Line(consumer), "imported");

  producer.Kill();
  broker.Kill();
  EXPECT_EQ(Ask(consumer, "await loss"), "lost");
  EXPECT_EQ(Ask(consumer, "read"), "equal");
  EXPECT_EQ(End(consumer), 0);
}

std::vector<size_t> Indices() {
  std::vector<size_t> indices(AllPixelsCases().size());
  for (size_t i = 0; i < indices.size(); ++i) indices[i] = i;
  return indices;
}

INSTANTIATE_TEST_SUITE_P(, PixelsTest, testing::ValuesIn(Indices()),
                         [](const auto& info) { return AllPixelsCases()[info.param].name; });

TEST(ValidationTest, IsHeard) {
  ValidationLog log;
  ChildProcess child({.command = {OwnProgram(), "--role=misbehave", "0"},
                      .environment = log.Environment("misbehave")});
  const std::optional<int> code = child.Wait(kPatience);
  if (code == kNoLayer) GTEST_SKIP() << "VK_LAYER_KHRONOS_validation is not installed";
  EXPECT_EQ(code, 0);
  EXPECT_NE(log.Complaints().find("VUID-VkBufferCreateInfo-usage"), std::string::npos)
      << log.Complaints();
}

}  // namespace
}  // namespace vramd

int main(int argc, char** argv) {
  const std::string role = argc == 3 ? argv[1] : "";
  if (role.rfind("--role=", 0) == 0) return vramd::Play(role.substr(7), std::stoul(argv[2]));
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
