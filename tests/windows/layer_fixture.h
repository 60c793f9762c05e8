// One VkDevice made through the layer, over the system's driver or over the fake one.
#ifndef VRAMD_TESTS_WINDOWS_LAYER_FIXTURE_H_
#define VRAMD_TESTS_WINDOWS_LAYER_FIXTURE_H_

#include <gtest/gtest.h>
#include <windows.h>
// The Vulkan headers for Windows need windows.h before them.
#include <vulkan/vulkan_core.h>
//
#include <vulkan/vulkan_win32.h>

#include <string>

#include "driver-shim/layer/layer.h"
#include "tests/windows/fake_driver.h"

namespace vramd {

enum class Under { kSystemDriver, kFakeKhrDriver };

// The driver's functions; null where there is no Vulkan. One driver serves one test program's run,
// so the tests of the two modes are two ctest cases of the same program.
inline PFN_vkGetInstanceProcAddr DriverUnder(Under under) {
  if (under == Under::kFakeKhrDriver) return &FakeDriver::GetInstanceProcAddr;
  const HMODULE library = LoadLibraryW(L"vulkan-1.dll");
  if (library == nullptr) return nullptr;
  return reinterpret_cast<PFN_vkGetInstanceProcAddr>(
      reinterpret_cast<void*>(GetProcAddress(library, "vkGetInstanceProcAddr")));
}

class LayerTest : public testing::TestWithParam<Under> {
 protected:
  static constexpr auto kOpaque = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;
  static constexpr VkDeviceSize kSize = 1 << 20;

  void SetUp() override {
    const PFN_vkGetInstanceProcAddr driver = DriverUnder(GetParam());
    if (driver == nullptr) GTEST_SKIP() << "no vulkan-1.dll";
    layer::UseDriver(driver);
    CreateInstance();
    if (physical_device_ == VK_NULL_HANDLE) GTEST_SKIP() << "no Vulkan device";
    device_ = CreateDevice();
    get_handle_ = Device<PFN_vkGetMemoryWin32HandleNV>("vkGetMemoryWin32HandleNV");
    ASSERT_NE(get_handle_, nullptr);
  }

  void TearDown() override {
    if (device_ != VK_NULL_HANDLE) DestroyDevice(device_);
    if (instance_ != VK_NULL_HANDLE)
      Instance<PFN_vkDestroyInstance>("vkDestroyInstance")(instance_, nullptr);
  }

  template <typename Function>
  Function Instance(const char* name) const {
    return reinterpret_cast<Function>(layer::GetInstanceProcAddr(instance_, name));
  }
  template <typename Function>
  Function Device(const char* name) const {
    return reinterpret_cast<Function>(layer::GetDeviceProcAddr(device_, name));
  }

  void CreateInstance() {
    MakeInstance(VK_API_VERSION_1_1);
    if (instance_ == VK_NULL_HANDLE) return;
    uint32_t count = 1;
    Instance<PFN_vkEnumeratePhysicalDevices>("vkEnumeratePhysicalDevices")(instance_, &count,
                                                                           &physical_device_);
  }

  // Leaves its devices to the test.
  void MakeInstance(uint32_t version) {
    const char* const extension = VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME;
    VkApplicationInfo application = {VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.apiVersion = version;
    VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    info.pApplicationInfo = &application;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &extension;
    const auto create = reinterpret_cast<PFN_vkCreateInstance>(
        layer::GetInstanceProcAddr(nullptr, "vkCreateInstance"));
    if (create(&info, nullptr, &instance_) != VK_SUCCESS) instance_ = VK_NULL_HANDLE;
  }

  VkDevice CreateDevice() {
    const char* const extensions[] = {VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME,
                                      VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};
    const float priority = 1.0f;
    VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO};
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = 2;
    info.ppEnabledExtensionNames = extensions;
    VkDevice device = VK_NULL_HANDLE;
    EXPECT_EQ(
        Instance<PFN_vkCreateDevice>("vkCreateDevice")(physical_device_, &info, nullptr, &device),
        VK_SUCCESS);
    return device;
  }

  void DestroyDevice(VkDevice device) {
    reinterpret_cast<PFN_vkDestroyDevice>(layer::GetDeviceProcAddr(device, "vkDestroyDevice"))(
        device, nullptr);
  }

  VkResult Allocate(const void* chain, VkDeviceMemory* memory, uint32_t type = 0) {
    VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, chain, kSize, type};
    return Device<PFN_vkAllocateMemory>("vkAllocateMemory")(device_, &info, nullptr, memory);
  }
  VkDeviceMemory AllocateExportable(uint32_t type = 0) {
    const VkExportMemoryAllocateInfoNV exported = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                                   nullptr, kOpaque};
    VkDeviceMemory memory = VK_NULL_HANDLE;
    EXPECT_EQ(Allocate(&exported, &memory, type), VK_SUCCESS);
    return memory;
  }
  void Free(VkDeviceMemory memory) {
    Device<PFN_vkFreeMemory>("vkFreeMemory")(device_, memory, nullptr);
  }

  static bool IsOpen(HANDLE handle) {
    DWORD flags = 0;
    return GetHandleInformation(handle, &flags) != FALSE;
  }

  VkInstance instance_ = VK_NULL_HANDLE;
  VkPhysicalDevice physical_device_ = VK_NULL_HANDLE;
  VkDevice device_ = VK_NULL_HANDLE;
  PFN_vkGetMemoryWin32HandleNV get_handle_ = nullptr;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_WINDOWS_LAYER_FIXTURE_H_
