// client.h: the C++ interface of the vramd client library, C++17 or newer.
//
//   auto client = vramd::Client::Connect();       // a Result: a value, or the status that
//   if (!client) return Report(client.status());  // says why there is none
//   auto info = vramd::AllocateInfo::Image(VK_FORMAT_R8G8B8A8_UNORM, 1920, 1080, usage);
//   auto lease = client->Allocate(info);
//   auto name = lease->Publish("my-app/preview");
//
// Everything here is inline over the C interface in vramd.h, which has the full contract of each
// call: errors, limits, threads. So the library's ABI is C's, whatever compiler the application
// uses. All classes are move-only and release what they own in their destructor. A Lease or Watch
// must not outlive its Client.
//
// Where a struct of the C interface points to others, the class for it here holds them by value,
// under the same names. The functions here take and return that class, and set the pointers only
// while they run.
#ifndef VRAMD_CLIENT_H_
#define VRAMD_CLIENT_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vramd/result.h"
#include "vramd/vramd.h"

namespace vramd {
inline namespace v0 {

struct ConnectInfo : vramd_connect_info {
  ConnectInfo() : vramd_connect_info(VRAMD_CONNECT_INFO_INIT) {}
};

// A timeout as C has it; a negative one is none.
constexpr std::chrono::nanoseconds kForever = std::chrono::nanoseconds::max();
inline uint64_t TimeoutNs(std::chrono::nanoseconds timeout) {
  if (timeout == kForever) return VRAMD_FOREVER;
  return timeout.count() < 0 ? 0 : static_cast<uint64_t>(timeout.count());
}

struct Recipe : vramd_recipe {
  Recipe() : vramd_recipe(VRAMD_RECIPE_INIT) {}

  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  // The image's, too. Chained to it only while this is linked.
  vramd_image_format_list format_list = VRAMD_IMAGE_FORMAT_LIST_INIT;
  vramd_drm_modifier drm_modifier = VRAMD_DRM_MODIFIER_INIT;

  // The C struct, whose pointers lead to this object's parts, until Unlink().
  vramd_recipe* Link() {
    vramd_recipe& base = *this;
    base.buffer = &buffer;
    base.image = &image;
    image.next = &format_list;
    format_list.next = &drm_modifier;
    return &base;
  }
  void Unlink() {
    vramd_recipe& base = *this;
    base.buffer = nullptr;
    base.image = nullptr;
    image.next = format_list.next = nullptr;
  }
  // What `use` returns, called with the linked C struct, which it may fill.
  template <typename Use>
  auto Lend(Use use) {
    auto result = use(Link());
    Unlink();
    return result;
  }
  // The same for a function that only reads.
  template <typename Use>
  auto Lend(Use use) const {
    Recipe copy = *this;
    return copy.Lend(use);
  }
};

struct AllocateInfo : vramd_allocate_info {
  AllocateInfo() : vramd_allocate_info(VRAMD_ALLOCATE_INFO_INIT) {}

  vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
  vramd_image_info image = VRAMD_IMAGE_INFO_INIT;

  // Points into this object, so it must not live longer.
  vramd_allocate_info Linked() const {
    vramd_allocate_info linked = *this;
    linked.buffer = &buffer;
    linked.image = &image;
    return linked;
  }

  // One level, one layer, optimal tiling. `format` is a VkFormat, `usage` VkImageUsageFlags.
  static AllocateInfo Image(uint32_t format, uint32_t width, uint32_t height, uint32_t usage) {
    AllocateInfo info;
    info.kind = VRAMD_RESOURCE_IMAGE;
    info.image.format = format;
    info.image.width = width;
    info.image.height = height;
    info.image.usage = usage;
    return info;
  }
  // `size` in bytes, `usage` VkBufferUsageFlags.
  static AllocateInfo Buffer(uint64_t size, uint32_t usage) {
    AllocateInfo info;
    info.kind = VRAMD_RESOURCE_BUFFER;
    info.buffer.size = size;
    info.buffer.usage = usage;
    return info;
  }
  // `size` in bytes.
  static AllocateInfo Raw(uint64_t size) {
    AllocateInfo info;
    info.raw_size = size;
    return info;
  }
};

struct Event : vramd_event {
  Event() : vramd_event(VRAMD_EVENT_INIT) {}
};

struct DeviceInfo : vramd_device_info {
  DeviceInfo() : vramd_device_info(VRAMD_DEVICE_INFO_INIT) {}

  std::vector<vramd_memory_type> memory_types;  // in Vulkan's order
  std::vector<vramd_handle_support> handle_types;
};

struct Published : vramd_published {
  Published() : vramd_published(VRAMD_PUBLISHED_INIT) {}

  Recipe recipe;
};

// Vulkan's two-call idiom: what the C function `call` enumerates. What appears between the two
// calls is told by the next enumeration.
template <typename T, typename Call>
Result<std::vector<T>> Enumerate(const T& init, Call call) {
  uint32_t count = 0;
  vramd_result result = call(&count, nullptr);
  if (result != VRAMD_OK) return Status::Last(result);
  std::vector<T> items(count, init);
  if (count != 0) result = call(&count, items.data());
  if (result != VRAMD_OK) return Status::Last(result);
  items.resize(count, init);
  return items;
}

// The same of what there are at most `most` of: one call, and one round trip, is enough.
template <typename T, typename Call>
Result<std::vector<T>> EnumerateAtMost(uint32_t most, const T& init, Call call) {
  std::vector<T> items(most, init);
  const vramd_result result = call(&most, items.data());
  if (result != VRAMD_OK) return Status::Last(result);
  items.resize(most, init);
  return items;
}

// The two-call idiom for an Item that is a class over the C struct, with a recipe.
template <typename Item, typename C, typename Call>
Result<std::vector<Item>> EnumerateWithRecipes(const C& init, Call call) {
  uint32_t count = 0;
  vramd_result result = call(&count, nullptr);
  if (result != VRAMD_OK) return Status::Last(result);
  std::vector<Item> items(count);
  std::vector<C> filled(count, init);
  for (uint32_t i = 0; i < count; ++i) filled[i].recipe = items[i].recipe.Link();
  if (count != 0) result = call(&count, filled.data());
  if (result != VRAMD_OK) return Status::Last(result);
  for (uint32_t i = 0; i < count; ++i) {
    items[i].recipe.Unlink();
    static_cast<C&>(items[i]) = filled[i];
    static_cast<C&>(items[i]).recipe = nullptr;
  }
  items.resize(count);
  return items;
}

// One right to one allocation. Destroying it gives the right back.
class Lease {
 public:
  explicit Lease(vramd_lease* lease) : lease_(lease) {}

  uint64_t id() const { return vramd_lease_get_id(get()); }
  uint64_t allocation_id() const { return vramd_lease_get_allocation_id(get()); }
  bool valid() const { return vramd_lease_is_valid(get()); }
  Recipe recipe() const {
    Recipe recipe;
    recipe.Lend([this](vramd_recipe* fill) { return vramd_lease_get_recipe(get(), fill); });
    return recipe;
  }

  // A new handle (an fd, or a HANDLE's value) to the memory, for an import of your own. The caller
  // owns it until a driver takes it: see docs/handle-ownership.md.
  Result<intptr_t> Handle() const {
    intptr_t handle = 0;
    const vramd_result result = vramd_lease_get_handle(get(), &handle);
    if (result != VRAMD_OK) return Status::Last(result);
    return handle;
  }

  // Returns the whole name, user/application/label.
  Result<std::string> Publish(const std::string& name) {
    std::array<char, VRAMD_MAX_NAME> whole{};
    const vramd_result result = vramd_publish(get(), name.c_str(), whole.data(), whole.size());
    if (result != VRAMD_OK) return Status::Last(result);
    return std::string(whole.data());
  }

  vramd_lease* get() const { return lease_.get(); }

 private:
  struct Destroy {
    void operator()(vramd_lease* lease) const { vramd_lease_destroy(lease); }
  };
  std::unique_ptr<vramd_lease, Destroy> lease_;
};

// A stream of events. One thread at a time.
class Watch {
 public:
  explicit Watch(vramd_watch* watch) : watch_(watch) {}

  // VRAMD_DEADLINE_EXCEEDED if no event came in time.
  Result<Event> Next(std::chrono::nanoseconds timeout = kForever) {
    Event event;
    const vramd_result result = vramd_watch_next(watch_.get(), TimeoutNs(timeout), &event);
    if (result != VRAMD_OK) return Status::Last(result);
    return event;
  }

 private:
  struct Destroy {
    void operator()(vramd_watch* watch) const { vramd_watch_destroy(watch); }
  };
  std::unique_ptr<vramd_watch, Destroy> watch_;
};

// A connection to the broker. Thread-safe.
class Client {
 public:
  static Result<Client> Connect(const ConnectInfo& info = ConnectInfo()) {
    vramd_client* client = nullptr;
    const vramd_result result = vramd_client_create(&info, &client);
    if (result != VRAMD_OK) return Status::Last(result);
    return Client(client);
  }

  Status Ping() { return Status::Last(vramd_client_ping(get())); }

  Result<vramd_server_info> ServerInfo() {
    vramd_server_info info = VRAMD_SERVER_INFO_INIT;
    const vramd_result result = vramd_get_server_info(get(), &info);
    if (result != VRAMD_OK) return Status::Last(result);
    return info;
  }

  Result<std::vector<DeviceInfo>> Devices() {
    auto found = Enumerate<vramd_device_info>(VRAMD_DEVICE_INFO_INIT,
                                              [this](uint32_t* count, vramd_device_info* out) {
                                                return vramd_enumerate_devices(get(), count, out);
                                              });
    if (!found) return found.status();
    std::vector<DeviceInfo> devices(found->size());
    for (size_t i = 0; i < devices.size(); ++i) {
      static_cast<vramd_device_info&>(devices[i]) = (*found)[i];
      if (Status status = AddTypes(devices[i]); !status.ok()) return status;
    }
    return devices;
  }

  Result<Lease> Allocate(const AllocateInfo& info) {
    const vramd_allocate_info linked = info.Linked();
    vramd_lease* lease = nullptr;
    const vramd_result result = vramd_allocate(get(), &linked, &lease);
    if (result != VRAMD_OK) return Status::Last(result);
    return Lease(lease);
  }

  Result<Lease> Open(const std::string& name) {
    vramd_open_info info = VRAMD_OPEN_INFO_INIT;
    info.name = name.c_str();
    return Open(info);
  }
  Result<Lease> Open(uint64_t allocation_id) {
    vramd_open_info info = VRAMD_OPEN_INFO_INIT;
    info.allocation_id = allocation_id;
    return Open(info);
  }
  Result<Lease> Open(const vramd_open_info& info) {
    vramd_lease* lease = nullptr;
    const vramd_result result = vramd_open(get(), &info, &lease);
    if (result != VRAMD_OK) return Status::Last(result);
    return Lease(lease);
  }

  Status Withdraw(const std::string& name) {
    return Status::Last(vramd_withdraw(get(), name.c_str()));
  }

  Result<std::vector<Published>> List(const std::string& prefix = "") {
    return EnumerateWithRecipes<Published, vramd_published>(
        VRAMD_PUBLISHED_INIT, [&](uint32_t* count, vramd_published* out) {
          return vramd_list(get(), prefix.c_str(), count, out);
        });
  }

  Result<Watch> WatchNames(const std::string& prefix = "") {
    vramd_watch* watch = nullptr;
    const vramd_result result = vramd_watch_create(get(), prefix.c_str(), &watch);
    if (result != VRAMD_OK) return Status::Last(result);
    return Watch(watch);
  }

  // Empty if the importer can use the recipe, else the reason why not.
  Result<std::string> WhyNotShareable(const Recipe& recipe, const vramd_importer& importer) {
    bool can_import = false;
    std::array<char, VRAMD_MAX_REASON> reason{};
    const vramd_result result = recipe.Lend([&](const vramd_recipe* lent) {
      return vramd_check_share(get(), lent, &importer, &can_import, reason.data(), reason.size());
    });
    if (result != VRAMD_OK) return Status::Last(result);
    return can_import ? std::string() : std::string(reason.data());
  }

  vramd_client* get() const { return client_.get(); }

 private:
  explicit Client(vramd_client* client) : client_(client) {}

  Status AddTypes(DeviceInfo& device) {
    auto memory = EnumerateAtMost<vramd_memory_type>(VRAMD_MAX_MEMORY_TYPES, VRAMD_MEMORY_TYPE_INIT,
                                                     [&](uint32_t* count, vramd_memory_type* out) {
                                                       return vramd_enumerate_memory_types(
                                                           get(), device.index, count, out);
                                                     });
    if (!memory) return memory.status();
    auto handles = EnumerateAtMost<vramd_handle_support>(
        VRAMD_MAX_HANDLE_TYPES, VRAMD_HANDLE_SUPPORT_INIT,
        [&](uint32_t* count, vramd_handle_support* out) {
          return vramd_enumerate_handle_types(get(), device.index, count, out);
        });
    if (!handles) return handles.status();
    device.memory_types = *std::move(memory);
    device.handle_types = *std::move(handles);
    return Status();
  }

  struct Destroy {
    void operator()(vramd_client* client) const { vramd_client_destroy(client); }
  };
  std::unique_ptr<vramd_client, Destroy> client_;
};

}  // namespace v0
}  // namespace vramd

#endif  // VRAMD_CLIENT_H_
