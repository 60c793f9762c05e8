// What the doctor makes of host sections: a real one is imported, and a driver that fails is
// believed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tools/vramctl/doctor.h"
#include "tools/vramctl/section_probe.h"

namespace vramctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

VkResult VKAPI_CALL NoPagesPinned(VkDevice, const VkMemoryAllocateInfo*,
                                  const VkAllocationCallbacks*, VkDeviceMemory*) {
  return VK_ERROR_OUT_OF_HOST_MEMORY;
}

bool Imports(VkPhysicalDevice device) {
  uint32_t count = 0;
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> all(count);
  vkEnumerateDeviceExtensionProperties(device, nullptr, &count, all.data());
  for (const VkExtensionProperties& extension : all)
    if (std::string(extension.extensionName) == VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)
      return true;
  return false;
}

TEST(Sections, AreImportedForReal) {
  const auto instance = VulkanInstance::Create();
  if (!instance.ok()) GTEST_SKIP() << instance.status().ToString();
  int tried = 0;
  for (VkPhysicalDevice device : instance->PhysicalDevices()) {
    VkPhysicalDeviceProperties properties{};
    vkGetPhysicalDeviceProperties(device, &properties);
    // What a GPU does is for the doctor to find out.
    if (properties.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU || !Imports(device)) continue;
    ++tried;
    const auto host = VulkanHost::Create(*instance, device);
    ASSERT_TRUE(host.ok()) << host.status().ToString();
    EXPECT_TRUE(ImportSection(*host).ok()) << ImportSection(*host).ToString();

    const auto works = std::exchange(vkAllocateMemory, &NoPagesPinned);
    const vramd::Status failed = ImportSection(*host);
    vkAllocateMemory = works;
    EXPECT_EQ(failed.message(), std::string("vkAllocateMemory: VK_ERROR_OUT_OF_HOST_MEMORY"));
  }
  if (tried == 0) GTEST_SKIP() << "no device that runs on the CPU";
}

TEST(Sections, AreNotPromisedWhereTheyFail) {
  vramd_importer importer = VRAMD_IMPORTER_INIT;
  importer.importable[0] = VRAMD_HANDLE_HOST_SECTION;
  importer.importable[1] = VRAMD_HANDLE_NV_WIN32;
  importer.importable_count = 2;
  Findings findings;
  JudgeSections("A GPU", {}, importer, findings);
  EXPECT_EQ(importer.importable_count, 2u);
  EXPECT_TRUE(findings.list().empty());

  JudgeSections("A GPU", {VRAMD_UNAVAILABLE, "vkAllocateMemory: VK_ERROR_OUT_OF_HOST_MEMORY"},
                importer, findings);
  ASSERT_EQ(importer.importable_count, 1u);
  EXPECT_EQ(importer.importable[0], VRAMD_HANDLE_NV_WIN32);
  ASSERT_EQ(findings.list().size(), 1u);
  EXPECT_EQ(findings.list()[0].verdict, Verdict::kWarning);
  EXPECT_THAT(findings.list()[0].text, AllOf(HasSubstr("A GPU"), HasSubstr("host sections"),
                                             HasSubstr("VK_ERROR_OUT_OF_HOST_MEMORY")));
  EXPECT_THAT(findings.list()[0].remedy, HasSubstr("another handle type"));
}

}  // namespace
}  // namespace vramctl
