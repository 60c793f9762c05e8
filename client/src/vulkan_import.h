// How each handle type becomes VkDeviceMemory. One ImportVariant per type; the list is the host
// section, which every system has (vulkan_import_section.cc), and what the operating system adds
// (vulkan_import_<os>.cc).
//
// The rule of ownership lives in PendingImport: it owns the handle, and closes it unless Complete()
// gave it to the driver.
#ifndef VRAMD_CLIENT_SRC_VULKAN_IMPORT_H_
#define VRAMD_CLIENT_SRC_VULKAN_IMPORT_H_

#include <vulkan/vulkan_core.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "base/os_handle.h"
#include "base/recipe.h"
#include "base/section.h"
#include "vramd/vramd.h"

namespace vramd {

// One handle on its way into the driver.
class PendingImport {
 public:
  virtual ~PendingImport() = default;
  PendingImport(const PendingImport&) = delete;
  PendingImport& operator=(const PendingImport&) = delete;

  // To chain into VkImageCreateInfo, VkBufferCreateInfo and VkMemoryAllocateInfo. They live as long
  // as this object.
  virtual const void* image_chain() const = 0;
  virtual const void* buffer_chain() const = 0;
  virtual const void* allocate_chain() const = 0;

  // Bits of the memory types that the handle can be imported as.
  virtual uint32_t memory_types() const = 0;

  // vkAllocateMemory succeeded: the driver owns now what this handle type makes it own. Returns the
  // mapping that must outlive the VkDeviceMemory; an empty one where there is none.
  virtual MappedSection Complete() = 0;

 protected:
  PendingImport() = default;
};

// Imports one handle type on one VkDevice. Immutable, so any thread may call it.
class Importer {
 public:
  virtual ~Importer() = default;
  Importer(const Importer&) = delete;
  Importer& operator=(const Importer&) = delete;

  // `size` is the recipe's allocation_size, in bytes. Closes `handle` on failure.
  virtual absl::StatusOr<std::unique_ptr<PendingImport>> Begin(OsHandle handle,
                                                               uint64_t size) const = 0;

 protected:
  Importer() = default;
};

// Who says whether VkMemoryDedicatedAllocateInfo belongs into the import.
enum class Dedication {
  kRecipe,    // opaque memory: as it was exported, which Vulkan demands
  kImporter,  // a dma-buf: as this driver wants it for its own resource
  kNever,     // a host section: its size is rounded up, a dedicated one must be exact
};

struct ImportVariant {
  vramd_handle_type type;
  const char* name;                        // as flags and logs spell it
  VkExternalMemoryHandleTypeFlagBits bit;  // to ask the driver with; 0: the extension says it all
  std::vector<const char*> extensions;     // device extensions that must all be enabled
  bool same_device_only;                   // the handle means something to one driver only
  Dedication dedication;
  // NULL if `device` was created without the extensions.
  std::unique_ptr<Importer> (*make)(VkDevice device, PFN_vkGetDeviceProcAddr get);
};

// In order of preference. Static.
const std::vector<ImportVariant>& ImportVariants();

// NULL for a type that this operating system does not have.
const ImportVariant* FindImportVariant(vramd_handle_type type);
inline vramd_handle_type TypeOf(const Recipe& recipe) {
  return static_cast<vramd_handle_type>(recipe.handle_type);
}

std::vector<ImportVariant> NativeImportVariants();  // vulkan_import_<os>.cc
ImportVariant SectionImportVariant();               // vulkan_import_section.cc

}  // namespace vramd

#endif  // VRAMD_CLIENT_SRC_VULKAN_IMPORT_H_
