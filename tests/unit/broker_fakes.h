// What the broker's tests stand on: a device that fails on command, a sink that remembers, and a
// broker with two users around them.
#ifndef VRAMD_TESTS_UNIT_BROKER_FAKES_H_
#define VRAMD_TESTS_UNIT_BROKER_FAKES_H_

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/section.h"
#include "daemon/broker.h"
#include "driver-shim/device.h"
#include "driver-shim/device_hub.h"
#include "driver-shim/null_device.h"
#include "gtest/gtest.h"

namespace vramd {

// Counts like a timeline semaphore; its handle stands for one.
class FakeTimeline final : public DeviceTimeline {
 public:
  // Both outlive this.
  FakeTimeline(std::atomic<int>* live, std::atomic<int>* released)
      : live_(live), released_(released) {
    ++*live_;
  }
  ~FakeTimeline() override { --*live_; }

  absl::StatusOr<OsHandle> Export() override { return CreateSection(kBytes, "timeline"); }
  absl::StatusOr<uint64_t> Value() override { return value_.load(); }
  absl::Status Signal(uint64_t value) override {
    if (value <= value_) return absl::InvalidArgumentError("a timeline does not go back");
    value_ = value;
    ++*released_;
    return absl::OkStatus();
  }
  uint64_t max_difference() const override { return uint64_t{1} << 31; }

 private:
  static constexpr uint64_t kBytes = 65536;
  std::atomic<int>* const live_;
  std::atomic<int>* const released_;
  std::atomic<uint64_t> value_ = 0;
};

// A wrapper over the real interface: what it does not disturb is the null device's work.
class FaultyDevice final : public Device {
 public:
  explicit FaultyDevice(std::shared_ptr<Device> real = MakeNullDevice())
      : real_(std::move(real)), info_(real_->info()) {}

  // From now on it has timelines. Before anybody uses it.
  void OfferTimelines() { info_.timelines = {true, ""}; }

  // From now on it is of type CPU and its recipes name `type`. Before anybody uses it.
  void BecomeCpu(HandleType type) {
    info_.device_type = 4;  // VK_PHYSICAL_DEVICE_TYPE_CPU
    type_ = type;
  }

  // Every later Allocate() or Export() answers this.
  void FailAllocate(absl::Status status) { Set(&allocate_error_, std::move(status)); }
  void FailExport(absl::Status status) { Set(&export_error_, std::move(status)); }
  // SizeOf() promises so many bytes, whatever the allocation takes.
  void PromiseSize(uint64_t bytes) { promised_ = bytes; }

  // Later Allocate() and Export() calls wait inside the driver until Open().
  void Close() { SetClosed(true); }
  void Open() { SetClosed(false); }
  void AwaitWaiting(int calls) {
    MutexLock lock(mutex_);
    while (waiting_ < calls) changed_.Wait(mutex_);
  }

  // Memory that goes waits inside the driver until LetGo(), of at most 20 seconds.
  void HoldFrees() { SetHeld(true); }
  void LetGo() { SetHeld(false); }

  int live() const { return live_; }    // memories that exist
  int calls() const { return calls_; }  // of Allocate(), finished

  int live_timelines() const { return live_timelines_; }
  int released_timelines() const { return released_timelines_; }  // their waiters were let go

  const DeviceInfo& info() const override { return info_; }
  std::vector<HeapBudget> Budget() const override { return real_->Budget(); }
  absl::StatusOr<uint64_t> SizeOf(const AllocationRequest& request) const override {
    auto size = real_->SizeOf(request);
    if (size.ok() && promised_ != 0) return promised_.load();
    return size;
  }
  absl::StatusOr<std::unique_ptr<DeviceMemory>> Allocate(
      const AllocationRequest& request) override {
    PassGate();
    if (absl::Status error = Get(allocate_error_); !error.ok()) return error;
    auto memory = real_->Allocate(request);
    if (!memory.ok()) return memory.status();
    auto counted = std::make_unique<Memory>(this, *std::move(memory));
    ++calls_;
    return counted;
  }
  absl::StatusOr<std::unique_ptr<DeviceTimeline>> CreateTimeline() override {
    if (!info_.timelines.can_export) return real_->CreateTimeline();
    return std::make_unique<FakeTimeline>(&live_timelines_, &released_timelines_);
  }

 private:
  class Memory final : public DeviceMemory {
   public:
    Memory(FaultyDevice* device, std::unique_ptr<DeviceMemory> real)
        : device_(device), real_(std::move(real)), recipe_(real_->recipe()) {
      ++device_->live_;
      const HandleType pretended = device_->type_;
      if (pretended != HandleType::kUnknown) recipe_.handle_type = pretended;
    }
    ~Memory() override {
      device_->PassFreeGate();
      --device_->live_;
    }
    const Recipe& recipe() const override { return recipe_; }
    absl::StatusOr<OsHandle> Export() override {
      device_->PassGate();
      if (absl::Status error = device_->Get(device_->export_error_); !error.ok()) return error;
      return real_->Export();
    }

   private:
    FaultyDevice* const device_;
    std::unique_ptr<DeviceMemory> real_;
    Recipe recipe_;
  };

  void Set(absl::Status* which, absl::Status status) {
    MutexLock lock(mutex_);
    *which = std::move(status);
  }
  absl::Status Get(const absl::Status& which) {
    MutexLock lock(mutex_);
    return which;
  }
  void SetClosed(bool closed) {
    MutexLock lock(mutex_);
    closed_ = closed;
    changed_.NotifyAll();
  }
  void SetHeld(bool held) {
    MutexLock lock(mutex_);
    held_ = held;
    changed_.NotifyAll();
  }
  void PassFreeGate() {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    MutexLock lock(mutex_);
    while (held_ && std::chrono::steady_clock::now() < deadline)
      changed_.WaitUntil(mutex_, deadline);
  }
  void PassGate() {
    MutexLock lock(mutex_);
    ++waiting_;
    changed_.NotifyAll();
    while (closed_) changed_.Wait(mutex_);
    --waiting_;
  }

  const std::shared_ptr<Device> real_;
  DeviceInfo info_;
  std::atomic<HandleType> type_ = HandleType::kUnknown;  // kUnknown: the real one
  std::atomic<int> live_timelines_ = 0;
  std::atomic<int> released_timelines_ = 0;
  std::atomic<uint64_t> promised_ = 0;
  std::atomic<int> live_ = 0;
  std::atomic<int> calls_ = 0;
  Mutex mutex_;
  Condition changed_;
  absl::Status allocate_error_;
  absl::Status export_error_;
  bool closed_ = false;
  bool held_ = false;
  int waiting_ = 0;
};

// Keeps every event as a word or two: "PUBLISHED alice/app/x".
class RecordingSink final : public EventSink {
 public:
  void Push(const BrokerEvent& event) override {
    MutexLock lock(mutex_);
    events_.push_back(event);
    words_.push_back(Words(event));
  }
  std::vector<std::string> words() const {
    MutexLock lock(mutex_);
    return words_;
  }
  std::vector<BrokerEvent> events() const {
    MutexLock lock(mutex_);
    return events_;
  }

 private:
  static std::string Words(const BrokerEvent& event) {
    switch (event.kind) {
      case BrokerEvent::Kind::kPublished:
        return "PUBLISHED " + event.listing.name;
      case BrokerEvent::Kind::kWithdrawn:
        return "WITHDRAWN " + event.listing.name;
      case BrokerEvent::Kind::kReleased:
        return "RELEASED " + event.listing.name;
      case BrokerEvent::Kind::kCurrent:
        return "CURRENT";
      case BrokerEvent::Kind::kDeviceLost:
        return "DEVICE_LOST";
      case BrokerEvent::Kind::kGoingAway:
        return "GOING_AWAY";
      case BrokerEvent::Kind::kStreamStarted:
        return "STREAM_STARTED " + event.listing.name;
      case BrokerEvent::Kind::kStreamEnded:
        return "STREAM_ENDED " + event.listing.name;
    }
    return "?";
  }

  mutable Mutex mutex_;
  std::vector<BrokerEvent> events_;
  std::vector<std::string> words_;
};

inline Peer MakePeer(std::string name, std::string id, std::vector<std::string> groups = {}) {
  Peer peer;
  peer.user_name = std::move(name);
  peer.user_id = std::move(id);
  peer.group_ids = std::move(groups);
  peer.process_id = 42;
  return peer;
}

inline AllocationRequest RawRequest(uint64_t bytes) {
  AllocationRequest request;
  request.kind = ResourceKind::kRaw;
  request.raw_size = bytes;
  return request;
}

// The smallest allocation: sizes are rounded up to multiples of it.
inline const uint64_t kPage = SectionAlignment();

// A broker on one FaultyDevice that alice and bob may use.
class BrokerTest : public testing::Test {
 protected:
  static constexpr SessionId kAlice{1}, kAlice2{2}, kBob{3};

  static Policy EveryoneMayConnect() {
    Policy policy;
    policy.may_connect = {{Subject::Kind::kEveryone, ""}};
    return policy;
  }
  // Alice's user runs the broker.
  static Policy AliceIsTheBrokersUser() {
    Policy policy = BobMayOpenShared();
    policy.broker_user_id = "1000";
    return policy;
  }
  // Bob may open what alice published under alice/shared/.
  static Policy BobMayOpenShared() {
    Policy policy = EveryoneMayConnect();
    policy.may_open = {{{Subject::Kind::kUser, "1001"}, "alice/shared/*"}};
    return policy;
  }

  void SetUp() override { Start({}, BobMayOpenShared()); }

  void Start(const BrokerLimits& limits, Policy policy, Environment environment = {}) {
    broker_.reset();
    broker_ = std::make_unique<Broker>(&hub_, limits, std::move(policy), std::move(environment));
    ASSERT_TRUE(broker_->BeginSession(kAlice, alice_).ok());
    ASSERT_TRUE(broker_->BeginSession(kAlice2, alice_).ok());
    ASSERT_TRUE(broker_->BeginSession(kBob, bob_).ok());
  }

  void TearDown() override {
    for (uint64_t id = 1; id <= 3; ++id) broker_->EndSession(SessionId{id});
    ExpectNothingLeft();
  }
  void ExpectNothingLeft() {
    EXPECT_EQ(device_->live(), 0);
    EXPECT_EQ(broker_->Counts().allocations, 0u);
    EXPECT_EQ(broker_->Counts().bytes, 0u);
  }

  absl::StatusOr<Grant> Allocate(SessionId session, uint64_t bytes = kPage) {
    return broker_->Allocate(session, NextRequest(), RawRequest(bytes), "", "");
  }
  absl::StatusOr<Grant> Open(SessionId session, AllocationId id) {
    return broker_->OpenById(session, NextRequest(), id);
  }
  absl::StatusOr<Grant> Open(SessionId session, absl::string_view name) {
    return broker_->OpenByName(session, NextRequest(), name);
  }
  RequestId NextRequest() { return RequestId{++last_request_}; }

  uint64_t Used(SessionId session, const std::string& quota) const {
    for (const auto& one : broker_->QuotasOf(session))
      if (one->name() == quota) return one->used();
    ADD_FAILURE() << "no quota " << quota;
    return 0;
  }
  // All that a session and its user pay for leases.
  uint64_t UsedByLeases(SessionId session) const {
    uint64_t sum = 0;
    for (const char* name : {"session.bytes", "session.allocations", "session.handles",
                             "user.bytes", "user.allocations", "user.handles"})
      sum += Used(session, name);
    return sum;
  }

  const Peer alice_ = MakePeer("alice", "1000");
  const Peer bob_ = MakePeer("bob", "1001");
  const std::shared_ptr<FaultyDevice> device_ = std::make_shared<FaultyDevice>();
  DeviceHub hub_{[this] { return std::vector<std::shared_ptr<Device>>{device_}; }};
  std::unique_ptr<Broker> broker_;
  std::atomic<uint64_t> last_request_ = 0;
};

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_BROKER_FAKES_H_
