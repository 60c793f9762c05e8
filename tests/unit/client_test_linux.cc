// The C interface against a broker in this process.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/match.h"
#include "tests/unit/broker_server_linux.h"
#include "tests/unit/descriptor_count_linux.h"
#include "tests/unit/log_file_linux.h"
#include "vramd/vramd_stream.h"

namespace vramd {
namespace {

using testing::HasSubstr;

constexpr uint64_t kPatienceNs = 20'000'000'000;

class ClientTest : public testing::Test {
 protected:
  explicit ClientTest(const BrokerLimits& limits = {}) : server_(limits) {}
  ~ClientTest() override { vramd_client_destroy(client_); }

  vramd_client* Connect() {
    vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
    info.endpoint = server_.endpoint().c_str();
    info.timeout_ns = kPatienceNs;
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
  vramd_recipe recipe = VRAMD_RECIPE_INIT;
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
  info.timeout_ns = 50000000;
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
  vramd_event event = VRAMD_EVENT_INIT;
  const auto next = [&] {
    EXPECT_EQ(vramd_watch_next(watch, kPatienceNs, &event), VRAMD_OK) << vramd_last_error();
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

// More than a slow reader is otherwise allowed to be behind, by the broker and by the library.
TEST_F(ClientTest, AWatchBeginsWithEveryNameHoweverLateItIsRead) {
  constexpr uint32_t kLeases = 80, kNames = 64;
  for (uint32_t i = 0; i < kLeases; ++i) {
    const auto grant =
        server_.broker().Allocate(SessionId{1}, RequestId{1000 + i}, RawRequest(kPage), "", "");
    ASSERT_TRUE(grant.ok()) << grant.status();
    for (uint32_t n = 0; n < kNames; ++n)
      ASSERT_TRUE(server_.broker()
                      .Publish(SessionId{1}, grant->lease, absl::StrCat("app/", i, "-", n))
                      .ok());
  }
  vramd_watch *first = nullptr, *second = nullptr;
  vramd_event event = VRAMD_EVENT_INIT;
  ASSERT_EQ(vramd_watch_create(client_, nullptr, &first), VRAMD_OK) << vramd_last_error();
  ASSERT_EQ(vramd_watch_create(client_, nullptr, &second), VRAMD_OK) << vramd_last_error();
  // While the first is read, the second one's names wait in its queue.
  for (vramd_watch* watch : {first, second}) {
    for (uint32_t i = 0; i < kLeases * kNames; ++i) {
      ASSERT_EQ(vramd_watch_next(watch, kPatienceNs, &event), VRAMD_OK) << vramd_last_error();
      ASSERT_EQ(event.kind, VRAMD_EVENT_PUBLISHED) << i;
    }
    ASSERT_EQ(vramd_watch_next(watch, kPatienceNs, &event), VRAMD_OK);
    EXPECT_EQ(event.kind, VRAMD_EVENT_CURRENT);
    vramd_watch_destroy(watch);
  }
}

// The library's queue overflows before anybody has read CURRENT from it.
TEST_F(ClientTest, AWatchThatOverflowsStillTellsThatItIsCurrent) {
  vramd_watch *unread = nullptr, *read = nullptr;
  ASSERT_EQ(vramd_watch_create(client_, nullptr, &unread), VRAMD_OK) << vramd_last_error();
  ASSERT_EQ(vramd_watch_create(client_, nullptr, &read), VRAMD_OK) << vramd_last_error();
  vramd_event event = VRAMD_EVENT_INIT;
  ASSERT_EQ(vramd_watch_next(read, kPatienceNs, &event), VRAMD_OK) << vramd_last_error();
  const auto grant =
      server_.broker().Allocate(SessionId{1}, RequestId{1000}, RawRequest(kPage), "", "");
  ASSERT_TRUE(grant.ok()) << grant.status();
  // The second watch is read in step, so that the broker's own queues stay short.
  for (int i = 0; i < 2100; ++i) {
    ASSERT_TRUE(server_.broker().Publish(SessionId{1}, grant->lease, "app/x").ok());
    ASSERT_TRUE(server_.broker().Withdraw(SessionId{1}, "app/x").ok());
    for (int n = 0; n < 2; ++n)
      ASSERT_EQ(vramd_watch_next(read, kPatienceNs, &event), VRAMD_OK) << vramd_last_error();
  }
  ASSERT_TRUE(server_.broker().Publish(SessionId{1}, grant->lease, "app/last").ok());
  int current = 0, overflow = 0;
  do {
    ASSERT_EQ(vramd_watch_next(unread, kPatienceNs, &event), VRAMD_OK) << vramd_last_error();
    current += event.kind == VRAMD_EVENT_CURRENT ? 1 : 0;
    overflow += event.kind == VRAMD_EVENT_OVERFLOW ? 1 : 0;
  } while (!absl::EndsWith(event.name, "app/last"));
  EXPECT_EQ(current, 1);
  EXPECT_EQ(overflow, 1);
  vramd_watch_destroy(unread);
  vramd_watch_destroy(read);
}

class OneWatchTest : protected LogFile, public ClientTest {
 protected:
  OneWatchTest() : LogFile(log::Level::kDebug), ClientTest({.watchers_per_session = 1}) {}

  // How often somebody has asked for a watch.
  size_t CountTries() const { return LinesWith("event=watch ").size(); }
  void AwaitTries(size_t count) const {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (CountTries() < count && Clock::now() < deadline) std::this_thread::yield();
  }
};

class SilentSink final : public EventSink {
 public:
  void Push(const BrokerEvent&) override {}
};

TEST_F(OneWatchTest, ARefusedWatchIsTriedMoreAndMoreSeldom) {
  vramd_watch* watch = nullptr;
  ASSERT_EQ(vramd_watch_create(client_, nullptr, &watch), VRAMD_OK) << vramd_last_error();
  // Its place in the next session is taken before it comes back; if it was faster, once more.
  SilentSink sink;
  absl::StatusOr<WatcherId> other = absl::UnknownError("not tried yet");
  for (uint64_t session = 2; !other.ok() && session < 100; ++session) {
    server_.door().Disconnect(SessionId{session - 1});
    while (!(other = server_.broker().AddWatcher(SessionId{session}, "", &sink)).ok() &&
           !absl::IsResourceExhausted(other.status()))
      (void)vramd_client_ping(client_);
  }
  ASSERT_TRUE(other.ok()) << other.status();
  const size_t before = CountTries();
  AwaitTries(before + 1);
  const auto begin = Clock::now();
  AwaitTries(before + 6);
  EXPECT_GE(CountTries(), before + 6) << "it does not give up";
  // Pauses of 20 ms, five times, would be 100 ms; twice as long each time, it is at least 40 ms +
  // 80 + 160 + 320 + 640, less what the first wait here has missed.
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(1000));
  vramd_watch_destroy(watch);
  server_.broker().RemoveWatcher(*other);
}

TEST_F(ClientTest, TextThatIsNotUtf8IsRefusedByItsField) {
  const char* const bad = "caf\xe9";
  vramd_lease* lease = nullptr;
  vramd_allocate_info info = VRAMD_ALLOCATE_INFO_INIT;
  info.raw_size = kPage;
  info.label = bad;
  EXPECT_EQ(vramd_allocate(client_, &info, &lease), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("label is not UTF-8"));
  info.label = nullptr;
  info.device = bad;
  EXPECT_EQ(vramd_allocate(client_, &info, &lease), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("device is not UTF-8"));
  info.device = nullptr;
  info.label = "caf\u00e9";
  ASSERT_EQ(vramd_allocate(client_, &info, &lease), VRAMD_OK) << vramd_last_error();
  EXPECT_EQ(vramd_publish(lease, bad, nullptr, 0), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("name is not UTF-8"));
  vramd_lease_destroy(lease);
  vramd_open_info open = VRAMD_OPEN_INFO_INIT;
  open.name = bad;
  EXPECT_EQ(vramd_open(client_, &open, &lease), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_withdraw(client_, bad), VRAMD_INVALID_ARGUMENT);
  uint32_t count = 0;
  EXPECT_EQ(vramd_list(client_, bad, &count, nullptr), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("prefix is not UTF-8"));
  vramd_watch* watch = nullptr;
  EXPECT_EQ(vramd_watch_create(client_, bad, &watch), VRAMD_INVALID_ARGUMENT);
  vramd_stream_info stream = VRAMD_STREAM_INFO_INIT;
  const vramd_image_info image = VRAMD_IMAGE_INFO_INIT;
  stream.image = &image;
  stream.name = bad;
  vramd_producer* producer = nullptr;
  EXPECT_EQ(vramd_producer_create(client_, &stream, &producer), VRAMD_INVALID_ARGUMENT);
  EXPECT_THAT(vramd_last_error(), HasSubstr("name is not UTF-8"));
  vramd_consumer_info consumer_info = VRAMD_CONSUMER_INFO_INIT;
  consumer_info.name = bad;
  vramd_consumer* consumer = nullptr;
  EXPECT_EQ(vramd_consumer_open(client_, &consumer_info, &consumer), VRAMD_INVALID_ARGUMENT);
  EXPECT_EQ(vramd_list_streams(client_, bad, &count, nullptr), VRAMD_INVALID_ARGUMENT);
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
  EXPECT_THAT(vramd_last_error(), HasSubstr("vramd_device_info.struct_type is 0"));
}

}  // namespace
}  // namespace vramd
