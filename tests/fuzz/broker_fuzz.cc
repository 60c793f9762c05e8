// Calls to the broker in any order, by three sessions of two users. Whatever they do, every quota
// is back at zero when they have ended.
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "daemon/broker.h"
#include "driver-shim/device_hub.h"
#include "driver-shim/null_device.h"
#include "tests/fuzz/fuzz_input.h"

namespace vramd {
namespace {

class CountingSink final : public EventSink {
 public:
  void Push(const BrokerEvent&) override { ++events_; }

 private:
  uint64_t events_ = 0;
};

Peer MakePeer(const char* name, const char* id) {
  Peer peer;
  peer.user_name = name;
  peer.user_id = id;
  return peer;
}

Policy MakePolicy(bool shared) {
  Policy policy;
  policy.may_connect = {{Subject::Kind::kEveryone, ""}};
  if (shared) policy.may_open = {{{Subject::Kind::kUser, "1001"}, "alice/shared/*"}};
  return policy;
}

DeviceHub& Devices() {
  static DeviceHub hub(
      [] { return std::vector<std::shared_ptr<Device>>{MakeNullDevice({.heap_size = 64 << 10})}; });
  VRAMD_FUZZ_CHECK(hub.Find("", Clock::now() + std::chrono::seconds(20)).ok());
  return hub;
}

class Story {
 public:
  explicit Story(FuzzInput& input) : input_(input) {
    for (uint64_t id = 1; id <= 3; ++id) Begin(SessionId{id});
  }

  void Run() {
    for (int step = 0; step < 200 && !input_.empty(); ++step) Step();
    End();
  }

 private:
  void Begin(SessionId session) {
    if (session.value <= 3 && broker_.QuotasOf(session).empty())
      (void)broker_.BeginSession(session, session.value == 3 ? bob_ : alice_);
  }
  SessionId Someone() { return SessionId{1 + input_.UpTo(3)}; }  // the fourth never begins
  RequestId Request() { return RequestId{input_.UpTo(40)}; }
  LeaseId SomeLease() {
    return leases_.empty() ? LeaseId{input_.Byte()}
                           : leases_[input_.UpTo(static_cast<uint32_t>(leases_.size() - 1))];
  }
  AllocationId SomeAllocation() {
    return allocations_.empty()
               ? AllocationId{input_.Byte()}
               : allocations_[input_.UpTo(static_cast<uint32_t>(allocations_.size() - 1))];
  }
  std::string Name() {
    static const char* const kNames[] = {"shared/a", "shared/b", "app/a", "alice/shared/a",
                                         "bob/app/a"};
    const uint32_t which = input_.UpTo(5);
    return which < 5 ? kNames[which] : input_.Text();
  }
  void Keep(absl::StatusOr<Grant> grant) {
    if (!grant.ok() || leases_.size() >= 200) return;
    leases_.push_back(grant->lease);
    allocations_.push_back(grant->allocation);
  }
  AllocationRequest What() {
    AllocationRequest what;
    what.kind = static_cast<ResourceKind>(input_.UpTo(3));
    what.raw_size = what.buffer.size = input_.Integer<uint16_t>();
    what.buffer.usage = what.image.usage = 1 + input_.UpTo(7);
    what.image.format = 37;
    what.image.width = what.image.height = input_.Byte();
    what.handle_type = static_cast<HandleType>(input_.UpTo(5));
    return what;
  }

  void Step() {
    switch (input_.UpTo(12)) {
      case 0:
        return Begin(Someone());
      case 1:
        return broker_.EndSession(Someone());
      case 2:
        return Keep(broker_.Allocate(Someone(), Request(), What(), "", input_.Text()));
      case 3:
        return Keep(broker_.OpenByName(Someone(), Request(), Name()));
      case 4:
        return Keep(broker_.OpenById(Someone(), Request(), SomeAllocation()));
      case 5:
        return (void)broker_.Release(Someone(), SomeLease());
      case 6:
        return (void)broker_.ReleaseByRequest(Someone(), Request());
      case 7:
        return (void)broker_.Publish(Someone(), SomeLease(), Name());
      case 8:
        return (void)broker_.Withdraw(Someone(), Name());
      case 9:
        return (void)broker_.List(Someone(), input_.Text());
      case 10: {
        const auto watcher = broker_.AddWatcher(Someone(), input_.Text(), &sink_);
        if (watcher.ok()) watchers_.push_back(*watcher);
        return;
      }
      case 11:
        if (watchers_.empty()) return;
        broker_.RemoveWatcher(watchers_.back());
        watchers_.pop_back();
        return;
      default:
        broker_.SetPolicy(MakePolicy(input_.UpTo(1) == 1));
        if (input_.Byte() == 255) broker_.BeginDrain("fuzz");
    }
  }

  void End() {
    std::vector<std::shared_ptr<Quota>> quotas;
    for (uint64_t id = 1; id <= 3; ++id)
      for (auto& quota : broker_.QuotasOf(SessionId{id})) quotas.push_back(std::move(quota));
    for (const WatcherId watcher : watchers_) broker_.RemoveWatcher(watcher);
    for (uint64_t id = 1; id <= 3; ++id) broker_.EndSession(SessionId{id});
    for (const auto& quota : quotas) VRAMD_FUZZ_CHECK(quota->used() == 0);
    const BrokerCounts counts = broker_.Counts();
    VRAMD_FUZZ_CHECK(counts.sessions == 0 && counts.allocations == 0 && counts.bytes == 0);
    VRAMD_FUZZ_CHECK(Devices().List()[0].budget[0].usage == 0);
  }

  static BrokerLimits Limits() {
    BrokerLimits limits;
    limits.session = {.bytes = 48 << 10, .allocations = 6, .handles = 10};
    limits.user = {.bytes = 56 << 10, .allocations = 8, .handles = 12, .sessions = 2};
    return limits;
  }

  FuzzInput& input_;
  const Peer alice_ = MakePeer("alice", "1000");
  const Peer bob_ = MakePeer("bob", "1001");
  CountingSink sink_;
  Broker broker_{&Devices(), Limits(), MakePolicy(true)};
  std::vector<LeaseId> leases_;
  std::vector<AllocationId> allocations_;
  std::vector<WatcherId> watchers_;
};

}  // namespace
}  // namespace vramd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vramd::log::SetLevel(vramd::log::Level::kError);
  vramd::FuzzInput input(data, size);
  vramd::Story(input).Run();
  return 0;
}
