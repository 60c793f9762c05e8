/* The structs of vramd_vulkan.h, on a VkDevice of the program's own. */
#include <dlfcn.h>
#include <stdlib.h>

#include "check.h"

static PFN_vkGetInstanceProcAddr get_proc;
static VkInstance instance;
#define INSTANCE_FUNCTION(name) PFN_##name name = (PFN_##name)(void*)get_proc(instance, #name)

static void make_instance(void) {
  void* loader = dlopen("libvulkan.so.1", RTLD_NOW);
  if (loader == NULL) exit(77);
  get_proc = (PFN_vkGetInstanceProcAddr)dlsym(loader, "vkGetInstanceProcAddr");
  INSTANCE_FUNCTION(vkCreateInstance);
  VkApplicationInfo application = {
      VK_STRUCTURE_TYPE_APPLICATION_INFO, NULL, NULL, 0, NULL, 0, VK_API_VERSION_1_2};
  const VkInstanceCreateInfo info = {
      VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, NULL, 0, &application, 0, NULL, 0, NULL};
  CHECK(vkCreateInstance(&info, NULL, &instance) == VK_SUCCESS);
}

static VkDevice make_device(VkPhysicalDevice physical) {
  uint32_t count = 0;
  CHECK_OK(vramd_vk_enumerate_device_extensions(get_proc, instance, physical, &count, NULL));
  const char* names[32];
  if (count > 32) exit(1);
  CHECK_OK(vramd_vk_enumerate_device_extensions(get_proc, instance, physical, &count, names));
  const float priority = 1;
  const VkDeviceQueueCreateInfo queue = {
      VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, NULL, 0, 0, 1, &priority};
  const VkDeviceCreateInfo info = {
      VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, NULL, 0, 1, &queue, 0, NULL, count, names, NULL};
  INSTANCE_FUNCTION(vkCreateDevice);
  VkDevice device = VK_NULL_HANDLE;
  CHECK(vkCreateDevice(physical, &info, NULL, &device) == VK_SUCCESS);
  return device;
}

static VkCommandBuffer begin_commands(VkDevice device, VkCommandPool* pool) {
  INSTANCE_FUNCTION(vkCreateCommandPool);
  INSTANCE_FUNCTION(vkAllocateCommandBuffers);
  INSTANCE_FUNCTION(vkBeginCommandBuffer);
  const VkCommandPoolCreateInfo pool_info = {VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO, NULL, 0,
                                             0};
  CHECK(vkCreateCommandPool(device, &pool_info, NULL, pool) == VK_SUCCESS);
  const VkCommandBufferAllocateInfo info = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO, NULL,
                                            *pool, VK_COMMAND_BUFFER_LEVEL_PRIMARY, 1};
  VkCommandBuffer commands = VK_NULL_HANDLE;
  CHECK(vkAllocateCommandBuffers(device, &info, &commands) == VK_SUCCESS);
  const VkCommandBufferBeginInfo begin = {VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, NULL, 0,
                                          NULL};
  CHECK(vkBeginCommandBuffer(commands, &begin) == VK_SUCCESS);
  return commands;
}

/* Recorded, and not submitted: what counts is that the structs are read and left alone. */
static void check_barriers(VkDevice device, vramd_vk_device* sharing,
                           const vramd_vk_resource* resource) {
  VkCommandPool pool = VK_NULL_HANDLE;
  VkCommandBuffer commands = begin_commands(device, &pool);
  const vramd_vk_barrier barrier = VRAMD_VK_BARRIER_INIT;
  vramd_vk_record_acquire(sharing, commands, resource, &barrier);
  vramd_vk_record_release(sharing, commands, resource, &barrier);
  INSTANCE_FUNCTION(vkDestroyCommandPool);
  vkDestroyCommandPool(device, pool, NULL);
}

static VkPhysicalDevice check_physical(const vramd_lease* lease) {
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  vramd_recipe recipe = VRAMD_RECIPE_INIT;
  recipe.image = &image;
  CHECK_OK(vramd_lease_get_recipe(lease, &recipe));
  VkPhysicalDevice physical = VK_NULL_HANDLE;
#define FIND vramd_vk_find_physical_device(get_proc, instance, &recipe, &physical)
  TRY_LATER(recipe, "vramd_recipe", FIND, (void)0);
  TRY_LATER(image, "vramd_image_info", FIND, (void)0);
  CHECK_OK(FIND);
  if (physical == VK_NULL_HANDLE) exit(1);
  OUTPUT(vramd_importer, importer, VRAMD_IMPORTER_INIT);
  CHECK_OK(vramd_vk_describe_importer(get_proc, instance, physical, &importer.value));
  CHECK_FILLED(importer);
  CHECK(importer.value.importable_count >= 1);
  return physical;
}

void check_vulkan(const vramd_lease* lease) {
  make_instance();
  vramd_vk_device_info info = VRAMD_VK_DEVICE_INFO_INIT;
  info.get_instance_proc_addr = get_proc;
  info.instance = instance;
  info.physical_device = check_physical(lease);
  info.device = make_device(info.physical_device);
  vramd_vk_device* sharing = NULL;
  TRY_LATER(info, "vramd_vk_device_info", vramd_vk_device_create(&info, &sharing),
            vramd_vk_device_destroy(sharing));
  CHECK_OK(vramd_vk_device_create(&info, &sharing));
  OUTPUT(vramd_vk_resource, resource, VRAMD_VK_RESOURCE_INIT);
  CHECK_OK(vramd_vk_import(sharing, lease, &resource.value));
  CHECK_FILLED(resource);
  CHECK(resource.value.image != VK_NULL_HANDLE && resource.value.memory != VK_NULL_HANDLE);
  check_barriers(info.device, sharing, &resource.value);
  vramd_vk_resource_destroy(sharing, &resource.value);
  CHECK(is_untouched(resource.guard) && resource.value.image == VK_NULL_HANDLE);
  vramd_vk_device_destroy(sharing);
  INSTANCE_FUNCTION(vkDestroyDevice);
  INSTANCE_FUNCTION(vkDestroyInstance);
  vkDestroyDevice(info.device, NULL);
  vkDestroyInstance(instance, NULL);
}
