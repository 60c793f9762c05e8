#include "tests/gpu/test_importer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "driver-shim/exporter.h"
#include "driver-shim/memory_choice.h"

namespace vramd {
namespace {

constexpr VkDeviceSize kStagingSize = 16;

VkExternalMemoryHandleTypeFlagBits HandleBit(HandleType type) {
  switch (type) {
    case HandleType::kOpaqueFd:
      return VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    case HandleType::kDmaBuf:
      return VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    default:
      return VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  }
}

VkImageSubresourceRange WholeImage() {
  return {VK_IMAGE_ASPECT_COLOR_BIT, 0, VK_REMAINING_MIP_LEVELS, 0, VK_REMAINING_ARRAY_LAYERS};
}

// The device at `index`, by the same order of preference as the device under test.
VulkanFacts FactsAt(const VulkanInstance& instance, uint32_t index) {
  const auto wanted = {VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
                       VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU, VK_PHYSICAL_DEVICE_TYPE_CPU,
                       VK_PHYSICAL_DEVICE_TYPE_OTHER};
  std::vector<VulkanFacts> ordered;
  const auto devices = instance.PhysicalDevices();
  for (const VkPhysicalDeviceType type : wanted)
    for (VkPhysicalDevice device : *devices)
      if (auto facts = ReadFacts(instance, device);
          facts.ok() && facts->info.device_type == static_cast<uint32_t>(type))
        ordered.push_back(*facts);
  return ordered.at(index);
}

}  // namespace

TestImporter::TestImporter(uint32_t index, bool VulkanFacts::*without) {
  MutexLock lock(VolkMutex());
  auto instance = VulkanInstance::Open();
  std::vector<const char*> extensions;
  for (const Exporter* exporter : Exporters())
    extensions.insert(extensions.end(), exporter->extensions.begin(), exporter->extensions.end());
  VulkanFacts facts = FactsAt(**instance, index);
  if (without != nullptr) facts.*without = false;
  auto context = VulkanContext::Open(*instance, std::move(facts), extensions);
  EXPECT_TRUE(context.ok()) << context.status();
  context_ = *std::move(context);
  vk().vkGetDeviceQueue(device(), context_->queue_family(), 0, &queue_);
  VkCommandPoolCreateInfo pool = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = context_->queue_family();
  EXPECT_EQ(vk().vkCreateCommandPool(device(), &pool, nullptr, &pool_), VK_SUCCESS);
  CreateStaging();
}

TestImporter::~TestImporter() {
  vk().vkDestroyBuffer(device(), staging_, nullptr);
  vk().vkFreeMemory(device(), staging_memory_, nullptr);
  vk().vkDestroyCommandPool(device(), pool_, nullptr);
}

void TestImporter::CreateStaging() {
  VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO};
  info.size = kStagingSize;
  info.usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  ASSERT_EQ(vk().vkCreateBuffer(device(), &info, nullptr, &staging_), VK_SUCCESS);
  VkMemoryRequirements needs;
  vk().vkGetBufferMemoryRequirements(device(), staging_, &needs);
  VkMemoryAllocateInfo allocate = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  allocate.allocationSize = needs.size;
  allocate.memoryTypeIndex =
      *ChooseMemoryType(context_->facts().memory, needs.memoryTypeBits, MemoryIntent::kUpload);
  ASSERT_EQ(vk().vkAllocateMemory(device(), &allocate, nullptr, &staging_memory_), VK_SUCCESS);
  ASSERT_EQ(vk().vkBindBufferMemory(device(), staging_, staging_memory_, 0), VK_SUCCESS);
  void* bytes = nullptr;
  ASSERT_EQ(vk().vkMapMemory(device(), staging_memory_, 0, VK_WHOLE_SIZE, 0, &bytes), VK_SUCCESS);
  staging_bytes_ = static_cast<const uint8_t*>(bytes);
}

void TestImporter::CreateResource(Imported& imported) {
  const Recipe& recipe = imported.recipe_;
  if (recipe.kind == ResourceKind::kImage) {
    VkExternalMemoryImageCreateInfo external = {
        VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO, nullptr,
        static_cast<VkFlags>(HandleBit(recipe.handle_type))};
    VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO, &external};
    info.flags = recipe.image.flags;
    info.imageType = static_cast<VkImageType>(recipe.image.image_type);
    info.format = static_cast<VkFormat>(recipe.image.format);
    info.extent = {recipe.image.width, recipe.image.height, recipe.image.depth};
    info.mipLevels = recipe.image.mip_levels;
    info.arrayLayers = recipe.image.array_layers;
    info.samples = static_cast<VkSampleCountFlagBits>(recipe.image.samples);
    info.tiling = static_cast<VkImageTiling>(recipe.image.tiling);
    info.usage = recipe.image.usage;
    EXPECT_EQ(vk().vkCreateImage(device(), &info, nullptr, &imported.image_), VK_SUCCESS);
    return;
  }
  VkExternalMemoryBufferCreateInfo external = {VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO,
                                               nullptr,
                                               static_cast<VkFlags>(HandleBit(recipe.handle_type))};
  VkBufferCreateInfo info = {VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, &external};
  const bool is_buffer = recipe.kind == ResourceKind::kBuffer;
  info.size = is_buffer ? recipe.buffer.size : recipe.allocation_size;
  info.usage = is_buffer ? recipe.buffer.usage
                         : VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  EXPECT_EQ(vk().vkCreateBuffer(device(), &info, nullptr, &imported.buffer_), VK_SUCCESS);
}

VkResult TestImporter::ImportMemory(Imported& imported, OsHandle handle) {
  const Recipe& recipe = imported.recipe_;
  VkMemoryDedicatedAllocateInfo dedicated = {VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO,
                                             nullptr, imported.image_, imported.buffer_};
  const void* next = recipe.dedicated ? &dedicated : nullptr;
  VkImportMemoryFdInfoKHR fd = {VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR, next,
                                HandleBit(recipe.handle_type), handle.get()};
  VkImportMemoryHostPointerInfoEXT pointer = {VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
                                              next, HandleBit(recipe.handle_type)};
  VkMemoryAllocateInfo info = {VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &fd};
  if (recipe.handle_type == HandleType::kHostSection) {
    auto mapping = MappedSection::Map(handle, recipe.allocation_size, SectionAccess::kReadWrite);
    EXPECT_TRUE(mapping.ok()) << mapping.status();
    imported.mapping_ = *std::move(mapping);
    pointer.pHostPointer = imported.mapping_.data();
    info.pNext = &pointer;
  }
  info.allocationSize = recipe.allocation_size;
  info.memoryTypeIndex = recipe.memory_type_index;
  const VkResult result = vk().vkAllocateMemory(device(), &info, nullptr, &imported.memory_);
  // An imported fd belongs to the driver; a section stays ours.
  if (result == VK_SUCCESS && recipe.handle_type != HandleType::kHostSection)
    (void)handle.Release();
  return result;
}

VkResult TestImporter::BindResource(const Imported& imported) {
  return imported.image_ != VK_NULL_HANDLE
             ? vk().vkBindImageMemory(device(), imported.image_, imported.memory_, 0)
             : vk().vkBindBufferMemory(device(), imported.buffer_, imported.memory_, 0);
}

std::unique_ptr<Imported> TestImporter::Import(const Recipe& recipe, OsHandle handle) {
  std::unique_ptr<Imported> imported(new Imported(*this, recipe));
  CreateResource(*imported);
  VkMemoryRequirements needs = {};
  if (imported->image_ != VK_NULL_HANDLE) {
    vk().vkGetImageMemoryRequirements(device(), imported->image_, &needs);
  } else {
    vk().vkGetBufferMemoryRequirements(device(), imported->buffer_, &needs);
  }
  EXPECT_LE(needs.size, recipe.allocation_size);
  EXPECT_NE(needs.memoryTypeBits & (1u << recipe.memory_type_index), 0u);
  EXPECT_EQ(ImportMemory(*imported, std::move(handle)), VK_SUCCESS);
  EXPECT_EQ(BindResource(*imported), VK_SUCCESS);
  return imported;
}

void TestImporter::Run(const std::function<void(VkCommandBuffer)>& record) {
  VkCommandBufferAllocateInfo allocate = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool_;
  allocate.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  ASSERT_EQ(vk().vkAllocateCommandBuffers(device(), &allocate, &commands), VK_SUCCESS);
  VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  ASSERT_EQ(vk().vkBeginCommandBuffer(commands, &begin), VK_SUCCESS);
  record(commands);
  ASSERT_EQ(vk().vkEndCommandBuffer(commands), VK_SUCCESS);
  VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  ASSERT_EQ(vk().vkQueueSubmit(queue_, 1, &submit, VK_NULL_HANDLE), VK_SUCCESS);
  ASSERT_EQ(vk().vkQueueWaitIdle(queue_), VK_SUCCESS);
  vk().vkFreeCommandBuffers(device(), pool_, 1, &commands);
}

Imported::~Imported() {
  importer_.vk().vkDestroyBuffer(importer_.device(), buffer_, nullptr);
  importer_.vk().vkDestroyImage(importer_.device(), image_, nullptr);
  importer_.vk().vkFreeMemory(importer_.device(), memory_, nullptr);
}

// Takes the resource from VK_QUEUE_FAMILY_EXTERNAL, or gives it there.
void Imported::Handover(VkCommandBuffer commands, bool acquire, VkImageLayout from) {
  const uint32_t ours = importer_.context().queue_family();
  const uint32_t source = acquire ? VK_QUEUE_FAMILY_EXTERNAL : ours;
  const uint32_t target = acquire ? ours : VK_QUEUE_FAMILY_EXTERNAL;
  const VkAccessFlags access = VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  VkBufferMemoryBarrier buffer = {VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER};
  VkImageMemoryBarrier image = {VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
  buffer.srcAccessMask = image.srcAccessMask = acquire ? 0 : access;
  buffer.dstAccessMask = image.dstAccessMask = acquire ? access : 0;
  buffer.srcQueueFamilyIndex = image.srcQueueFamilyIndex = source;
  buffer.dstQueueFamilyIndex = image.dstQueueFamilyIndex = target;
  buffer.buffer = buffer_;
  buffer.size = VK_WHOLE_SIZE;
  image.image = image_;
  image.oldLayout = from;
  image.newLayout = static_cast<VkImageLayout>(recipe_.handover_layout);
  image.subresourceRange = WholeImage();
  importer_.vk().vkCmdPipelineBarrier(
      commands, acquire ? VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT : VK_PIPELINE_STAGE_TRANSFER_BIT,
      acquire ? VK_PIPELINE_STAGE_TRANSFER_BIT : VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
      nullptr, buffer_ != VK_NULL_HANDLE ? 1 : 0, &buffer, image_ != VK_NULL_HANDLE ? 1 : 0,
      &image);
}

void Imported::Fill(float brightness) {
  const auto layout = static_cast<VkImageLayout>(recipe_.handover_layout);
  importer_.Run([&](VkCommandBuffer commands) {
    if (buffer_ != VK_NULL_HANDLE) {
      uint32_t word;
      std::memcpy(&word, &brightness, sizeof(word));
      importer_.vk().vkCmdFillBuffer(commands, buffer_, 0, VK_WHOLE_SIZE, word);
    } else {
      Handover(commands, true, VK_IMAGE_LAYOUT_UNDEFINED);
      const VkClearColorValue colour = {{brightness, brightness / 2, brightness / 4, 1.0f}};
      const VkImageSubresourceRange range = WholeImage();
      importer_.vk().vkCmdClearColorImage(commands, image_, layout, &colour, 1, &range);
    }
    Handover(commands, false, layout);
  });
}

std::array<uint8_t, 16> Imported::Read() {
  const auto layout = static_cast<VkImageLayout>(recipe_.handover_layout);
  importer_.Run([&](VkCommandBuffer commands) {
    importer_.vk().vkCmdFillBuffer(commands, importer_.staging_, 0, VK_WHOLE_SIZE, 0);
    VkMemoryBarrier cleared = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr,
                               VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_TRANSFER_WRITE_BIT};
    importer_.vk().vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                        VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &cleared, 0, nullptr,
                                        0, nullptr);
    Handover(commands, true, layout);
    if (buffer_ != VK_NULL_HANDLE) {
      const VkBufferCopy copy = {0, 0, kStagingSize};
      importer_.vk().vkCmdCopyBuffer(commands, buffer_, importer_.staging_, 1, &copy);
    } else {
      VkBufferImageCopy copy = {};
      copy.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, recipe_.image.array_layers - 1, 1};
      copy.imageExtent = {1, 1, 1};
      importer_.vk().vkCmdCopyImageToBuffer(commands, image_, layout, importer_.staging_, 1, &copy);
    }
    Handover(commands, false, layout);
    VkMemoryBarrier for_host = {VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr,
                                VK_ACCESS_TRANSFER_WRITE_BIT, VK_ACCESS_HOST_READ_BIT};
    importer_.vk().vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT,
                                        VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &for_host, 0, nullptr, 0,
                                        nullptr);
  });
  std::array<uint8_t, 16> bytes;
  std::memcpy(bytes.data(), importer_.staging_bytes_, bytes.size());
  return bytes;
}

}  // namespace vramd
