// A process that forks while frames go and events come. The child finds every object dead, harms
// nothing of its parent's, and ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "base/os_handle.h"
#include "tests/integration/stream_fixture.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

#if defined(__SANITIZE_ADDRESS__)
// A child keeps until its end what it may not destroy: that is the rule under test, and no leak.
extern "C" [[gnu::visibility("default")]] const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

namespace vramd {
namespace {

constexpr int kForks = 20;
constexpr int kPatienceMs = 20000;

// What the process has when it forks. With static storage, so that a child which destroys nothing
// itself has the destructors run by exit().
struct Everything {
  Client client;
  Lease lease;
  std::unique_ptr<vramd_watch, decltype(&vramd_watch_destroy)> watch;
  Producer producer;
  Consumer consumer;
};
std::unique_ptr<Everything> everything;

// The child's verdicts. It has no GoogleTest: its words go to standard error, its exit code counts.
int wrong = 0;

void ExpectDead(const char* call, vramd_result result) {
  if (result == VRAMD_FAILED_PRECONDITION && std::strstr(vramd_last_error(), "fork") != nullptr)
    return;
  ++wrong;
  std::fprintf(stderr, "%s in the child: %s, %s\n", call, vramd_result_name(result),
               vramd_last_error());
}

void ExpectTrue(const char* what, bool so) {
  if (so) return;
  ++wrong;
  std::fprintf(stderr, "in the child this does not hold: %s\n", what);
}

void UseClient(vramd_client* client) {
  vramd_server_info server = VRAMD_SERVER_INFO_INIT;
  const vramd_allocate_info allocate = VRAMD_ALLOCATE_INFO_INIT;
  const vramd_open_info open = VRAMD_OPEN_INFO_INIT;
  const vramd_stream_info stream = VRAMD_STREAM_INFO_INIT;
  const vramd_consumer_info consume = VRAMD_CONSUMER_INFO_INIT;
  const vramd_recipe recipe = VRAMD_RECIPE_INIT;
  const vramd_importer importer = VRAMD_IMPORTER_INIT;
  vramd_lease* lease = nullptr;
  vramd_watch* watch = nullptr;
  vramd_producer* producer = nullptr;
  vramd_consumer* consumer = nullptr;
  uint32_t count = 0;
  bool can = false;
  ExpectDead("ping", vramd_client_ping(client));
  ExpectDead("server info", vramd_get_server_info(client, &server));
  ExpectDead("devices", vramd_enumerate_devices(client, &count, nullptr));
  ExpectDead("memory types", vramd_enumerate_memory_types(client, 0, &count, nullptr));
  ExpectDead("handle types", vramd_enumerate_handle_types(client, 0, &count, nullptr));
  ExpectDead("allocate", vramd_allocate(client, &allocate, &lease));
  ExpectDead("open", vramd_open(client, &open, &lease));
  ExpectDead("withdraw", vramd_withdraw(client, "fork/x"));
  ExpectDead("list", vramd_list(client, nullptr, &count, nullptr));
  ExpectDead("watch", vramd_watch_create(client, nullptr, &watch));
  ExpectDead("share", vramd_check_share(client, &recipe, &importer, &can, nullptr, 0));
  ExpectDead("produce", vramd_producer_create(client, &stream, &producer));
  ExpectDead("consume", vramd_consumer_open(client, &consume, &consumer));
  ExpectDead("streams", vramd_list_streams(client, nullptr, &count, nullptr));
  ExpectDead("consumers", vramd_list_stream_consumers(client, "x", &count, nullptr));
}

void UseLeaseAndWatch(vramd_lease* lease, vramd_watch* watch) {
  vramd_recipe recipe = VRAMD_RECIPE_INIT;
  vramd_event event = VRAMD_EVENT_INIT;
  intptr_t handle = -1;
  ExpectDead("recipe", vramd_lease_get_recipe(lease, &recipe));
  ExpectDead("handle", vramd_lease_get_handle(lease, &handle));
  ExpectDead("publish", vramd_publish(lease, "fork/y", nullptr, 0));
  ExpectDead("event", vramd_watch_next(watch, 1000000000, &event));
  ExpectTrue("the lease is not valid", !vramd_lease_is_valid(lease));
}

void UseProducer(vramd_producer* producer) {
  vramd_slot slot = VRAMD_SLOT_INIT;
  vramd_producer_stats stats = VRAMD_PRODUCER_STATS_INIT;
  const vramd_stream_info info = VRAMD_STREAM_INFO_INIT;
  uint32_t count = 0;
  ExpectDead("acquire", vramd_producer_acquire(producer, VRAMD_FOREVER, &slot));
  ExpectDead("publish", vramd_producer_publish(producer, &slot, nullptr, nullptr));
  ExpectDead("abandon", vramd_producer_abandon(producer, &slot));
  ExpectDead("resize", vramd_producer_resize(producer, &info, VRAMD_FOREVER));
  ExpectDead("end", vramd_producer_end(producer, VRAMD_END_FINISHED));
  ExpectDead("await", vramd_producer_await_consumers(producer, 9, VRAMD_FOREVER));
  ExpectDead("stats", vramd_producer_get_stats(producer, &stats));
  ExpectDead("its consumers", vramd_producer_enumerate_consumers(producer, &count, nullptr));
  vramd_producer_cancel(producer);
}

void UseConsumer(vramd_consumer* consumer) {
  vramd_frame frame = VRAMD_FRAME_INIT;
  vramd_frame_info info = VRAMD_FRAME_INFO_INIT;
  vramd_consumer_end end = VRAMD_CONSUMER_END_INIT;
  vramd_consumer_counters counters = VRAMD_CONSUMER_COUNTERS_INIT;
  bool armed = false;
  ExpectDead("next", vramd_consumer_next(consumer, VRAMD_FOREVER, &frame));
  ExpectDead("frame info", vramd_consumer_get_frame_info(consumer, &frame, &info));
  ExpectDead("release", vramd_consumer_release(consumer, &frame, 0));
  ExpectDead("last frame", vramd_consumer_last_frame(consumer, &frame));
  ExpectDead("arm", vramd_consumer_arm(consumer, &armed));
  ExpectDead("get end", vramd_consumer_get_end(consumer, &end));
  ExpectDead("counters", vramd_consumer_get_counters(consumer, &counters));
  ExpectTrue("no poll handle", vramd_consumer_get_poll_handle(consumer) == -1);
  vramd_consumer_cancel(consumer);
}

void UseStream(vramd_stream* stream) {
  vramd_recipe recipe = VRAMD_RECIPE_INIT;
  intptr_t handle = -1;
  uint32_t newest = 1;
  ExpectDead("image", vramd_stream_get_image(stream, 1, 0, &recipe, &handle));
  ExpectDead("semaphore", vramd_stream_get_semaphore(stream, 1, 0, &handle));
  ExpectTrue("no timeline", !vramd_stream_uses_timeline(stream));
  vramd_stream_get_generations(stream, &newest, nullptr, nullptr);
  ExpectTrue("no generation", newest == 0);
}

[[noreturn]] void LiveAsChild(const std::string& endpoint, bool destroy) {
  UseClient(everything->client.get());
  UseLeaseAndWatch(everything->lease.get(), everything->watch.get());
  UseProducer(everything->producer.get());
  UseStream(everything->producer.stream());
  UseConsumer(everything->consumer.get());
  UseStream(everything->consumer.stream());
  vramd_connect_info info = VRAMD_CONNECT_INFO_INIT;
  info.endpoint = endpoint.c_str();
  vramd_client* fresh = nullptr;
  ExpectDead("connect", vramd_client_create(&info, &fresh));
  if (destroy) everything.reset();
  std::exit(wrong);
}

// The exit code of the child, or -1 if it did not end in time.
int AwaitEnd(pid_t child) {
  const OsHandle process(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
  pollfd ended = {process.get(), POLLIN, 0};
  const bool in_time = poll(&ended, 1, kPatienceMs) == 1;
  if (!in_time) kill(child, SIGKILL);
  int status = 0;
  waitpid(child, &status, 0);
  if (!in_time || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

class ForkTest : public testing::Test {
 protected:
  void SetUp() override {
    Client client = broker_.Connect();
    Lease lease = OrExit(client.Allocate(AllocateInfo::Raw(4096)));
    vramd_watch* watch = nullptr;
    ASSERT_EQ(vramd_watch_create(client.get(), nullptr, &watch), VRAMD_OK) << vramd_last_error();
    StreamInfo info = BufferStream(4096);
    info.allow_waiting = true;
    Producer producer = OrExit(Producer::Create(client, info));
    ConsumerInfo wanted;
    wanted.mode = VRAMD_STREAM_FIFO;
    wanted.when_full = VRAMD_WHEN_FULL_WAIT;
    Consumer consumer = OrExit(Consumer::Open(client, producer.name(), wanted));
    ASSERT_TRUE(producer.AwaitConsumers(1, std::chrono::seconds(20)).ok());
    everything.reset(new Everything{std::move(client),
                                    std::move(lease),
                                    {watch, &vramd_watch_destroy},
                                    std::move(producer),
                                    std::move(consumer)});
  }
  void TearDown() override { everything.reset(); }

  // Until told to stop. The stream's locks, and gRPC's, are at work when the process forks.
  void Produce() {
    while (!stop_) {
      auto slot = everything->producer.Acquire(std::chrono::seconds(20));
      ASSERT_TRUE(slot.ok()) << slot.status().ToString();
      ASSERT_TRUE(everything->producer.Publish(*std::move(slot)).ok());
      ++published_;
    }
    EXPECT_TRUE(everything->producer.End().ok());
  }
  void Consume() {
    for (;;) {
      auto frame = everything->consumer.Next(std::chrono::seconds(20));
      if (frame.is_end()) return;
      ASSERT_TRUE(frame.ok()) << frame.status().ToString();
      ++received_;
    }
  }
  void Ping() {
    while (!stop_) ASSERT_TRUE(everything->client.Ping().ok());
  }
  void AwaitProgress() {
    const uint64_t before = received_;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (received_ < before + 10 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    EXPECT_GE(received_, before + 10);
  }

  BrokerProcess broker_{{"--null-device"}};
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> published_{0}, received_{0};
};

TEST_F(ForkTest, TheChildsObjectsAreDeadAndTheParentGoesOn) {
  std::thread producing([this] { Produce(); });
  std::thread consuming([this] { Consume(); });
  std::thread pinging([this] { Ping(); });
  for (int i = 0; i < kForks; ++i) {
    AwaitProgress();
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) LiveAsChild(broker_.endpoint(), /*destroy=*/i % 2 == 0);
    EXPECT_EQ(AwaitEnd(child), 0) << "fork " << i << ": -1 is a hang or a crash";
  }
  stop_ = true;
  producing.join();
  pinging.join();
  consuming.join();
  EXPECT_EQ(received_, published_) << "no frame was lost, none came twice";
  EXPECT_TRUE(everything->lease.valid());
  EXPECT_EQ(OrExit(everything->client.ServerInfo()).sessions, 1u);
  EXPECT_TRUE(everything->lease.Publish("fork/after").ok());
  vramd_event event = VRAMD_EVENT_INIT;
  while (event.kind != VRAMD_EVENT_PUBLISHED) {
    ASSERT_EQ(vramd_watch_next(everything->watch.get(), 20000000000, &event), VRAMD_OK)
        << vramd_last_error();
    EXPECT_NE(event.kind, VRAMD_EVENT_DISCONNECTED);
  }
}

TEST(ForkFirstTest, AChildWhoseParentHadNotConnectedConnects) {
  BrokerProcess broker({"--null-device"});
  ChildProcess program({.command = {VRAMD_FORK_FIRST, broker.endpoint()}});
  EXPECT_EQ(program.Wait(), 0);
}

}  // namespace
}  // namespace vramd
