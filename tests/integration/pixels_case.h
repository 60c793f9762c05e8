// What is shared in one test, and which bytes it holds: the same in the process that writes and in
// the one that reads.
#ifndef VRAMD_TESTS_INTEGRATION_PIXELS_CASE_H_
#define VRAMD_TESTS_INTEGRATION_PIXELS_CASE_H_

#include <string>
#include <vector>

#include "common/gpu.h"
#include "vramd/vulkan.h"

namespace vramd {

struct PixelsCase {
  std::string name;  // of the test
  vramd_handle_type handle = VRAMD_HANDLE_ANY;
  VkFormat format = VK_FORMAT_UNDEFINED;  // undefined: a buffer
  uint32_t mip_levels = 1;
  uint32_t array_layers = 1;
  bool own_layouts = false;  // each side in a layout of its own, not the hand-over layout
  bool raw = false;          // memory alone, on which each side makes a buffer of its own

  AllocateInfo Request() const;

  // Fills the resource and hands it over.
  void Write(example::Gpu& gpu, const VulkanResource& shared) const;

  // "equal", or what is not. Takes the resource over and hands it on, so that it can be repeated.
  std::string Compare(example::Gpu& gpu, const VulkanResource& shared) const;

  bool is_image() const { return format != VK_FORMAT_UNDEFINED; }
};

// All of them: every resource with every handle type.
const std::vector<PixelsCase>& AllPixelsCases();

}  // namespace vramd

#endif  // VRAMD_TESTS_INTEGRATION_PIXELS_CASE_H_
