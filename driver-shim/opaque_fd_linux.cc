#include "driver-shim/opaque_fd_linux.h"

#include "driver-shim/fd_memory_linux.h"

namespace vramd {
namespace {

constexpr const char* kExtensions[] = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME};

ExporterSupport Supported(const VulkanContext& context) {
  return FdSupport(context, VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT);
}

}  // namespace

constinit const Exporter kOpaqueFdExporter = {
    HandleType::kOpaqueFd,
    VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT,
    VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
    kExtensions,
    &Supported,
    &CreateFdMemory,
};

}  // namespace vramd
