// A Vulkan driver with one device, no GPU, and VK_KHR_external_memory_win32 by the letter: a handle
// is exported once for a memory, and an import takes no ownership. It counts what it is asked, so
// that a test sees what the layer made of the application's calls. Or, for what is asked before a
// device is made, a driver with VK_EXT_external_memory_host instead.
#ifndef VRAMD_TESTS_WINDOWS_FAKE_DRIVER_H_
#define VRAMD_TESTS_WINDOWS_FAKE_DRIVER_H_

#include <vulkan/vulkan_core.h>

#include <functional>

namespace vramd {

struct FakeDriver {
  static PFN_vkVoidFunction VKAPI_CALL GetInstanceProcAddr(VkInstance instance, const char* name);

  static bool has_host_memory_instead;
  // Then: whether it grants buffers for copies. It denies everything else.
  static bool grants_plain_buffers;
  // Version 1.0: what later versions made core has only the names of the extensions, which must be
  // enabled.
  static bool is_version_1_0;

  static int exports;     // calls of vkGetMemoryWin32HandleKHR
  static int violations;  // of a rule of the KHR extension; NV structures in a chain are some
  // Is shown each chain of an image or a memory, if it is set.
  static std::function<void(const void* chain)> sees_chain;
  // What the next call of vkGetMemoryWin32HandleKHR answers.
  static VkResult next_export_result;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_WINDOWS_FAKE_DRIVER_H_
