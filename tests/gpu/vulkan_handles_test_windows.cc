// What only Windows handles show: none leaks, and no child process inherits one.
#include <windows.h>

#include <optional>
#include <string>

#include "tests/gpu/gpu_fixture.h"
#include "tests/support/handle_count_windows.h"

namespace vramd {
namespace {

class VulkanHandlesTest : public GpuTest {
 protected:
  // Calls `check` with what each device can share by each of its types. Fails on a CPU device that
  // says no, skips the test if nothing is left.
  template <typename Check>
  void ForEachType(Check check) {
    int checked = 0;
    std::string refused;
    for (const auto& device : devices_)
      for (const HandleType type : ExportableTypes(*device)) {
        const auto request = Shareable(*device, type, &refused);
        if (!request) continue;
        SCOPED_TRACE(testing::Message() << device->info().name << ", " << ToString(type));
        check(*device, *request);
        ++checked;
      }
    if (checked == 0) GTEST_SKIP() << "nothing can be shared here" << refused;
  }

 private:
  // An optimal image, or raw memory where the device keeps such images in memory that cannot be
  // shared by that type.
  static std::optional<AllocationRequest> Shareable(Device& device, HandleType type,
                                                    std::string* refused) {
    for (const AllocationRequest& request :
         {ImageRequest(VK_FORMAT_R8G8B8A8_UNORM, type), RawRequest(1 << 20, type)}) {
      const absl::Status status = device.SizeOf(request).status();
      if (status.ok()) return request;
      EXPECT_NE(device.info().device_type, uint32_t{VK_PHYSICAL_DEVICE_TYPE_CPU}) << status;
      *refused += "; " + std::string(status.message());
    }
    return std::nullopt;
  }
};

void Round(Device& device, const AllocationRequest& request) {
  auto memory = device.Allocate(request);
  ASSERT_TRUE(memory.ok()) << memory.status();
  auto first = (*memory)->Export();
  auto second = (*memory)->Export();
  ASSERT_TRUE(first.ok() && second.ok());
}

TEST_F(VulkanHandlesTest, ExportedHandlesAreNotInheritable) {
  ForEachType([](Device& device, const AllocationRequest& request) {
    auto memory = device.Allocate(request);
    ASSERT_TRUE(memory.ok()) << memory.status();
    auto handle = (*memory)->Export();
    ASSERT_TRUE(handle.ok()) << handle.status();
    DWORD flags = HANDLE_FLAG_INHERIT;
    ASSERT_TRUE(GetHandleInformation(handle->get(), &flags));
    EXPECT_EQ(flags & HANDLE_FLAG_INHERIT, 0u);
  });
}

TEST_F(VulkanHandlesTest, AThousandRoundsLeakNoHandle) {
  ForEachType([](Device& device, const AllocationRequest& request) {
    Round(device, request);  // what a driver opens once
    const size_t before = CountOwnHandles();
    for (int i = 0; i < 1000 && !HasFailure(); ++i) Round(device, request);
    EXPECT_EQ(CountOwnHandles(), before);
  });
}

}  // namespace
}  // namespace vramd
