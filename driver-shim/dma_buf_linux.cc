#include "driver-shim/dma_buf_linux.h"

#include "driver-shim/fd_memory_linux.h"

namespace vramd {
namespace {

// Without VK_EXT_image_drm_format_modifier: images have optimal or linear tiling here, and the
// driver says for each whether a dma-buf can carry it.
constexpr const char* kExtensions[] = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
                                       VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME};

ExporterSupport Supported(const VulkanContext& context) {
  return FdSupport(context, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
}

}  // namespace

constinit const Exporter kDmaBufExporter = {
    HandleType::kDmaBuf,
    VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
    kExtensions,
    &Supported,
    &CreateFdMemory,
};

}  // namespace vramd
