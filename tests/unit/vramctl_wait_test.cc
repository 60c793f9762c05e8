// A wait for the GPU ends, although the GPU never does what is waited for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>

#include "tools/vramctl/stop.h"
#include "tools/vramctl/vulkan_host.h"

namespace vramctl {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

VkResult VKAPI_CALL Never(VkDevice, uint32_t, const VkFence*, VkBool32, uint64_t timeout) {
  EXPECT_LE(timeout, 100'000'000u) << "a wait that no signal can end";
  return VK_TIMEOUT;
}

// As when the producer's semaphore is never signalled: of the program only what must not destroy
// anything runs afterwards.
vramd::Status RunForEver(milliseconds patience) {
  auto instance = VulkanInstance::Create();
  if (!instance.ok()) return instance.status();
  auto host = VulkanHost::Create(*instance, instance->PhysicalDevices().at(0));
  if (!host.ok()) return host.status();
  host->set_patience(patience);
  const PFN_vkWaitForFences works = vkWaitForFences;
  vkWaitForFences = &Never;
  const vramd::Status status = host->Run([](VkCommandBuffer) {});
  vkWaitForFences = works;
  EXPECT_TRUE(host->abandoned());
  return status;
}

bool HasDevice() {
  const auto instance = VulkanInstance::Create();
  return instance.ok() && !instance->PhysicalDevices().empty();
}

TEST(GpuWait, EndsAtItsDeadlineAndSaysWhatToDo) {
  if (!HasDevice()) GTEST_SKIP() << "no Vulkan device";
  const auto exit_with_words = [] {
    const vramd::Status status = RunForEver(milliseconds(50));
    std::fprintf(stderr, "%s\n", status.message().c_str());
    Leave(status.code() == VRAMD_DEADLINE_EXCEEDED ? 7 : 1);
  };
  EXPECT_EXIT(exit_with_words(), testing::ExitedWithCode(7), "within 50 ms.*raise --timeout");
}

TEST(GpuWait, EndsWithASignal) {
  if (!HasDevice()) GTEST_SKIP() << "no Vulkan device";
  const auto interrupted = [] {
    StopOnSignals();
    std::raise(SIGTERM);
    const auto begin = steady_clock::now();
    const vramd::Status status = RunForEver(std::chrono::hours(1));
    const bool prompt = steady_clock::now() - begin < std::chrono::seconds(10);
    Leave(status.code() == VRAMD_CANCELLED && prompt ? 7 : 1);
  };
  EXPECT_EXIT(interrupted(), testing::ExitedWithCode(7), "");
}

TEST(Stop, ASecondSignalEndsTheProgramWhateverItWaitsFor) {
  const auto twice = [] {
    StopOnSignals();
    std::raise(SIGINT);
    if (!Stopped()) std::_Exit(1);
    std::raise(SIGINT);
    std::_Exit(2);
  };
  EXPECT_EXIT(twice(), testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace vramctl
