// What the layer's two lookup functions answer, for every command of Vulkan's registry.
//
// The layer must be in the way of a command under each of its names, and must not answer for what
// the driver below hasn't got. Which commands it must be in the way of follows from the structures
// that it rewrites and from the objects that it keeps books of: the registry knows who takes them.
#include <cstring>

#include "tests/windows/layer_fixture.h"
#include "tests/windows/registry.h"

namespace vramd {
namespace {

// ---- A driver that has everything --------------------------------------------------------------

// What it gives for commands that the fake driver doesn't have; never called.
void Marker() {}

struct FullDriver {
  static bool has_everything;

  static PFN_vkVoidFunction VKAPI_CALL Get(const char* name) {
    if (std::strcmp(name, "vkGetInstanceProcAddr") == 0)
      return reinterpret_cast<PFN_vkVoidFunction>(&GetInstanceProcAddr);
    if (std::strcmp(name, "vkGetDeviceProcAddr") == 0)
      return reinterpret_cast<PFN_vkVoidFunction>(&GetDeviceProcAddr);
    const auto known = FakeDriver::GetInstanceProcAddr(nullptr, name);
    return known != nullptr || !has_everything ? known : &Marker;
  }
  // Drivers and old loaders give functions of instances without an instance, too.
  static PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance, const char* name) {
    return Get(name);
  }
  static PFN_vkVoidFunction VKAPI_CALL GetDeviceProcAddr(VkDevice, const char* name) {
    return Get(name);
  }
};
bool FullDriver::has_everything = true;

class DispatchTest : public LayerTest {
 protected:
  void SetUp() override {
    FullDriver::has_everything = true;
    layer::UseDriver(&FullDriver::GetInstanceProcAddr);
    CreateInstance();
    ASSERT_NE(physical_device_, VK_NULL_HANDLE);
    device_ = CreateDevice();
    ASSERT_NE(device_, VK_NULL_HANDLE);
    // Whoever can't read the registry must not pass.
    ASSERT_GT(registry_.commands().size(), 400u) << "vk.xml must lie beside this program";
    ASSERT_GT(registry_.aliases().size(), 70u);
    ASSERT_GT(registry_.structures().size(), 500u);
  }

  PFN_vkVoidFunction OfInstance(const std::string& name) const {
    return layer::GetInstanceProcAddr(instance_, name.c_str());
  }
  PFN_vkVoidFunction OfDevice(const std::string& name) const {
    return layer::GetDeviceProcAddr(device_, name.c_str());
  }
  bool IsInterceptedByInstance(const std::string& name) const {
    return OfInstance(name) != FullDriver::Get(name.c_str());
  }
  bool IsInterceptedByDevice(const std::string& name) const {
    return OfDevice(name) != FullDriver::Get(name.c_str());
  }
  bool IsOfDevice(const std::string& command) const {
    const std::string& first = registry_.commands().at(command).front().type;
    return first == "VkDevice" || first == "VkQueue" || first == "VkCommandBuffer";
  }
  void ExpectIntercepted(const std::string& command, const std::string& why) const {
    EXPECT_TRUE(IsInterceptedByInstance(command)) << command << ": " << why;
    EXPECT_TRUE(!IsOfDevice(command) || IsInterceptedByDevice(command)) << command << ": " << why;
  }

  // The structures that the layer changes on their way down, or whose answers it changes, with all
  // that hold one of them.
  std::set<std::string> RewrittenStructures() const {
    std::set<std::string> found = {"VkPhysicalDeviceExternalBufferInfo"};
    std::set<std::string> chained = {"VkPhysicalDeviceExternalImageFormatInfo"};
    for (const char* name :
         {VK_NV_EXTERNAL_MEMORY_EXTENSION_NAME, VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME})
      chained.merge(std::set<std::string>(registry_.extension(name).types));
    for (const std::string& name : chained)
      if (const auto it = registry_.structures().find(name); it != registry_.structures().end())
        found.insert(it->second.extends.begin(), it->second.extends.end());
    for (size_t before = 0; before != found.size();) {
      before = found.size();
      for (const auto& [name, structure] : registry_.structures())
        for (const Registry::Field& member : structure.members)
          if (found.contains(member.type)) found.insert(name);
    }
    return found;
  }
  bool Holds(const std::string& structure, const char* type) const {
    const auto it = registry_.structures().find(structure);
    if (it == registry_.structures().end()) return false;
    for (const Registry::Field& member : it->second.members)
      if (member.type == type) return true;
    return false;
  }

  const Registry registry_ = Registry::Read();
};

// ---- Every name --------------------------------------------------------------------------------

TEST_F(DispatchTest, EachAliasOfAnInterceptedCommandIsIntercepted) {
  int checked = 0;
  for (const auto& [alias, command] : registry_.aliases()) {
    if (!IsInterceptedByInstance(command)) continue;
    ++checked;
    EXPECT_TRUE(IsInterceptedByInstance(alias)) << alias;
    EXPECT_EQ(OfInstance(alias), OfInstance(command)) << alias;
    if (!IsInterceptedByDevice(command)) continue;
    EXPECT_TRUE(IsInterceptedByDevice(alias)) << alias;
  }
  EXPECT_GT(checked, 4);
}

TEST_F(DispatchTest, CommandsThatTakeRewrittenStructuresAreIntercepted) {
  const std::set<std::string> rewritten = RewrittenStructures();
  for (const char* known : {"VkImageCreateInfo", "VkMemoryAllocateInfo",
                            "VkDeviceImageMemoryRequirements", "VkPhysicalDeviceImageFormatInfo2"})
    ASSERT_TRUE(rewritten.contains(known)) << known;
  for (const auto& [command, parameters] : registry_.commands())
    for (const Registry::Field& parameter : parameters)
      if (rewritten.contains(parameter.type)) ExpectIntercepted(command, parameter.type);
}

TEST_F(DispatchTest, CommandsThatGivePhysicalDevicesAreIntercepted) {
  int checked = 0;
  for (const auto& [command, parameters] : registry_.commands())
    for (const Registry::Field& parameter : parameters) {
      if (!parameter.is_pointer || parameter.is_const) continue;
      if (parameter.type != "VkPhysicalDevice" && !Holds(parameter.type, "VkPhysicalDevice"))
        continue;
      ++checked;
      ExpectIntercepted(command, parameter.type);
    }
  EXPECT_GE(checked, 2);
}

TEST_F(DispatchTest, CommandsOfTheGivenExtensionsAreIntercepted) {
  for (const char* name : {VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME,
                           VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME}) {
    EXPECT_FALSE(registry_.extension(name).commands.empty()) << name;
    for (const std::string& command : registry_.extension(name).commands)
      ExpectIntercepted(command, name);
  }
}

TEST_F(DispatchTest, CommandsThatTheDriverLacksAreNotGiven) {
  FullDriver::has_everything = false;
  std::set<std::string> added;
  for (const char* name : {VK_NV_EXTERNAL_MEMORY_CAPABILITIES_EXTENSION_NAME,
                           VK_NV_EXTERNAL_MEMORY_WIN32_EXTENSION_NAME})
    added.merge(std::set<std::string>(registry_.extension(name).commands));
  const auto check = [&](const std::string& name) {
    if (FullDriver::Get(name.c_str()) != nullptr || added.contains(name)) return;
    EXPECT_EQ(OfInstance(name), nullptr) << name;
    EXPECT_EQ(OfDevice(name), nullptr) << name;
  };
  for (const auto& [command, parameters] : registry_.commands()) check(command);
  for (const auto& [alias, command] : registry_.aliases()) check(alias);
}

// ---- Version 1.0 ------------------------------------------------------------------------------

// An application of version 1.0 enables no extension for the queries, and knows the extensions'
// names of what later became core.
class VersionOneTest : public LayerTest {
 protected:
  void SetUp() override {
    FakeDriver::is_version_1_0 = true;
    layer::UseDriver(&FakeDriver::GetInstanceProcAddr);
    MakeInstance(VK_API_VERSION_1_0);
    ASSERT_NE(instance_, VK_NULL_HANDLE);
    FindDevice();
  }
  void TearDown() override {
    LayerTest::TearDown();
    FakeDriver::is_version_1_0 = false;
  }
  void FindDevice() {
    const auto list =
        Instance<PFN_vkEnumeratePhysicalDeviceGroups>("vkEnumeratePhysicalDeviceGroupsKHR");
    ASSERT_NE(list, nullptr);
    uint32_t count = 1;
    VkPhysicalDeviceGroupProperties group = {VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_GROUP_PROPERTIES};
    ASSERT_EQ(list(instance_, &count, &group), VK_SUCCESS);
    physical_device_ = group.physicalDevices[0];
  }
};

TEST_F(VersionOneTest, ADeviceFromAGroupIsKnown) {
  EXPECT_EQ(layer::GetInstanceProcAddr(instance_, "vkEnumeratePhysicalDeviceGroups"), nullptr);
  VkExternalImageFormatPropertiesNV answer = {};
  EXPECT_EQ(Instance<PFN_vkGetPhysicalDeviceExternalImageFormatPropertiesNV>(
                "vkGetPhysicalDeviceExternalImageFormatPropertiesNV")(
                physical_device_, VK_FORMAT_R8G8B8A8_UNORM, VK_IMAGE_TYPE_2D,
                VK_IMAGE_TILING_OPTIMAL, VK_IMAGE_USAGE_TRANSFER_DST_BIT, 0, kOpaque, &answer),
            VK_SUCCESS);
  EXPECT_NE(answer.externalMemoryFeatures, 0u);
}

TEST_F(VersionOneTest, ImagesAreQueriedByTheExtensionsNames) {
  device_ = CreateDevice();
  ASSERT_NE(device_, VK_NULL_HANDLE);
  const VkImageMemoryRequirementsInfo2 info = {VK_STRUCTURE_TYPE_IMAGE_MEMORY_REQUIREMENTS_INFO_2};
  VkMemoryRequirements2 answer = {VK_STRUCTURE_TYPE_MEMORY_REQUIREMENTS_2};
  EXPECT_EQ(layer::GetDeviceProcAddr(device_, "vkGetImageMemoryRequirements2"), nullptr);
  const auto ask = Device<PFN_vkGetImageMemoryRequirements2>("vkGetImageMemoryRequirements2KHR");
  ASSERT_NE(ask, nullptr);
  ask(device_, &info, &answer);
  EXPECT_EQ(answer.memoryRequirements.size, 1u << 20);
}

// ---- Without an instance -----------------------------------------------------------------------

TEST_F(DispatchTest, WithoutAnInstanceOnlyGlobalCommandsAreGiven) {
  int global = 0;
  const auto check = [&](const std::string& name, bool is_global) {
    global += is_global;
    EXPECT_EQ(layer::GetInstanceProcAddr(VK_NULL_HANDLE, name.c_str()) != nullptr, is_global)
        << name;
  };
  for (const auto& [command, parameters] : registry_.commands())
    check(command, registry_.IsGlobal(command));
  for (const auto& [alias, command] : registry_.aliases())
    check(alias, registry_.IsGlobal(command));
  EXPECT_EQ(global, 5);
}

// The loader asks its first layer for vkCreateInstance with a handle that no layer has seen yet.
TEST_F(DispatchTest, AnUnknownInstanceGetsWhatNoInstanceGets) {
  int unknown = 0;
  for (const auto& [command, parameters] : registry_.commands())
    EXPECT_EQ(layer::GetInstanceProcAddr(reinterpret_cast<VkInstance>(&unknown), command.c_str()),
              layer::GetInstanceProcAddr(VK_NULL_HANDLE, command.c_str()))
        << command;
}

TEST_F(DispatchTest, WithoutADeviceNothingIsGiven) {
  int unknown = 0;
  for (const auto& [command, parameters] : registry_.commands())
    for (const VkDevice device : {VkDevice{VK_NULL_HANDLE}, reinterpret_cast<VkDevice>(&unknown)})
      EXPECT_EQ(layer::GetDeviceProcAddr(device, command.c_str()), nullptr) << command;
}

// Without a driver below there is nothing to hand on, and the layer's own must not fall over.
TEST_F(DispatchTest, WithoutADriverTheExtensionsAreListedAllTheSame) {
  layer::UseDriver(nullptr);
  uint32_t count = 0;
  const auto list = reinterpret_cast<PFN_vkEnumerateInstanceExtensionProperties>(
      layer::GetInstanceProcAddr(VK_NULL_HANDLE, "vkEnumerateInstanceExtensionProperties"));
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list(nullptr, &count, nullptr), VK_SUCCESS);
  EXPECT_EQ(count, 1u);
  EXPECT_EQ(layer::GetInstanceProcAddr(VK_NULL_HANDLE, "vkEnumerateInstanceVersion"), nullptr);
}

}  // namespace
}  // namespace vramd
