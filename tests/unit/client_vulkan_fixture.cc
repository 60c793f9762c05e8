#include "tests/unit/client_vulkan_fixture.h"

#include <cstring>

#include "base/section.h"
#include "client/src/recipe_convert.h"

vramd_result vramd_lease_get_recipe(const vramd_lease* lease, vramd_recipe* recipe) {
  vramd::WriteRecipe(lease->recipe, recipe);
  return VRAMD_OK;
}

vramd_result vramd_lease_get_handle(const vramd_lease* lease, intptr_t* handle) {
  ++lease->handles_given;
  *handle = lease->fd;
  return VRAMD_OK;
}

namespace vramd {
namespace {

template <typename Handle>
Handle Fake(uintptr_t value) {
  return reinterpret_cast<Handle>(value);
}

Driver* driver = nullptr;  // of the running test

VkResult CreateImage(VkDevice, const VkImageCreateInfo* info, const VkAllocationCallbacks*,
                     VkImage* image) {
  driver->calls.push_back("CreateImage");
  driver->image_info = *info;
  for (auto* link = static_cast<const VkBaseInStructure*>(info->pNext); link != nullptr;
       link = link->pNext) {
    if (link->sType != VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO) continue;
    const auto* list = reinterpret_cast<const VkImageFormatListCreateInfo*>(link);
    driver->view_formats.assign(list->pViewFormats, list->pViewFormats + list->viewFormatCount);
  }
  *image = Fake<VkImage>(11);
  return VK_SUCCESS;
}

VkResult CreateBuffer(VkDevice, const VkBufferCreateInfo*, const VkAllocationCallbacks*,
                      VkBuffer* buffer) {
  driver->calls.push_back("CreateBuffer");
  *buffer = Fake<VkBuffer>(12);
  return VK_SUCCESS;
}

void DestroyImage(VkDevice, VkImage image, const VkAllocationCallbacks*) {
  if (image != VK_NULL_HANDLE) driver->calls.push_back("DestroyImage");
}

void DestroyBuffer(VkDevice, VkBuffer buffer, const VkAllocationCallbacks*) {
  if (buffer != VK_NULL_HANDLE) driver->calls.push_back("DestroyBuffer");
}

void AnswerRequirements(VkMemoryRequirements2* needs) {
  needs->memoryRequirements = {driver->resource_size, 1, driver->memory_type_bits};
  auto* dedicated = static_cast<VkMemoryDedicatedRequirements*>(needs->pNext);
  dedicated->prefersDedicatedAllocation = driver->prefers_dedicated ? VK_TRUE : VK_FALSE;
  dedicated->requiresDedicatedAllocation = driver->requires_dedicated ? VK_TRUE : VK_FALSE;
}

void ImageRequirements(VkDevice, const VkImageMemoryRequirementsInfo2*,
                       VkMemoryRequirements2* needs) {
  AnswerRequirements(needs);
}

void BufferRequirements(VkDevice, const VkBufferMemoryRequirementsInfo2*,
                        VkMemoryRequirements2* needs) {
  AnswerRequirements(needs);
}

void ReadImportChain(const void* next) {
  for (auto* link = static_cast<const VkBaseInStructure*>(next); link != nullptr;
       link = link->pNext) {
    if (link->sType == VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO)
      driver->allocate_was_dedicated = true;
    if (link->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR)
      driver->imported_fd = reinterpret_cast<const VkImportMemoryFdInfoKHR*>(link)->fd;
    if (link->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT)
      driver->imported_pointer = static_cast<char*>(
          reinterpret_cast<const VkImportMemoryHostPointerInfoEXT*>(link)->pHostPointer);
  }
}

VkResult AllocateMemory(VkDevice, const VkMemoryAllocateInfo* info, const VkAllocationCallbacks*,
                        VkDeviceMemory* memory) {
  driver->calls.push_back("AllocateMemory");
  driver->allocate_info = *info;
  ReadImportChain(info->pNext);
  if (driver->allocate_result == VK_SUCCESS) *memory = Fake<VkDeviceMemory>(13);
  return driver->allocate_result;
}

void FreeMemory(VkDevice, VkDeviceMemory memory, const VkAllocationCallbacks*) {
  if (memory == VK_NULL_HANDLE) return;
  driver->calls.push_back("FreeMemory");
  if (driver->imported_pointer != nullptr) driver->byte_at_free = *driver->imported_pointer;
}

VkResult BindImage(VkDevice, VkImage, VkDeviceMemory, VkDeviceSize) { return driver->bind_result; }
VkResult BindBuffer(VkDevice, VkBuffer, VkDeviceMemory, VkDeviceSize) {
  return driver->bind_result;
}

void PipelineBarrier(VkCommandBuffer, VkPipelineStageFlags from, VkPipelineStageFlags to,
                     VkDependencyFlags, uint32_t, const VkMemoryBarrier*, uint32_t buffer_count,
                     const VkBufferMemoryBarrier* buffers, uint32_t image_count,
                     const VkImageMemoryBarrier* images) {
  driver->barriers.push_back(
      {from, to, {images, images + image_count}, {buffers, buffers + buffer_count}});
}

VkResult HostPointerProperties(VkDevice, VkExternalMemoryHandleTypeFlagBits, const void*,
                               VkMemoryHostPointerPropertiesEXT* properties) {
  properties->memoryTypeBits = 0b10;
  return VK_SUCCESS;
}

VkResult FdProperties(VkDevice, VkExternalMemoryHandleTypeFlagBits, int,
                      VkMemoryFdPropertiesKHR* properties) {
  properties->memoryTypeBits = 0b10;
  return VK_SUCCESS;
}

void Unused() {}

PFN_vkVoidFunction GetDeviceProc(VkDevice, const char* name) {
  if (std::strcmp(name, "vkGetMemoryHostPointerPropertiesEXT") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&HostPointerProperties);
  if (std::strcmp(name, "vkGetMemoryFdPropertiesKHR") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&FdProperties);
  return &Unused;
}

}  // namespace

ClientVulkanTest::ClientVulkanTest() {
  driver = &driver_;
  device_.device = Fake<VkDevice>(1);
  device_.vk = {&AllocateMemory,     &FreeMemory, &CreateBuffer,   &DestroyBuffer,
                &BufferRequirements, &BindBuffer, &CreateImage,    &DestroyImage,
                &ImageRequirements,  &BindImage,  &PipelineBarrier};
  device_.description.name = "fake";
  device_.description.memory.memoryTypeCount = 2;
  device_.description.host_pointer_alignment = SectionAlignment();
  for (const ImportVariant& variant : ImportVariants()) {
    device_.description.variants.push_back(&variant);
    device_.importers.emplace(variant.type, variant.make(device_.device, &GetDeviceProc));
  }
  lease_.recipe.allocation_size = kSize;
  lease_.recipe.memory_type_index = 1;
  lease_.recipe.handover_layout = VK_IMAGE_LAYOUT_GENERAL;
}

ClientVulkanTest::~ClientVulkanTest() { driver = nullptr; }

void ClientVulkanTest::LeaseOf(vramd_resource_kind kind, vramd_handle_type type) {
  lease_.recipe.kind = static_cast<ResourceKind>(kind);
  lease_.recipe.handle_type = static_cast<HandleType>(type);
  lease_.recipe.image.format = VK_FORMAT_R8G8B8A8_UNORM;
  lease_.fd = CreateSection(kSize, "test")->Release();
}

}  // namespace vramd
