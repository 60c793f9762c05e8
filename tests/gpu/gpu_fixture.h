// Opens every Vulkan device of this machine; skips the test, with the reason, where there is none.
#ifndef VRAMD_TESTS_GPU_GPU_FIXTURE_H_
#define VRAMD_TESTS_GPU_GPU_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "driver-shim/vulkan_device.h"
#include "driver-shim/vulkan_instance.h"

namespace vramd {

class GpuTest : public ::testing::Test {
 protected:
  // Keeps the drivers loaded until the process ends. One that is unloaded leaves its static memory
  // behind, and LeakSanitizer reports it from an unknown module.
  static void SetUpTestSuite() {
    MutexLock lock(VolkMutex());
    static const auto* const loaded = new auto(VulkanInstance::Open());
    (void)loaded;
  }

  void SetUp() override {
    auto devices = OpenVulkanDevices({});
    if (!devices.ok()) GTEST_SKIP() << devices.status();
    devices_ = *std::move(devices);
  }

  std::vector<std::shared_ptr<Device>> devices_;
};

inline AllocationRequest BufferRequest(uint64_t size, HandleType type = HandleType::kUnknown) {
  AllocationRequest request;
  request.kind = ResourceKind::kBuffer;
  request.buffer.size = size;
  request.buffer.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  request.handle_type = type;
  return request;
}

inline AllocationRequest RawRequest(uint64_t size, HandleType type = HandleType::kUnknown) {
  AllocationRequest request;
  request.kind = ResourceKind::kRaw;
  request.raw_size = size;
  request.handle_type = type;
  return request;
}

// 256x128 with 3 mip levels and 2 layers.
inline AllocationRequest ImageRequest(VkFormat format, HandleType type = HandleType::kUnknown) {
  AllocationRequest request;
  request.kind = ResourceKind::kImage;
  request.image.format = format;
  request.image.width = 256;
  request.image.height = 128;
  request.image.mip_levels = 3;
  request.image.array_layers = 2;
  request.image.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT |
                        VK_IMAGE_USAGE_SAMPLED_BIT;
  request.handle_type = type;
  return request;
}

inline std::vector<HandleType> ExportableTypes(const Device& device) {
  std::vector<HandleType> types;
  for (const HandleSupport& support : device.info().handles)
    if (support.can_export) types.push_back(support.type);
  return types;
}

}  // namespace vramd

#endif  // VRAMD_TESTS_GPU_GPU_FIXTURE_H_
