// Each function of the C interface, with each of its required pointers NULL in turn. The other
// pointers lead to nothing: a function must look at all of them before it uses one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <ostream>
#include <string>

#include "vramd/vramd.h"
#include "vramd/vramd_stream.h"
#include "vramd/vramd_vulkan.h"

namespace vramd {
namespace {

// Becomes a pointer of the type that a parameter has, to bytes that are nothing in particular.
struct Something {
  template <typename T>
  operator T*() const {
    alignas(std::max_align_t) static unsigned char bytes[64];
    return reinterpret_cast<T*>(bytes);
  }
};
constexpr Something some;

PFN_vkVoidFunction NoFunction(VkInstance, const char*) { return nullptr; }

struct NullCase {
  const char* function;
  const char* argument;
  std::function<vramd_result()> call;
};

void PrintTo(const NullCase& given, std::ostream* out) {
  *out << given.function << "(" << given.argument << ")";
}

#define VRAMD_NULL_CASE(function, argument, ...)              \
  {                                                           \
#function, argument, [] { return function(__VA_ARGS__); } \
  }

const NullCase kCalls[] = {
    VRAMD_NULL_CASE(vramd_client_create, "client", nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_client_ping, "client", nullptr),
    VRAMD_NULL_CASE(vramd_get_server_info, "client", nullptr, some),
    VRAMD_NULL_CASE(vramd_get_server_info, "info", some, nullptr),
    VRAMD_NULL_CASE(vramd_enumerate_devices, "client", nullptr, some, nullptr),
    VRAMD_NULL_CASE(vramd_enumerate_devices, "count", some, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_enumerate_memory_types, "client", nullptr, 0, some, nullptr),
    VRAMD_NULL_CASE(vramd_enumerate_memory_types, "count", some, 0, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_enumerate_handle_types, "client", nullptr, 0, some, nullptr),
    VRAMD_NULL_CASE(vramd_enumerate_handle_types, "count", some, 0, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_allocate, "client", nullptr, some, some),
    VRAMD_NULL_CASE(vramd_allocate, "info", some, nullptr, some),
    VRAMD_NULL_CASE(vramd_allocate, "lease", some, some, nullptr),
    VRAMD_NULL_CASE(vramd_open, "client", nullptr, some, some),
    VRAMD_NULL_CASE(vramd_open, "info", some, nullptr, some),
    VRAMD_NULL_CASE(vramd_open, "lease", some, some, nullptr),
    VRAMD_NULL_CASE(vramd_lease_get_recipe, "lease", nullptr, some),
    VRAMD_NULL_CASE(vramd_lease_get_recipe, "recipe", some, nullptr),
    VRAMD_NULL_CASE(vramd_lease_get_handle, "lease", nullptr, some),
    VRAMD_NULL_CASE(vramd_lease_get_handle, "handle", some, nullptr),
    VRAMD_NULL_CASE(vramd_publish, "lease", nullptr, some, nullptr, 0),
    VRAMD_NULL_CASE(vramd_publish, "name", some, nullptr, nullptr, 0),
    VRAMD_NULL_CASE(vramd_withdraw, "client", nullptr, some),
    VRAMD_NULL_CASE(vramd_withdraw, "name", some, nullptr),
    VRAMD_NULL_CASE(vramd_list, "client", nullptr, nullptr, some, nullptr),
    VRAMD_NULL_CASE(vramd_list, "count", some, nullptr, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_watch_create, "client", nullptr, nullptr, some),
    VRAMD_NULL_CASE(vramd_watch_create, "watch", some, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_watch_next, "watch", nullptr, 0, some),
    VRAMD_NULL_CASE(vramd_watch_next, "event", some, 0, nullptr),
    VRAMD_NULL_CASE(vramd_check_share, "client", nullptr, some, some, some, nullptr, 0),
    VRAMD_NULL_CASE(vramd_check_share, "recipe", some, nullptr, some, some, nullptr, 0),
    VRAMD_NULL_CASE(vramd_check_share, "importer", some, some, nullptr, some, nullptr, 0),
    VRAMD_NULL_CASE(vramd_check_share, "can_import", some, some, some, nullptr, nullptr, 0),

    VRAMD_NULL_CASE(vramd_producer_create, "client", nullptr, some, some),
    VRAMD_NULL_CASE(vramd_producer_create, "info", some, nullptr, some),
    VRAMD_NULL_CASE(vramd_producer_create, "producer", some, some, nullptr),
    VRAMD_NULL_CASE(vramd_producer_acquire, "producer", nullptr, 0, some),
    VRAMD_NULL_CASE(vramd_producer_acquire, "slot", some, 0, nullptr),
    VRAMD_NULL_CASE(vramd_producer_publish, "producer", nullptr, some, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_producer_publish, "slot", some, nullptr, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_producer_abandon, "producer", nullptr, some),
    VRAMD_NULL_CASE(vramd_producer_abandon, "slot", some, nullptr),
    VRAMD_NULL_CASE(vramd_producer_resize, "producer", nullptr, some, 0),
    VRAMD_NULL_CASE(vramd_producer_resize, "info", some, nullptr, 0),
    VRAMD_NULL_CASE(vramd_producer_end, "producer", nullptr, VRAMD_END_FINISHED),
    VRAMD_NULL_CASE(vramd_producer_get_stats, "producer", nullptr, some),
    VRAMD_NULL_CASE(vramd_producer_get_stats, "stats", some, nullptr),
    VRAMD_NULL_CASE(vramd_producer_await_consumers, "producer", nullptr, 1, 0),
    VRAMD_NULL_CASE(vramd_producer_enumerate_consumers, "producer", nullptr, some, nullptr),
    VRAMD_NULL_CASE(vramd_producer_enumerate_consumers, "count", some, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_open, "client", nullptr, some, some),
    VRAMD_NULL_CASE(vramd_consumer_open, "info", some, nullptr, some),
    VRAMD_NULL_CASE(vramd_consumer_open, "consumer", some, some, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_next, "consumer", nullptr, 0, some),
    VRAMD_NULL_CASE(vramd_consumer_next, "frame", some, 0, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_get_frame_info, "consumer", nullptr, some, some),
    VRAMD_NULL_CASE(vramd_consumer_get_frame_info, "frame", some, nullptr, some),
    VRAMD_NULL_CASE(vramd_consumer_get_frame_info, "info", some, some, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_release, "consumer", nullptr, some, 0),
    VRAMD_NULL_CASE(vramd_consumer_release, "frame", some, nullptr, 0),
    VRAMD_NULL_CASE(vramd_consumer_last_frame, "consumer", nullptr, some),
    VRAMD_NULL_CASE(vramd_consumer_last_frame, "frame", some, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_arm, "consumer", nullptr, some),
    VRAMD_NULL_CASE(vramd_consumer_arm, "armed", some, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_get_end, "consumer", nullptr, some),
    VRAMD_NULL_CASE(vramd_consumer_get_end, "end", some, nullptr),
    VRAMD_NULL_CASE(vramd_consumer_get_counters, "consumer", nullptr, some),
    VRAMD_NULL_CASE(vramd_consumer_get_counters, "counters", some, nullptr),
    VRAMD_NULL_CASE(vramd_stream_enumerate_images, "stream", nullptr, 1, some, nullptr),
    VRAMD_NULL_CASE(vramd_stream_enumerate_images, "count", some, 1, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_stream_get_image, "stream", nullptr, 1, 0, some, nullptr),
    VRAMD_NULL_CASE(vramd_stream_get_image, "recipe", some, 1, 0, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_stream_get_semaphore, "stream", nullptr, 1, 0, some),
    VRAMD_NULL_CASE(vramd_list_streams, "client", nullptr, nullptr, some, nullptr),
    VRAMD_NULL_CASE(vramd_list_streams, "count", some, nullptr, nullptr, nullptr),
    VRAMD_NULL_CASE(vramd_list_stream_consumers, "client", nullptr, some, some, nullptr),
    VRAMD_NULL_CASE(vramd_list_stream_consumers, "name", some, nullptr, some, nullptr),
    VRAMD_NULL_CASE(vramd_list_stream_consumers, "count", some, some, nullptr, nullptr),

    VRAMD_NULL_CASE(vramd_vk_find_physical_device, "get_instance_proc_addr", nullptr, some, some,
                    some),
    VRAMD_NULL_CASE(vramd_vk_find_physical_device, "instance", NoFunction, nullptr, some, some),
    VRAMD_NULL_CASE(vramd_vk_find_physical_device, "recipe", NoFunction, some, nullptr, some),
    VRAMD_NULL_CASE(vramd_vk_find_physical_device, "physical_device", NoFunction, some, some,
                    nullptr),
    VRAMD_NULL_CASE(vramd_vk_describe_importer, "get_instance_proc_addr", nullptr, some, some,
                    some),
    VRAMD_NULL_CASE(vramd_vk_describe_importer, "instance", NoFunction, nullptr, some, some),
    VRAMD_NULL_CASE(vramd_vk_describe_importer, "physical_device", NoFunction, some, nullptr, some),
    VRAMD_NULL_CASE(vramd_vk_describe_importer, "importer", NoFunction, some, some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_enumerate_device_extensions, "get_instance_proc_addr", nullptr, some,
                    some, some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_enumerate_device_extensions, "instance", NoFunction, nullptr, some,
                    some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_enumerate_device_extensions, "physical_device", NoFunction, some,
                    nullptr, some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_enumerate_device_extensions, "count", NoFunction, some, some, nullptr,
                    nullptr),
    VRAMD_NULL_CASE(vramd_vk_device_create, "info", nullptr, some),
    VRAMD_NULL_CASE(vramd_vk_device_create, "device", some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_supports_timeline, "get_instance_proc_addr", nullptr, some, some,
                    some),
    VRAMD_NULL_CASE(vramd_vk_supports_timeline, "instance", NoFunction, nullptr, some, some),
    VRAMD_NULL_CASE(vramd_vk_supports_timeline, "physical_device", NoFunction, some, nullptr, some),
    VRAMD_NULL_CASE(vramd_vk_supports_timeline, "supported", NoFunction, some, some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_stream_create, "device", nullptr, some, some),
    VRAMD_NULL_CASE(vramd_vk_stream_create, "stream", some, nullptr, some),
    VRAMD_NULL_CASE(vramd_vk_stream_create, "out", some, some, nullptr),
    VRAMD_NULL_CASE(vramd_vk_stream_get_resource, "stream", nullptr, 1, 0, some),
    VRAMD_NULL_CASE(vramd_vk_stream_get_resource, "resource", some, 1, 0, nullptr),
    VRAMD_NULL_CASE(vramd_vk_sync_slot, "stream", nullptr, some, 0, some),
    VRAMD_NULL_CASE(vramd_vk_sync_slot, "slot", some, nullptr, 0, some),
    VRAMD_NULL_CASE(vramd_vk_sync_slot, "sync", some, some, 0, nullptr),
    VRAMD_NULL_CASE(vramd_vk_sync_frame, "stream", nullptr, some, 0, some),
    VRAMD_NULL_CASE(vramd_vk_sync_frame, "frame", some, nullptr, 0, some),
    VRAMD_NULL_CASE(vramd_vk_sync_frame, "sync", some, some, 0, nullptr),
};

class NullArgumentTest : public testing::TestWithParam<NullCase> {};

TEST_P(NullArgumentTest, IsRefusedByName) {
  EXPECT_EQ(GetParam().call(), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(),
              testing::StartsWith(std::string(GetParam().argument) + " is NULL"));
}

INSTANTIATE_TEST_SUITE_P(C, NullArgumentTest, testing::ValuesIn(kCalls),
                         [](const testing::TestParamInfo<NullCase>& given) {
                           return std::string(given.param.function) + "_" + given.param.argument;
                         });

TEST(NullArgumentsTest, AnImportWithoutDeviceOrLeaseNamesItAndLeavesTheResourceEmpty) {
  vramd_vk_resource resource = VRAMD_VK_RESOURCE_INIT;
  resource.size = 7;
  EXPECT_EQ(vramd_vk_import(nullptr, some, &resource), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), testing::StartsWith("device is NULL"));
  EXPECT_EQ(resource.size, 0u);
  EXPECT_EQ(vramd_vk_import(some, nullptr, &resource), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), testing::StartsWith("lease is NULL"));
  EXPECT_EQ(vramd_vk_import(some, some, nullptr), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), testing::StartsWith("resource is NULL"));
}

TEST(NullArgumentsTest, ADeviceInfoNamesItsFieldThatIsNull) {
  vramd_vk_device_info info = VRAMD_VK_DEVICE_INFO_INIT;
  info.get_instance_proc_addr = NoFunction;
  info.instance = some;
  info.device = some;
  vramd_vk_device* device = nullptr;
  info.physical_device = VK_NULL_HANDLE;
  EXPECT_EQ(vramd_vk_device_create(&info, &device), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), testing::StartsWith("info.physical_device is NULL"));
  info.get_instance_proc_addr = nullptr;
  EXPECT_EQ(vramd_vk_device_create(&info, &device), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), testing::StartsWith("info.get_instance_proc_addr is NULL"));
}

// Those without a result answer what there is without the object, and destroy nothing.
TEST(NullArgumentsTest, WhereNothingCanFailNothingHappens) {
  EXPECT_EQ(vramd_lease_get_id(nullptr), 0u);
  EXPECT_EQ(vramd_lease_get_allocation_id(nullptr), 0u);
  EXPECT_FALSE(vramd_lease_is_valid(nullptr));
  EXPECT_EQ(vramd_producer_get_name(nullptr), nullptr);
  EXPECT_EQ(vramd_producer_get_stream(nullptr), nullptr);
  EXPECT_EQ(vramd_consumer_get_name(nullptr), nullptr);
  EXPECT_EQ(vramd_consumer_get_stream(nullptr), nullptr);
  EXPECT_EQ(vramd_consumer_get_poll_handle(nullptr), -1);
  EXPECT_FALSE(vramd_stream_uses_timeline(nullptr));
  uint32_t newest = 1, images = 1, oldest = 1;
  vramd_stream_get_generations(nullptr, &newest, &images, &oldest);
  EXPECT_EQ(newest + images + oldest, 0u);
  vramd_stream_get_generations(nullptr, nullptr, nullptr, nullptr);
  vramd_producer_cancel(nullptr);
  vramd_consumer_cancel(nullptr);
  vramd_client_destroy(nullptr);
  vramd_lease_destroy(nullptr);
  vramd_watch_destroy(nullptr);
  vramd_producer_destroy(nullptr);
  vramd_consumer_destroy(nullptr);
  vramd_vk_device_destroy(nullptr);
  vramd_vk_stream_destroy(nullptr);
  vramd_vk_resource_destroy(nullptr, nullptr);
  vramd_vk_resource_destroy(some, nullptr);
}

TEST(NullArgumentsTest, BarriersAndSubmissionsOfNothingAreLeftAlone) {
  vramd_vk_resource resource = VRAMD_VK_RESOURCE_INIT;
  vramd_vk_barrier barrier = VRAMD_VK_BARRIER_INIT;
  for (const auto record : {vramd_vk_record_acquire, vramd_vk_record_release}) {
    record(nullptr, some, &resource, &barrier);
    record(some, some, nullptr, &barrier);
    record(some, some, &resource, nullptr);
  }
  vramd_vk_sync sync = VRAMD_VK_SYNC_INIT;
  sync.signal_count = 1;
  VkSubmitInfo submit{};
  VkTimelineSemaphoreSubmitInfo timeline{};
  vramd_vk_sync_apply(nullptr, &submit, &timeline);
  vramd_vk_sync_apply(&sync, nullptr, &timeline);
  vramd_vk_sync_apply(&sync, &submit, nullptr);
  EXPECT_EQ(submit.signalSemaphoreCount, 0u);
}

}  // namespace
}  // namespace vramd
