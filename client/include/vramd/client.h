// client.h: the C++ interface of the vramd client library, C++17 or newer.
//
//   auto client = vramd::Client::Connect().OrExit();
//   auto info = vramd::AllocateInfo::Image(VK_FORMAT_R8G8B8A8_UNORM, 1920, 1080, usage);
//   auto lease = client.Allocate(info).OrExit();
//   auto name = lease.Publish("my-app/preview").OrExit();
//
// Everything here is inline over the C interface in vramd.h, which has the full contract of each
// call: errors, limits, threads. So the library's ABI is C's, whatever compiler the application
// uses. All classes are move-only and release what they own in their destructor. A Lease or Watch
// must not outlive its Client.
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

struct Recipe : vramd_recipe {
  Recipe() : vramd_recipe() { struct_size = sizeof(vramd_recipe); }
};

struct AllocateInfo : vramd_allocate_info {
  AllocateInfo() : vramd_allocate_info(VRAMD_ALLOCATE_INFO_INIT) {}

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
  Event() : vramd_event() { struct_size = sizeof(vramd_event); }
};

// One right to one allocation. Destroying it gives the right back.
class Lease {
 public:
  explicit Lease(vramd_lease* lease) : lease_(lease) {}

  uint64_t id() const { return vramd_lease_get_id(get()); }
  uint64_t allocation_id() const { return vramd_lease_get_allocation_id(get()); }
  bool valid() const { return vramd_lease_is_valid(get()); }
  Recipe recipe() const {
    Recipe recipe;
    vramd_lease_get_recipe(get(), &recipe);
    return recipe;
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
  Result<Event> Next(std::chrono::milliseconds timeout) {
    Event event;
    const vramd_result result =
        vramd_watch_next(watch_.get(), static_cast<uint32_t>(timeout.count()), &event);
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

  Result<std::vector<vramd_device_info>> Devices() {
    return Enumerate<vramd_device_info>([this](uint32_t* count, vramd_device_info* out) {
      return vramd_enumerate_devices(get(), count, out);
    });
  }

  Result<Lease> Allocate(const AllocateInfo& info) {
    vramd_lease* lease = nullptr;
    const vramd_result result = vramd_allocate(get(), &info, &lease);
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

  Result<std::vector<vramd_published>> List(const std::string& prefix = "") {
    return Enumerate<vramd_published>([&](uint32_t* count, vramd_published* out) {
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
  Result<std::string> WhyNotShareable(const vramd_recipe& recipe, const vramd_importer& importer) {
    bool can_import = false;
    std::array<char, VRAMD_MAX_REASON> reason{};
    const vramd_result result =
        vramd_check_share(get(), &recipe, &importer, &can_import, reason.data(), reason.size());
    if (result != VRAMD_OK) return Status::Last(result);
    return can_import ? std::string() : std::string(reason.data());
  }

  vramd_client* get() const { return client_.get(); }

 private:
  explicit Client(vramd_client* client) : client_(client) {}

  // The two-call idiom. What appears between the two calls is told by the next enumeration.
  template <typename T, typename Call>
  static Result<std::vector<T>> Enumerate(Call call) {
    uint32_t count = 0;
    vramd_result result = call(&count, nullptr);
    if (result != VRAMD_OK) return Status::Last(result);
    std::vector<T> items(count);
    for (T& item : items) item.struct_size = sizeof(T);
    if (count != 0) result = call(&count, items.data());
    if (result != VRAMD_OK) return Status::Last(result);
    items.resize(count);
    return items;
  }

  struct Destroy {
    void operator()(vramd_client* client) const { vramd_client_destroy(client); }
  };
  std::unique_ptr<vramd_client, Destroy> client_;
};

}  // namespace v0
}  // namespace vramd

#endif  // VRAMD_CLIENT_H_
