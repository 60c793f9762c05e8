// One descriptor set per pass, written once.
#include "common/compute.h"

namespace example {
namespace {

VkDescriptorType TypeOf(const Binding& binding) {
  return binding.image != VK_NULL_HANDLE ? VK_DESCRIPTOR_TYPE_STORAGE_IMAGE
                                         : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

}  // namespace

ImageView::ImageView(Gpu& gpu, VkImage image, VkImageViewType type, uint32_t first_layer,
                     uint32_t layers)
    : gpu_(gpu) {
  VkImageViewCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO};
  info.image = image;
  info.viewType = type;
  info.format = VK_FORMAT_R8G8B8A8_UNORM;
  info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, first_layer, layers};
  Check(vkCreateImageView(gpu.device(), &info, nullptr, &view_), "create an image view");
}

ComputePass::ComputePass(Gpu& gpu, const uint32_t* code, size_t code_size,
                         const std::vector<Binding>& bindings, uint32_t push_size)
    : gpu_(gpu), push_size_(push_size) {
  CreateSet(bindings);
  CreatePipeline(code, code_size);
}

ComputePass::~ComputePass() {
  vkDestroyPipeline(gpu_.device(), pipeline_, nullptr);
  vkDestroyPipelineLayout(gpu_.device(), layout_, nullptr);
  vkDestroyDescriptorPool(gpu_.device(), pool_, nullptr);
  vkDestroyDescriptorSetLayout(gpu_.device(), set_layout_, nullptr);
}

void ComputePass::CreateSet(const std::vector<Binding>& bindings) {
  const auto count = static_cast<uint32_t>(bindings.size());
  std::vector<VkDescriptorSetLayoutBinding> slots(count);
  std::vector<VkDescriptorPoolSize> sizes(count);
  for (uint32_t i = 0; i < count; ++i) {
    slots[i] = {i, TypeOf(bindings[i]), 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr};
    sizes[i] = {TypeOf(bindings[i]), 1};
  }
  VkDescriptorSetLayoutCreateInfo layout = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO};
  layout.bindingCount = count;
  layout.pBindings = slots.data();
  Check(vkCreateDescriptorSetLayout(gpu_.device(), &layout, nullptr, &set_layout_),
        "create a descriptor set layout");

  VkDescriptorPoolCreateInfo pool = {VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO};
  pool.maxSets = 1;
  pool.poolSizeCount = count;
  pool.pPoolSizes = sizes.data();
  Check(vkCreateDescriptorPool(gpu_.device(), &pool, nullptr, &pool_), "create a descriptor pool");
  VkDescriptorSetAllocateInfo allocate = {VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO};
  allocate.descriptorPool = pool_;
  allocate.descriptorSetCount = 1;
  allocate.pSetLayouts = &set_layout_;
  Check(vkAllocateDescriptorSets(gpu_.device(), &allocate, &set_), "allocate a descriptor set");

  for (uint32_t i = 0; i < count; ++i) {
    const VkDescriptorImageInfo image = {VK_NULL_HANDLE, bindings[i].image,
                                         VK_IMAGE_LAYOUT_GENERAL};
    const VkDescriptorBufferInfo buffer = {bindings[i].buffer, 0, VK_WHOLE_SIZE};
    VkWriteDescriptorSet write = {VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = set_;
    write.dstBinding = i;
    write.descriptorCount = 1;
    write.descriptorType = TypeOf(bindings[i]);
    write.pImageInfo = &image;
    write.pBufferInfo = &buffer;
    vkUpdateDescriptorSets(gpu_.device(), 1, &write, 0, nullptr);
  }
}

void ComputePass::CreatePipeline(const uint32_t* code, size_t code_size) {
  const VkPushConstantRange push = {VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size_};
  VkPipelineLayoutCreateInfo layout = {VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout.setLayoutCount = 1;
  layout.pSetLayouts = &set_layout_;
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &push;
  Check(vkCreatePipelineLayout(gpu_.device(), &layout, nullptr, &layout_),
        "create a pipeline layout");

  VkShaderModuleCreateInfo module_info = {VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module_info.codeSize = code_size;
  module_info.pCode = code;
  VkShaderModule module = VK_NULL_HANDLE;
  Check(vkCreateShaderModule(gpu_.device(), &module_info, nullptr, &module), "load a shader");
  VkComputePipelineCreateInfo info = {VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  info.stage = {VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO};
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.layout = layout_;
  Check(vkCreateComputePipelines(gpu_.device(), VK_NULL_HANDLE, 1, &info, nullptr, &pipeline_),
        "compile a shader");
  vkDestroyShaderModule(gpu_.device(), module, nullptr);
}

void ComputePass::Record(VkCommandBuffer commands, const void* push, uint32_t width,
                         uint32_t height) const {
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline_);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout_, 0, 1, &set_, 0,
                          nullptr);
  vkCmdPushConstants(commands, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0, push_size_, push);
  vkCmdDispatch(commands, (width + 7) / 8, (height + 7) / 8, 1);
}

}  // namespace example
