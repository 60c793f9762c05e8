// The live socket: up to three clients at once say anything, in pieces, and leave in any way. After
// each story the door still welcomes an honest client, and nobody has stayed behind.
#include <stdlib.h>
#include <sys/socket.h>

#include <filesystem>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/mutex.h"
#include "ipc/dial.h"
#include "ipc/door.h"
#include "ipc/handshake.h"
#include "ipc/unix_socket_linux.h"
#include "tests/fuzz/fuzz_input.h"

namespace vramd {
namespace {

class Keeper final : public DoorKeeper {
 public:
  absl::Status Admit(const Peer&) override { return absl::OkStatus(); }
  absl::StatusOr<SecretToken> Enter(SessionId session, const Peer&,
                                    std::shared_ptr<HandleSender> lane) override {
    MutexLock lock(mutex_);
    VRAMD_FUZZ_CHECK(residents_.try_emplace(session).second);
    residents_[session].first = std::move(lane);
    return SecretToken{};
  }
  void Serve(SessionId session, OsHandle stream, std::function<void()>) override {
    MutexLock lock(mutex_);
    residents_.at(session).second = std::move(stream);
  }
  void Left(SessionId session, absl::string_view) override {
    MutexLock lock(mutex_);
    VRAMD_FUZZ_CHECK(residents_.erase(session) == 1);
    changed_.NotifyAll();
  }
  void Refused(const Peer&, const absl::Status& why) override { VRAMD_FUZZ_CHECK(!why.ok()); }

  void AwaitNobody() {
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    MutexLock lock(mutex_);
    while (!residents_.empty()) VRAMD_FUZZ_CHECK(changed_.WaitUntil(mutex_, deadline));
  }

 private:
  Mutex mutex_;
  Condition changed_;
  std::unordered_map<SessionId, std::pair<std::shared_ptr<HandleSender>, OsHandle>> residents_;
};

// Made once: the door is what is tested, not its making.
class Stage {
 public:
  Stage() {
    std::string name = "/tmp/vramd-fuzz-XXXXXX";
    directory_ = mkdtemp(name.data());
    door_ = std::move(Door::Open({.endpoint = endpoint()}, &keeper_)).value();
  }
  ~Stage() {
    door_.reset();
    std::filesystem::remove_all(directory_);
  }
  std::string endpoint() const { return directory_ + "/vramd.sock"; }
  Keeper& keeper() { return keeper_; }

 private:
  std::string directory_;
  Keeper keeper_;
  std::unique_ptr<Door> door_;
};

void Act(FuzzInput& input, const std::string& endpoint, OsHandle& client) {
  if (!client.valid()) {
    client = NewUnixStream();
    VRAMD_FUZZ_CHECK(ConnectUnix(client, endpoint) == 0);
  }
  const ClientHelloBytes hello = Encode(ClientHello{});
  switch (input.UpTo(5)) {
    case 0: {
      const std::string text = input.Text();
      (void)send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
      return;
    }
    case 1:
      (void)send(client.get(), hello.data(), hello.size(), MSG_NOSIGNAL);
      return;
    case 2: {  // a part of an honest greeting
      const size_t from = input.UpTo(31);
      (void)send(client.get(), hello.data() + from, input.UpTo(31 - static_cast<uint32_t>(from)),
                 MSG_NOSIGNAL);
      return;
    }
    case 3:
      (void)shutdown(client.get(), static_cast<int>(input.UpTo(2)));
      return;
    case 4:
      client.Reset();
      return;
    default: {
      char bytes[64];
      (void)recv(client.get(), bytes, sizeof(bytes), MSG_DONTWAIT);
    }
  }
}

void Play(FuzzInput& input) {
  static Stage stage;
  {
    OsHandle clients[3];
    for (int step = 0; step < 24 && !input.empty(); ++step)
      Act(input, stage.endpoint(), clients[input.UpTo(2)]);
  }
  auto honest = Dial(stage.endpoint(), "", Clock::now() + std::chrono::seconds(20));
  VRAMD_FUZZ_CHECK(honest.ok());
  honest->stream.Reset();
  stage.keeper().AwaitNobody();
}

}  // namespace
}  // namespace vramd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vramd::FuzzInput input(data, size);
  vramd::Play(input);
  return 0;
}
