// A compute shader with its bindings, in plain Vulkan.
#ifndef EXAMPLES_COMMON_COMPUTE_H_
#define EXAMPLES_COMMON_COMPUTE_H_

#include <vector>

#include "common/gpu.h"

namespace example {

// Layers of an image, level 0, of an 8-bit RGBA format.
class ImageView {
 public:
  ImageView(Gpu& gpu, VkImage image, VkImageViewType type, uint32_t first_layer, uint32_t layers);
  ~ImageView() { vkDestroyImageView(gpu_.device(), view_, nullptr); }
  ImageView(const ImageView&) = delete;
  ImageView& operator=(const ImageView&) = delete;
  VkImageView get() const { return view_; }

 private:
  Gpu& gpu_;
  VkImageView view_ = VK_NULL_HANDLE;
};

// A storage image in VK_IMAGE_LAYOUT_GENERAL, or a whole storage buffer. Bound by position.
struct Binding {
  VkImageView image = VK_NULL_HANDLE;
  VkBuffer buffer = VK_NULL_HANDLE;
};

class ComputePass {
 public:
  // `code` is SPIR-V of `code_size` bytes, `push_size` bytes of push constants.
  ComputePass(Gpu& gpu, const uint32_t* code, size_t code_size,
              const std::vector<Binding>& bindings, uint32_t push_size);
  ~ComputePass();
  ComputePass(const ComputePass&) = delete;
  ComputePass& operator=(const ComputePass&) = delete;

  // Covers width x height texels with work groups of 8 x 8.
  void Record(VkCommandBuffer commands, const void* push, uint32_t width, uint32_t height) const;

 private:
  void CreateSet(const std::vector<Binding>& bindings);
  void CreatePipeline(const uint32_t* code, size_t code_size);

  Gpu& gpu_;
  uint32_t push_size_;
  VkDescriptorSetLayout set_layout_ = VK_NULL_HANDLE;
  VkDescriptorPool pool_ = VK_NULL_HANDLE;
  VkDescriptorSet set_ = VK_NULL_HANDLE;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipeline pipeline_ = VK_NULL_HANDLE;
};

}  // namespace example

#endif  // EXAMPLES_COMMON_COMPUTE_H_
