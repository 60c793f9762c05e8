// A device that comes after the broker has started: the Vulkan loader reads the manifests of the
// drivers for each instance, so a driver "is plugged in" when its manifest is written.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "tests/support/broker_process.h"

namespace vramd {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

// The manifests that the loader would find by itself, or those that the environment names.
std::vector<fs::path> Manifests() {
  std::vector<fs::path> found;
  for (const char* variable : {"VK_DRIVER_FILES", "VK_ICD_FILENAMES"}) {
    const char* const list = std::getenv(variable);
    std::istringstream paths(list == nullptr ? "" : list);
    for (std::string path; std::getline(paths, path, ':');) found.emplace_back(path);
  }
  if (!found.empty()) return found;
  for (const char* folder :
       {"/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"}) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(folder, none))
      if (entry.path().extension() == ".json") found.push_back(entry.path());
  }
  return found;
}

TEST(LateDeviceTest, IsServedOnceItIsThere) {
  const std::vector<fs::path> manifests = Manifests();
  ASSERT_FALSE(manifests.empty()) << "this machine has no Vulkan driver";
  TemporaryDirectory files;
  std::string late;
  for (size_t i = 0; i < manifests.size(); ++i)
    late += (i == 0 ? "" : ":") + files.path() + "/" + std::to_string(i) + ".json";
  BrokerProcess broker({"--wait-for-device"},
                       {{"VK_DRIVER_FILES", late}, {"VK_ICD_FILENAMES", late}});
  Client client = broker.Connect();
  ASSERT_EQ(client.Allocate(AllocateInfo::Raw(4096)).status().code(), VRAMD_UNAVAILABLE);

  for (size_t i = 0; i < manifests.size(); ++i) {
    const std::string path = files.path() + "/" + std::to_string(i);
    fs::copy_file(manifests[i], path);
    fs::rename(path, path + ".json");  // whole from the first moment
  }
  const auto deadline = Clock::now() + std::chrono::seconds(60);
  auto lease = client.Allocate(AllocateInfo::Raw(4096));
  while (!lease.ok() && Clock::now() < deadline) {
    EXPECT_EQ(lease.status().code(), VRAMD_UNAVAILABLE);
    std::this_thread::yield();
    lease = client.Allocate(AllocateInfo::Raw(4096));
  }
  EXPECT_TRUE(lease.ok()) << lease.status().message() << "\n" << broker.Log();
}

}  // namespace
}  // namespace vramd
