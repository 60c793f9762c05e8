// A second VkDevice, as another process would have it: imports what the device under test exports,
// and writes and reads it on the GPU. It follows the recipe by itself, without vramd's client.
#ifndef VRAMD_TESTS_GPU_TEST_IMPORTER_H_
#define VRAMD_TESTS_GPU_TEST_IMPORTER_H_

#include <array>
#include <functional>
#include <memory>

#include "base/os_handle.h"
#include "base/recipe.h"
#include "base/section.h"
#include "driver-shim/vulkan_context.h"

namespace vramd {

class TestImporter;

// Imported memory and the buffer or image on it. Raw memory gets a buffer over its whole size.
class Imported {
 public:
  ~Imported();

  // Fills it with a pattern on the GPU, and hands it over.
  void Fill(float brightness);
  // The first 16 bytes of the buffer, or the first texel of the last layer, copied by the GPU.
  std::array<uint8_t, 16> Read();

 private:
  friend class TestImporter;
  Imported(TestImporter& importer, const Recipe& recipe) : importer_(importer), recipe_(recipe) {}
  void Handover(VkCommandBuffer commands, bool acquire, VkImageLayout from);

  TestImporter& importer_;
  Recipe recipe_;
  MappedSection mapping_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkImage image_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
};

class TestImporter {
 public:
  // On the device at this position in the order of preference, and without one of its features if
  // `without` is given. Fails the test if it cannot.
  explicit TestImporter(uint32_t index, bool VulkanFacts::*without = nullptr);
  ~TestImporter();

  // Takes the handle. Null, and the test fails, if the driver refuses.
  std::unique_ptr<Imported> Import(const Recipe& recipe, OsHandle handle);

  const VulkanContext& context() const { return *context_; }

 private:
  friend class Imported;
  VkDevice device() const { return context_->device(); }
  const VolkDeviceTable& vk() const { return context_->vk(); }

  void CreateStaging();
  void CreateResource(Imported& imported);
  VkResult ImportMemory(Imported& imported, OsHandle handle);
  VkResult BindResource(const Imported& imported);
  void Run(const std::function<void(VkCommandBuffer)>& record);

  std::unique_ptr<VulkanContext> context_;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkBuffer staging_ = VK_NULL_HANDLE;  // 16 bytes that the host can read
  VkDeviceMemory staging_memory_ = VK_NULL_HANDLE;
  const uint8_t* staging_bytes_ = nullptr;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_GPU_TEST_IMPORTER_H_
