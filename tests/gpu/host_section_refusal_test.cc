// A driver that names memory types for a section's pages and then fails to import them, as one was
// seen to under Wine: the broker must not offer sections there. On the device where that has failed
// the same driver fails what is allocated afterwards, so the broker's own must not be the one. Such
// a driver is made of this machine's, by standing between it and volk.
#include <gmock/gmock.h>

#include <cstring>
#include <set>
#include <utility>

#include "tests/gpu/gpu_fixture.h"

namespace vramd {
namespace {

using ::testing::HasSubstr;

struct PinsNothing {
  static PFN_vkGetInstanceProcAddr of_instance;
  static PFN_vkGetDeviceProcAddr of_device;
  static PFN_vkAllocateMemory allocate;
  static std::set<VkDevice> spoilt;

  static VkResult VKAPI_CALL Allocate(VkDevice device, const VkMemoryAllocateInfo* info,
                                      const VkAllocationCallbacks* allocator,
                                      VkDeviceMemory* memory) {
    for (auto* at = static_cast<const VkBaseInStructure*>(info->pNext); at != nullptr;
         at = at->pNext)
      if (at->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT) spoilt.insert(device);
    if (spoilt.contains(device)) return VK_ERROR_OUT_OF_HOST_MEMORY;
    return allocate(device, info, allocator, memory);
  }
  static PFN_vkVoidFunction VKAPI_CALL OfDevice(VkDevice device, const char* name) {
    const auto theirs = of_device(device, name);
    if (std::strcmp(name, "vkAllocateMemory") != 0) return theirs;
    allocate = reinterpret_cast<PFN_vkAllocateMemory>(theirs);
    return reinterpret_cast<PFN_vkVoidFunction>(&Allocate);
  }
  static PFN_vkVoidFunction VKAPI_CALL OfInstance(VkInstance instance, const char* name) {
    const auto theirs = of_instance(instance, name);
    if (std::strcmp(name, "vkGetDeviceProcAddr") != 0) return theirs;
    of_device = reinterpret_cast<PFN_vkGetDeviceProcAddr>(theirs);
    return reinterpret_cast<PFN_vkVoidFunction>(&OfDevice);
  }
};
PFN_vkGetInstanceProcAddr PinsNothing::of_instance = nullptr;
PFN_vkGetDeviceProcAddr PinsNothing::of_device = nullptr;
PFN_vkAllocateMemory PinsNothing::allocate = nullptr;
std::set<VkDevice> PinsNothing::spoilt;

class HostSectionRefusalTest : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();  // loads what stands under volk from now on
    if (IsSkipped()) return;
    devices_.clear();
    {
      MutexLock lock(VolkMutex());
      PinsNothing::of_instance = std::exchange(vkGetInstanceProcAddr, &PinsNothing::OfInstance);
    }
    GpuTest::SetUp();
  }
  void TearDown() override {
    devices_.clear();
    MutexLock lock(VolkMutex());
    if (PinsNothing::of_instance != nullptr) vkGetInstanceProcAddr = PinsNothing::of_instance;
  }
};

TEST_F(HostSectionRefusalTest, WhatCannotBeImportedIsNotOffered) {
  for (const auto& device : devices_)
    for (const HandleSupport& support : device->info().handles) {
      if (support.type != HandleType::kHostSection) continue;
      EXPECT_FALSE(support.can_export || support.can_import) << device->info().name;
      if (device->info().device_type == VK_PHYSICAL_DEVICE_TYPE_CPU) {
        EXPECT_THAT(support.reason, HasSubstr("VK_ERROR_OUT_OF_HOST_MEMORY"));
        EXPECT_THAT(device->Allocate(RawRequest(4096, support.type)).status().message(),
                    HasSubstr("VK_ERROR_OUT_OF_HOST_MEMORY"));
      }
    }
}

TEST_F(HostSectionRefusalTest, TheTrialSpoilsNoOtherAllocation) {
  int allocated = 0;
  for (const auto& device : devices_)
    for (const HandleSupport& support : device->info().handles) {
      if (!support.can_export) continue;
      EXPECT_TRUE(device->Allocate(RawRequest(4096, support.type)).ok()) << device->info().name;
      ++allocated;
    }
  if (allocated == 0) GTEST_SKIP() << "no device exports by another handle type";
}

}  // namespace
}  // namespace vramd
