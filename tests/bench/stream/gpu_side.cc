#include "tests/bench/stream/gpu_side.h"

namespace vramd::bench {

using example::Check;

GpuSide::GpuSide(const Recipe* recipe)
    : gpu_(recipe != nullptr ? example::Gpu(*recipe) : example::Gpu(std::string())) {
  const VkDevice device = gpu_.device();
  vkGetDeviceQueue(device, gpu_.queue_family(), 0, &queue_);
  VkCommandPoolCreateInfo pool = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool.queueFamilyIndex = gpu_.queue_family();
  Check(vkCreateCommandPool(device, &pool, nullptr, &pool_), "create a command pool");
  VkCommandBufferAllocateInfo allocate = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool_;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  const VkFenceCreateInfo fence = {VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  for (Job& job : jobs_) {
    Check(vkAllocateCommandBuffers(device, &allocate, &job.commands), "make a command buffer");
    Check(vkCreateFence(device, &fence, nullptr, &job.fence), "create a fence");
  }
  const auto find = [&](const char* name) { return vkGetDeviceProcAddr(device, name); };
  import_fd_ = reinterpret_cast<PFN_vkImportSemaphoreFdKHR>(find("vkImportSemaphoreFdKHR"));
  wait_ = reinterpret_cast<PFN_vkWaitSemaphoresKHR>(find("vkWaitSemaphoresKHR"));
  get_fd_ = reinterpret_cast<PFN_vkGetSemaphoreFdKHR>(find("vkGetSemaphoreFdKHR"));
  if (import_fd_ == nullptr || wait_ == nullptr) get_fd_ = nullptr;
}

GpuSide::~GpuSide() {
  vkDeviceWaitIdle(gpu_.device());
  for (const Job& job : jobs_) vkDestroyFence(gpu_.device(), job.fence, nullptr);
  vkDestroyCommandPool(gpu_.device(), pool_, nullptr);
}

// ---- Submitting -------------------------------------------------------------------------------

void GpuSide::AwaitJob(Job& job) {
  if (!job.submitted) return;
  Check(vkWaitForFences(gpu_.device(), 1, &job.fence, VK_TRUE, UINT64_MAX), "wait for the GPU");
  Check(vkResetFences(gpu_.device(), 1, &job.fence), "reset a fence");
  job.submitted = false;
}

void GpuSide::AwaitNewest() { AwaitJob(jobs_[newest_]); }

GpuSide::Job& GpuSide::NextJob() {
  newest_ = (newest_ + 1) % jobs_.size();
  AwaitJob(jobs_[newest_]);
  return jobs_[newest_];
}

void GpuSide::Begin(Job& job, const Record& record) {
  VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  Check(vkBeginCommandBuffer(job.commands, &begin), "record commands");
  if (record) record(job.commands);
  Check(vkEndCommandBuffer(job.commands), "record commands");
}

void GpuSide::Submit(Job& job, VkSubmitInfo submit) {
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &job.commands;
  Check(vkQueueSubmit(queue_, 1, &submit, job.fence), "submit commands");
  job.submitted = true;
}

void GpuSide::Submit(const Order& waits, const Order& signals, const Record& record) {
  static constexpr std::array<VkPipelineStageFlags, 2> kStages = {
      VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT};
  Job& job = NextJob();
  Begin(job, record);
  const VkTimelineSemaphoreSubmitInfo timeline = {VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                  nullptr,
                                                  waits.count,
                                                  waits.values.data(),
                                                  signals.count,
                                                  signals.values.data()};
  VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO, &timeline};
  submit.waitSemaphoreCount = waits.count;
  submit.pWaitSemaphores = waits.semaphores.data();
  submit.pWaitDstStageMask = kStages.data();
  submit.signalSemaphoreCount = signals.count;
  submit.pSignalSemaphores = signals.semaphores.data();
  Submit(job, submit);
}

void GpuSide::Submit(const VulkanSync& sync, const Record& record) {
  Job& job = NextJob();
  Begin(job, record);
  VkSubmitInfo submit = {VK_STRUCTURE_TYPE_SUBMIT_INFO};
  VkTimelineSemaphoreSubmitInfo timeline;
  sync.Apply(submit, timeline);
  Submit(job, submit);
}

// ---- Timelines --------------------------------------------------------------------------------

VkSemaphore GpuSide::MakeTimeline() {
  VkExportSemaphoreCreateInfo exported = {VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO};
  exported.handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
  VkSemaphoreTypeCreateInfo type = {VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO, &exported};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  const VkSemaphoreCreateInfo info = {VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type};
  VkSemaphore semaphore = VK_NULL_HANDLE;
  Check(vkCreateSemaphore(gpu_.device(), &info, nullptr, &semaphore), "create a timeline");
  return semaphore;
}

int GpuSide::Export(VkSemaphore timeline) {
  VkSemaphoreGetFdInfoKHR info = {VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR};
  info.semaphore = timeline;
  info.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
  int fd = -1;
  Check(get_fd_(gpu_.device(), &info, &fd), "export a timeline");
  return fd;
}

VkSemaphore GpuSide::Import(int fd) {
  const VkSemaphore semaphore = MakeTimeline();
  VkImportSemaphoreFdInfoKHR info = {VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR};
  info.semaphore = semaphore;
  info.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
  info.fd = fd;  // the driver's from here on
  Check(import_fd_(gpu_.device(), &info), "import a timeline");
  return semaphore;
}

void GpuSide::Await(VkSemaphore timeline, uint64_t value) {
  VkSemaphoreWaitInfo info = {VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
  info.semaphoreCount = 1;
  info.pSemaphores = &timeline;
  info.pValues = &value;
  Check(wait_(gpu_.device(), &info, UINT64_MAX), "wait for a timeline");
}

// ---- Work -------------------------------------------------------------------------------------

PrivateImage::PrivateImage(GpuSide& side, const FrameSize& size) : side_(side) {
  VkImageCreateInfo info = {VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO};
  info.imageType = VK_IMAGE_TYPE_2D;
  info.format = VK_FORMAT_R16G16B16A16_SFLOAT;
  info.extent = {size.width, size.height, 1};
  info.mipLevels = info.arrayLayers = 1;
  info.samples = VK_SAMPLE_COUNT_1_BIT;
  info.usage = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  Check(vkCreateImage(side.gpu().device(), &info, nullptr, &image_), "create an image");
  memory_ = side.gpu().AllocateFor(image_, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT);
  VkImageMemoryBarrier general = {VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER};
  general.newLayout = VK_IMAGE_LAYOUT_GENERAL;
  general.image = image_;
  general.srcQueueFamilyIndex = general.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  general.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  side.Submit(Order(), Order(), [&](VkCommandBuffer commands) {
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT,
                         VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, nullptr, 0, nullptr, 1,
                         &general);
  });
  side.AwaitNewest();
}

PrivateImage::~PrivateImage() {
  vkDeviceWaitIdle(side_.gpu().device());
  vkDestroyImage(side_.gpu().device(), image_, nullptr);
  vkFreeMemory(side_.gpu().device(), memory_, nullptr);
}

void RecordClear(VkCommandBuffer commands, VkImage image) {
  const VkClearColorValue colour = {{0.25f, 0.5f, 0.75f, 1.0f}};
  const VkImageSubresourceRange all = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  vkCmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_GENERAL, &colour, 1, &all);
}

void RecordLook(VkCommandBuffer commands, VkImage image, VkBuffer into) {
  VkBufferImageCopy region = {};
  region.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
  region.imageExtent = {16, 16, 1};
  vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_GENERAL, into, 1, &region);
}

}  // namespace vramd::bench
