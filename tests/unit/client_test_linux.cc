// The C interface against a broker in this process.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "tests/unit/broker_server_linux.h"
#include "tests/unit/descriptor_count_linux.h"
#include "vramd/vramd.h"

namespace vramd {
namespace {

using testing::HasSubstr;

class ClientTest : public testing::Test {
 protected:
  ~ClientTest() override { vramd_client_destroy(client_); }

  vramd_client* Connect() {
    vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
    info.endpoint = server_.endpoint().c_str();
    info.timeout_ms = 20000;
    vramd_client* client = nullptr;
    EXPECT_EQ(vramd_client_create(&info, &client), VRAMD_OK) << vramd_last_error();
    return client;
  }
  vramd_lease* Allocate(uint64_t bytes = kPage) {
    vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
    info.raw_size = bytes;
    vramd_lease* lease = nullptr;
    EXPECT_EQ(vramd_allocate(client_, &info, &lease), VRAMD_OK) << vramd_last_error();
    return lease;
  }
  // The connection breaks; the client notices when it next looks.
  void Break() {
    server_.door().Disconnect(SessionId{1});
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (server_.broker().Counts().sessions != 0 && Clock::now() < deadline)
      std::this_thread::yield();
  }

  BrokerServer server_;
  vramd_client* client_ = Connect();
};

TEST_F(ClientTest, ALeaseFromAllocationToEnd) {
  vramd_lease* lease = Allocate(2 * kPage);
  vramd_recipe recipe = {sizeof(recipe)};
  ASSERT_EQ(vramd_lease_get_recipe(lease, &recipe), VRAMD_OK);
  EXPECT_EQ(recipe.allocation_size, 2 * kPage);
  intptr_t one = -1, two = -1;
  ASSERT_EQ(vramd_lease_get_handle(lease, &one), VRAMD_OK);
  ASSERT_EQ(vramd_lease_get_handle(lease, &two), VRAMD_OK);
  EXPECT_NE(one, two) << "each call gives a handle of its own";
  struct stat facts {};
  ASSERT_EQ(fstat(static_cast<int>(one), &facts), 0);
  EXPECT_EQ(facts.st_size, static_cast<off_t>(2 * kPage));
  close(static_cast<int>(one));
  close(static_cast<int>(two));
  EXPECT_TRUE(vramd_lease_is_valid(lease));
  vramd_lease_destroy(lease);
  EXPECT_EQ(server_.device().live(), 0);
}

TEST_F(ClientTest, ManyLeasesLeakNoDescriptor) {
  vramd_lease_destroy(Allocate());
  const int before = CountDescriptors();
  for (int i = 0; i < 50; ++i) vramd_lease_destroy(Allocate());
  EXPECT_EQ(CountDescriptors(), before);
}

TEST_F(ClientTest, AnErrorBringsTheBrokersWords) {
  vramd_open_info info = VRAMD_OPEN_INFO_INIT;
  info.name = "no/such";
  vramd_lease* lease = nullptr;
  EXPECT_EQ(vramd_open(client_, &info, &lease), VRAMD_NOT_FOUND);
  EXPECT_THAT(vramd_last_error(), HasSubstr("nothing is published as"));
  EXPECT_EQ(lease, nullptr);
}

TEST_F(ClientTest, ACallThatIsGivenUpLeavesNoLease) {
  server_.device().Close();
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.raw_size = kPage;
  info.timeout_ms = 50;
  vramd_lease* lease = nullptr;
  EXPECT_EQ(vramd_allocate(client_, &info, &lease), VRAMD_DEADLINE_EXCEEDED);
  server_.device().Open();
  // The driver finishes late; what it made goes again.
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while ((server_.device().calls() < 1 || server_.device().live() != 0) && Clock::now() < deadline)
    std::this_thread::yield();
  EXPECT_EQ(server_.device().live(), 0);
}

TEST_F(ClientTest, AfterABreakLeasesAreInvalidAndTheNextCallConnectsAgain) {
  vramd_lease* lease = Allocate();
  Break();
  EXPECT_FALSE(vramd_lease_is_valid(lease));
  EXPECT_EQ(vramd_publish(lease, "app/x", nullptr, 0), VRAMD_UNAVAILABLE);
  EXPECT_EQ(vramd_client_ping(client_), VRAMD_OK) << vramd_last_error();
  vramd_server_info info = VRAMD_SERVER_INFO_INIT;
  ASSERT_EQ(vramd_get_server_info(client_, &info), VRAMD_OK);
  EXPECT_EQ(info.session_id, 2u);
  intptr_t handle = -1;
  ASSERT_EQ(vramd_lease_get_handle(lease, &handle), VRAMD_OK) << "what it has it keeps";
  close(static_cast<int>(handle));
  vramd_lease_destroy(lease);
}

TEST_F(ClientTest, AWatchTellsOfTheBreakAndGoesOn) {
  vramd_watch* watch = nullptr;
  ASSERT_EQ(vramd_watch_create(client_, nullptr, &watch), VRAMD_OK) << vramd_last_error();
  vramd_event event = {sizeof(event)};
  const auto next = [&] {
    EXPECT_EQ(vramd_watch_next(watch, 20000, &event), VRAMD_OK) << vramd_last_error();
    return event.kind;
  };
  EXPECT_EQ(next(), VRAMD_EVENT_CURRENT);
  vramd_lease* lease = Allocate();
  ASSERT_EQ(vramd_publish(lease, "app/x", nullptr, 0), VRAMD_OK) << vramd_last_error();
  EXPECT_EQ(next(), VRAMD_EVENT_PUBLISHED);
  EXPECT_THAT(event.name, HasSubstr("/app/x"));
  Break();
  vramd_event_kind kind = next();
  if (kind == VRAMD_EVENT_RELEASED) kind = next();  // if it came through before the end
  EXPECT_EQ(kind, VRAMD_EVENT_DISCONNECTED);
  EXPECT_EQ(next(), VRAMD_EVENT_RECONNECTED);
  EXPECT_EQ(next(), VRAMD_EVENT_CURRENT);
  EXPECT_EQ(vramd_watch_next(watch, 0, &event), VRAMD_DEADLINE_EXCEEDED);
  vramd_watch_destroy(watch);
  vramd_lease_destroy(lease);
}

TEST_F(ClientTest, AListOfThousandsComesWhole) {
  // More than the 4 MiB that gRPC allows a message by default. Published in the client's name, but
  // without its calls, which would take seconds.
  constexpr uint32_t kLeases = 300, kNames = 64;
  const std::string filler(150, 'x');
  for (uint32_t i = 0; i < kLeases; ++i) {
    const auto grant =
        server_.broker().Allocate(SessionId{1}, RequestId{1000 + i}, RawRequest(kPage), "", "");
    ASSERT_TRUE(grant.ok()) << grant.status();
    for (uint32_t n = 0; n < kNames; ++n) {
      const std::string name = "app/" + std::to_string(i) + "-" + std::to_string(n) + filler;
      ASSERT_TRUE(server_.broker().Publish(SessionId{1}, grant->lease, name).ok());
    }
  }
  uint32_t count = 0;
  EXPECT_EQ(vramd_list(client_, nullptr, &count, nullptr), VRAMD_OK) << vramd_last_error();
  EXPECT_EQ(count, kLeases * kNames);
}

TEST_F(ClientTest, NullAndUnsetSizesAreRefused) {
  vramd_lease* lease = nullptr;
  vramd_event event{};
  EXPECT_EQ(vramd_client_create(nullptr, nullptr), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_client_ping(nullptr), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_allocate(client_, nullptr, &lease), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_open(client_, nullptr, &lease), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_watch_next(nullptr, 0, &event), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_list(client_, "", nullptr, nullptr), VRAMD_INVALID_ARGUMENT);
  EXPECT_FALSE(vramd_lease_is_valid(nullptr));
  vramd_lease_destroy(nullptr);
  vramd_watch_destroy(nullptr);
  uint32_t count = 1;
  vramd_device_info device{};
  EXPECT_EQ(vramd_enumerate_devices(client_, &count, &device), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("struct_size"));
}

}  // namespace
}  // namespace vramd
