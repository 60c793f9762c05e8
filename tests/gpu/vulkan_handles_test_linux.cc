// What only file descriptors show: none leaks, and none survives exec.
#include <fcntl.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <thread>

#include "tests/gpu/gpu_fixture.h"

namespace vramd {
namespace {

using VulkanHandlesTest = GpuTest;

ptrdiff_t OpenFiles() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

rlim_t FirstFreeDescriptor() {
  const OsHandle probe(open("/dev/null", O_RDONLY | O_CLOEXEC));
  return static_cast<rlim_t>(probe.get());
}

void Round(Device& device, const AllocationRequest& request) {
  auto memory = device.Allocate(request);
  ASSERT_TRUE(memory.ok()) << memory.status();
  auto first = (*memory)->Export();
  auto second = (*memory)->Export();
  ASSERT_TRUE(first.ok() && second.ok());
}

TEST_F(VulkanHandlesTest, ExportedHandlesAreCloseOnExec) {
  for (const auto& device : devices_) {
    for (const HandleType type : ExportableTypes(*device)) {
      auto memory = device->Allocate(BufferRequest(4096, type));
      ASSERT_TRUE(memory.ok()) << memory.status();
      auto handle = (*memory)->Export();
      ASSERT_TRUE(handle.ok()) << handle.status();
      EXPECT_NE(fcntl(handle->get(), F_GETFD) & FD_CLOEXEC, 0) << ToString(type);
    }
  }
}

TEST_F(VulkanHandlesTest, AThousandRoundsLeakNoDescriptor) {
  for (const auto& device : devices_) {
    for (const HandleType type : ExportableTypes(*device)) {
      AllocationRequest dedicated = ImageRequest(VK_FORMAT_R8G8B8A8_UNORM, type);
      dedicated.dedicated = type != HandleType::kHostSection;
      if (!device->SizeOf(dedicated).ok()) dedicated = BufferRequest(1 << 20, type);
      Round(*device, dedicated);  // what a driver opens once
      const ptrdiff_t before = OpenFiles();
      for (int i = 0; i < 1000 && !HasFailure(); ++i)
        Round(*device, i % 2 == 0 ? dedicated : BufferRequest(64 << 10, type));
      EXPECT_EQ(OpenFiles(), before) << ToString(type);
    }
  }
}

TEST_F(VulkanHandlesTest, OutOfDescriptorsIsResourceExhausted) {
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  for (const auto& device : devices_) {
    for (const HandleType type : ExportableTypes(*device)) {
      auto memory = device->Allocate(BufferRequest(4096, type));
      ASSERT_TRUE(memory.ok()) << memory.status();
      const rlimit full = {FirstFreeDescriptor(), limit.rlim_max};
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &full), 0);
      const absl::Status status = (*memory)->Export().status();
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
      EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted)
          << ToString(type) << ": " << status;
      EXPECT_TRUE((*memory)->Export().ok()) << "the memory must still be usable";
    }
  }
}

TEST_F(VulkanHandlesTest, ThreadsAllocateAndExportAtTheSameTime) {
  for (const auto& device : devices_) {
    Round(*device, BufferRequest(4096));
    const ptrdiff_t before = OpenFiles();
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&device] {
        for (int i = 0; i < 100; ++i) Round(*device, BufferRequest(4096));
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(OpenFiles(), before);
  }
}

}  // namespace
}  // namespace vramd
