// The layer as the Vulkan loader meets it: a DLL that is negotiated with and linked into a chain.
// The loader is this file. Below the layer stands another one, which counts what passes, over the
// system's driver or the fake one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <windows.h>
// The Vulkan headers for Windows need windows.h before them.
#include <vulkan/vk_layer.h>
//
#include <vulkan/vulkan_win32.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/windows/beside.h"
#include "tests/windows/fake_driver.h"
#include "tests/windows/layer_fixture.h"

namespace vramd {
namespace {

using ::testing::ElementsAre;

constexpr wchar_t kLibrary[] = L"VkLayer_vramd_external_memory.dll";
constexpr auto kOpaque = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_WIN32_BIT_NV;

// ---- The layer below ---------------------------------------------------------------------------

struct Below {
  static PFN_vkGetInstanceProcAddr driver;
  static int instances;
  static int devices;

  static VkResult CreateInstance(const VkInstanceCreateInfo* info,
                                 const VkAllocationCallbacks* allocator, VkInstance* instance) {
    ++instances;
    return Driver<PFN_vkCreateInstance>(nullptr, "vkCreateInstance")(info, allocator, instance);
  }
  static VkResult CreateDevice(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                               const VkAllocationCallbacks* allocator, VkDevice* device) {
    ++devices;
    return Driver<PFN_vkCreateDevice>(instance, "vkCreateDevice")(physical, info, allocator,
                                                                  device);
  }
  static PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance asked, const char* name) {
    if (asked != VK_NULL_HANDLE) instance = asked;
    if (std::strcmp(name, "vkCreateInstance") == 0)
      return reinterpret_cast<PFN_vkVoidFunction>(&CreateInstance);
    if (std::strcmp(name, "vkCreateDevice") == 0)
      return reinterpret_cast<PFN_vkVoidFunction>(&CreateDevice);
    return driver(asked, name);
  }

 private:
  static VkInstance instance;

  template <typename Function>
  static Function Driver(VkInstance of, const char* name) {
    return reinterpret_cast<Function>(driver(of, name));
  }
};
PFN_vkGetInstanceProcAddr Below::driver = nullptr;
int Below::instances = 0;
int Below::devices = 0;
VkInstance Below::instance = VK_NULL_HANDLE;

// ---- The loader --------------------------------------------------------------------------------

class LayerDllTest : public testing::TestWithParam<Under> {
 protected:
  void SetUp() override {
    library_ = LoadLibraryW(kLibrary);
    ASSERT_NE(library_, nullptr) << "Windows error " << GetLastError();
    negotiate_ =
        reinterpret_cast<PFN_vkNegotiateLoaderLayerInterfaceVersion>(reinterpret_cast<void*>(
            GetProcAddress(library_, "vkNegotiateLoaderLayerInterfaceVersion")));
    ASSERT_NE(negotiate_, nullptr);
    interface_.sType = LAYER_NEGOTIATE_INTERFACE_STRUCT;
    interface_.loaderLayerInterfaceVersion = CURRENT_LOADER_LAYER_INTERFACE_VERSION;
    Below::driver = DriverUnder(GetParam());
    Below::instances = Below::devices = 0;
  }
  void TearDown() override {
    if (device_ != VK_NULL_HANDLE) Device<PFN_vkDestroyDevice>("vkDestroyDevice")(device_, nullptr);
    if (instance_ != VK_NULL_HANDLE)
      Instance<PFN_vkDestroyInstance>("vkDestroyInstance")(instance_, nullptr);
    if (library_ != nullptr) FreeLibrary(library_);
  }

  template <typename Function>
  Function Instance(const char* name) const {
    return reinterpret_cast<Function>(interface_.pfnGetInstanceProcAddr(instance_, name));
  }
  template <typename Function>
  Function Device(const char* name) const {
    return reinterpret_cast<Function>(interface_.pfnGetDeviceProcAddr(device_, name));
  }

  void CreateInstance() {
    VkLayerInstanceLink link = {nullptr, &Below::GetInstanceProcAddr, nullptr};
    VkLayerInstanceCreateInfo chain = {
        VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO, nullptr, VK_LAYER_LINK_INFO, {&link}};
    // The loader's other structure of the same type, which is not the link.
    VkLayerInstanceCreateInfo other = {
        VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO, &chain, VK_LOADER_DATA_CALLBACK, {}};
    const char* const extension = VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME;
    VkApplicationInfo application = {VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.apiVersion = VK_API_VERSION_1_1;
    VkInstanceCreateInfo info = {VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, &other};
    info.pApplicationInfo = &application;
    info.enabledExtensionCount = 1;
    info.ppEnabledExtensionNames = &extension;
    ASSERT_EQ(Instance<PFN_vkCreateInstance>("vkCreateInstance")(&info, nullptr, &instance_),
              VK_SUCCESS);
    EXPECT_EQ(chain.u.pLayerInfo, nullptr) << "the link must be moved on for the next layer";
    uint32_t count = 1;
    Instance<PFN_vkEnumeratePhysicalDevices>("vkEnumeratePhysicalDevices")(instance_, &count,
                                                                           &physical_);
    ASSERT_EQ(count, 1u);
  }

  void CreateDevice() {
    VkLayerDeviceLink link = {
        nullptr, &Below::GetInstanceProcAddr,
        reinterpret_cast<PFN_vkGetDeviceProcAddr>(Below::driver(instance_, "vkGetDeviceProcAddr"))};
    VkLayerDeviceCreateInfo chain = {
        VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO, nullptr, VK_LAYER_LINK_INFO, {&link}};
    const char* const extensions[] = {VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME,
                                      VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME};
    const float priority = 1;
    VkDeviceQueueCreateInfo queue = {VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkDeviceCreateInfo info = {VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &chain};
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = 2;
    info.ppEnabledExtensionNames = extensions;
    ASSERT_EQ(Instance<PFN_vkCreateDevice>("vkCreateDevice")(physical_, &info, nullptr, &device_),
              VK_SUCCESS);
    EXPECT_EQ(chain.u.pLayerInfo, nullptr);
  }

  HMODULE library_ = nullptr;
  PFN_vkNegotiateLoaderLayerInterfaceVersion negotiate_ = nullptr;
  VkNegotiateLayerInterface interface_{};
  VkInstance instance_ = VK_NULL_HANDLE;
  VkPhysicalDevice physical_ = VK_NULL_HANDLE;
  VkDevice device_ = VK_NULL_HANDLE;
};

TEST_P(LayerDllTest, TheInterfaceIsNegotiated) {
  ASSERT_EQ(negotiate_(&interface_), VK_SUCCESS);
  EXPECT_EQ(interface_.loaderLayerInterfaceVersion, 2u);
  EXPECT_NE(interface_.pfnGetInstanceProcAddr, nullptr);
  EXPECT_NE(interface_.pfnGetDeviceProcAddr, nullptr);
  interface_.loaderLayerInterfaceVersion = 7;  // of a loader of years to come
  ASSERT_EQ(negotiate_(&interface_), VK_SUCCESS);
  EXPECT_EQ(interface_.loaderLayerInterfaceVersion, 2u);
}

TEST_P(LayerDllTest, AnOlderLoaderOrAnotherStructureIsRefused) {
  interface_.loaderLayerInterfaceVersion = 1;
  EXPECT_EQ(negotiate_(&interface_), VK_ERROR_INITIALIZATION_FAILED);
  interface_.loaderLayerInterfaceVersion = 2;
  interface_.sType = LAYER_NEGOTIATE_UNINTIALIZED;
  EXPECT_EQ(negotiate_(&interface_), VK_ERROR_INITIALIZATION_FAILED);
  EXPECT_EQ(interface_.pfnGetInstanceProcAddr, nullptr);
}

TEST_P(LayerDllTest, InAChainItGivesHandlesAndTakesThem) {
  if (Below::driver == nullptr) GTEST_SKIP() << "no vulkan-1.dll";
  ASSERT_EQ(negotiate_(&interface_), VK_SUCCESS);
  CreateInstance();
  CreateDevice();
  if (HasFatalFailure()) return;
  EXPECT_EQ(Below::instances, 1);
  EXPECT_EQ(Below::devices, 1);

  const auto allocate = Device<PFN_vkAllocateMemory>("vkAllocateMemory");
  const auto get = Device<PFN_vkGetMemoryWin32HandleNV>("vkGetMemoryWin32HandleNV");
  const auto free = Device<PFN_vkFreeMemory>("vkFreeMemory");
  ASSERT_NE(get, nullptr);
  const VkExportMemoryAllocateInfoNV exported = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO_NV,
                                                 nullptr, kOpaque};
  VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &exported, 1 << 20, 0};
  VkDeviceMemory memory = VK_NULL_HANDLE;
  ASSERT_EQ(allocate(device_, &info, nullptr, &memory), VK_SUCCESS);
  HANDLE handle = nullptr;
  ASSERT_EQ(get(device_, memory, kOpaque, &handle), VK_SUCCESS);
  const VkImportMemoryWin32HandleInfoNV imported = {
      VK_STRUCTURE_TYPE_IMPORT_MEMORY_WIN32_HANDLE_INFO_NV, nullptr, kOpaque, handle};
  info.pNext = &imported;
  VkDeviceMemory again = VK_NULL_HANDLE;
  EXPECT_EQ(allocate(device_, &info, nullptr, &again), VK_SUCCESS);
  DWORD flags = 0;
  EXPECT_FALSE(GetHandleInformation(handle, &flags)) << "the import owns it now";
  free(device_, again, nullptr);
  free(device_, memory, nullptr);
}

// ---- The manifest ------------------------------------------------------------------------------

std::set<std::string> Names(const nlohmann::json& extensions) {
  std::set<std::string> names;
  for (const auto& extension : extensions) names.insert(extension["name"]);
  return names;
}

nlohmann::json Manifest() {
  std::ifstream file(BesideThisProgram("VkLayer_vramd_external_memory.json"));
  return nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false);
}

TEST_P(LayerDllTest, TheManifestNamesTheLibraryAndWhatItGives) {
  const nlohmann::json layer = Manifest()["layer"];
  EXPECT_EQ(layer["name"], "VK_LAYER_VRAMD_external_memory");
  EXPECT_EQ(layer["library_path"], ".\\VkLayer_vramd_external_memory.dll");
  EXPECT_THAT(Names(layer["instance_extensions"]),
              ElementsAre(VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME));
  if (Below::driver == nullptr) GTEST_SKIP() << "no vulkan-1.dll";
  ASSERT_EQ(negotiate_(&interface_), VK_SUCCESS);
  CreateInstance();
  if (HasFatalFailure()) return;
  const auto list = [&](auto function, auto... of) {
    uint32_t count = 0;
    EXPECT_EQ(function(of..., nullptr, &count, nullptr), VK_SUCCESS);
    std::vector<VkExtensionProperties> all(count);
    EXPECT_EQ(function(of..., nullptr, &count, all.data()), VK_SUCCESS);
    std::set<std::string> names;
    for (const VkExtensionProperties& extension : all) names.insert(extension.extensionName);
    return names;
  };
  const std::set<std::string> below =
      list(reinterpret_cast<PFN_vkEnumerateDeviceExtensionProperties>(
               Below::driver(instance_, "vkEnumerateDeviceExtensionProperties")),
           physical_);
  std::set<std::string> given = list(
      Instance<PFN_vkEnumerateDeviceExtensionProperties>("vkEnumerateDeviceExtensionProperties"),
      physical_);
  for (const std::string& name : below) given.erase(name);
  EXPECT_EQ(given, Names(layer["device_extensions"]));
}

INSTANTIATE_TEST_SUITE_P(, LayerDllTest,
                         testing::Values(Under::kSystemDriver, Under::kFakeKhrDriver),
                         [](const auto& info) {
                           return info.param == Under::kSystemDriver ? "Section" : "Khr";
                         });

}  // namespace
}  // namespace vramd
