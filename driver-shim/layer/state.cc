#include "driver-shim/layer/state.h"

#include <utility>

namespace vramd::layer {
namespace {

struct Registry {
  Mutex mutex;
  std::map<VkInstance, std::unique_ptr<InstanceState>> instances ABSL_GUARDED_BY(mutex);
  std::map<VkPhysicalDevice, InstanceState*> physical_devices ABSL_GUARDED_BY(mutex);
  std::map<VkDevice, std::unique_ptr<DeviceState>> devices ABSL_GUARDED_BY(mutex);
};

// A layer is entered by plain functions, so its state hangs on one object of the process.
Registry& TheRegistry() {
  static auto* const registry = new Registry;
  return *registry;
}

template <typename Map, typename Key>
typename Map::mapped_type Take(Map& map, Key key) {
  auto node = map.extract(key);
  return node.empty() ? typename Map::mapped_type() : std::move(node.mapped());
}

}  // namespace

void AddInstance(std::unique_ptr<InstanceState> state) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  registry.instances[state->instance] = std::move(state);
}

InstanceState* FindInstance(VkInstance instance) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  const auto found = registry.instances.find(instance);
  return found == registry.instances.end() ? nullptr : found->second.get();
}

std::unique_ptr<InstanceState> RemoveInstance(VkInstance instance) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  auto state = Take(registry.instances, instance);
  std::erase_if(registry.physical_devices,
                [&](const auto& entry) { return entry.second == state.get(); });
  return state;
}

void AddPhysicalDevice(VkPhysicalDevice device, InstanceState* instance) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  registry.physical_devices[device] = instance;
}

InstanceState* InstanceOf(VkPhysicalDevice device) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  const auto found = registry.physical_devices.find(device);
  return found == registry.physical_devices.end() ? nullptr : found->second;
}

DeviceState* AddDevice(std::unique_ptr<DeviceState> state) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  DeviceState* const added = state.get();
  registry.devices[added->device] = std::move(state);
  return added;
}

DeviceState* FindDevice(VkDevice device) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  const auto found = registry.devices.find(device);
  return found == registry.devices.end() ? nullptr : found->second.get();
}

std::unique_ptr<DeviceState> RemoveDevice(VkDevice device) {
  Registry& registry = TheRegistry();
  MutexLock lock(registry.mutex);
  return Take(registry.devices, device);
}

}  // namespace vramd::layer
