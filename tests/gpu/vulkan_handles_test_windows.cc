// What only Windows handles show: none leaks, and no child process inherits one.
#include <windows.h>

#include "tests/gpu/gpu_fixture.h"
#include "tests/support/handle_count_windows.h"

namespace vramd {
namespace {

using VulkanHandlesTest = GpuTest;

void Round(Device& device, const AllocationRequest& request) {
  auto memory = device.Allocate(request);
  ASSERT_TRUE(memory.ok()) << memory.status();
  auto first = (*memory)->Export();
  auto second = (*memory)->Export();
  ASSERT_TRUE(first.ok() && second.ok());
}

TEST_F(VulkanHandlesTest, ExportedHandlesAreNotInheritable) {
  for (const auto& device : devices_) {
    for (const HandleType type : ExportableTypes(*device)) {
      auto memory = device->Allocate(ImageRequest(VK_FORMAT_R8G8B8A8_UNORM, type));
      ASSERT_TRUE(memory.ok()) << memory.status();
      auto handle = (*memory)->Export();
      ASSERT_TRUE(handle.ok()) << handle.status();
      DWORD flags = HANDLE_FLAG_INHERIT;
      ASSERT_TRUE(GetHandleInformation(handle->get(), &flags));
      EXPECT_EQ(flags & HANDLE_FLAG_INHERIT, 0u) << ToString(type);
    }
  }
}

TEST_F(VulkanHandlesTest, AThousandRoundsLeakNoHandle) {
  for (const auto& device : devices_) {
    for (const HandleType type : ExportableTypes(*device)) {
      const AllocationRequest image = ImageRequest(VK_FORMAT_R8G8B8A8_UNORM, type);
      Round(*device, image);  // what a driver opens once
      const size_t before = CountOwnHandles();
      for (int i = 0; i < 1000 && !HasFailure(); ++i) Round(*device, image);
      EXPECT_EQ(CountOwnHandles(), before) << ToString(type);
    }
  }
}

}  // namespace
}  // namespace vramd
