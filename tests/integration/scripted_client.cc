// A client that does what it reads on standard input, one command a line, and answers one line:
// "ok ..." or "error CODE sentence". Tests drive it as the other process, and kill it.
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "vramd/client.h"

namespace {

using vramd::AllocateInfo;
using vramd::Client;
using vramd::Lease;

class ScriptedClient {
 public:
  std::string Do(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    const auto found = verbs_.find(verb);
    if (found == verbs_.end()) return "error no such command: " + verb;
    if (verb != "connect" && !client_) return "error not connected";
    return found->second(words);
  }

 private:
  static std::string Error(const vramd::Status& status) { return "error " + status.ToString(); }

  std::string Connect(std::istream&) {
    vramd::ConnectInfo patient;
    patient.timeout_ns = 60000000000;
    auto client = Client::Connect(patient);
    if (!client) return Error(client.status());
    client_.emplace(std::move(*client));
    auto info = client_->ServerInfo();
    return info ? "ok " + std::to_string(info->session_id) : Error(info.status());
  }

  std::string Keep(vramd::Result<Lease> lease) {
    if (!lease) return Error(lease.status());
    leases_.emplace(++last_, std::move(*lease));
    return "ok " + std::to_string(last_) + " " + std::to_string(leases_.at(last_).allocation_id());
  }

  std::string Allocate(std::istream& words) {
    uint64_t size = 0;
    words >> size;
    return Keep(client_->Allocate(AllocateInfo::Raw(size)));
  }

  std::string Open(std::istream& words) {
    std::string name;
    words >> name;
    return Keep(client_->Open(name));
  }

  std::string OpenId(std::istream& words) {
    uint64_t id = 0;
    words >> id;
    return Keep(client_->Open(id));
  }

  std::string Publish(std::istream& words) {
    int lease = 0;
    std::string name;
    words >> lease >> name;
    auto whole = leases_.at(lease).Publish(name);
    return whole ? "ok " + *whole : Error(whole.status());
  }

  std::string Release(std::istream& words) {
    int lease = 0;
    words >> lease;
    leases_.erase(lease);
    return "ok";
  }

  // Opens by id and releases, once for each line "ID" until an empty line.
  std::string OpenMany(std::istream&) {
    for (std::string line; std::getline(std::cin, line) && !line.empty();) {
      std::string answer = "ok";
      // The lease is given back before the answer: who has that may count what is left.
      if (const auto lease = client_->Open(std::stoull(line)); !lease)
        answer = Error(lease.status());
      std::cout << answer << std::endl;
    }
    return "ok";
  }

  // Allocates, publishes and releases for ever: for being killed in the middle of anything.
  std::string Churn(std::istream&) {
    std::cout << "ok churning" << std::endl;
    for (;;) {
      auto lease = client_->Allocate(AllocateInfo::Raw(1 << 20));
      if (lease) (void)lease->Publish("churn/" + std::to_string(lease->id()));
    }
  }

  using Verb = std::function<std::string(std::istream&)>;
  Verb Bind(std::string (ScriptedClient::*verb)(std::istream&)) {
    return [this, verb](std::istream& words) { return (this->*verb)(words); };
  }
  const std::map<std::string, Verb> verbs_ = {
      {"connect", Bind(&ScriptedClient::Connect)},    {"allocate", Bind(&ScriptedClient::Allocate)},
      {"open", Bind(&ScriptedClient::Open)},          {"open-id", Bind(&ScriptedClient::OpenId)},
      {"publish", Bind(&ScriptedClient::Publish)},    {"release", Bind(&ScriptedClient::Release)},
      {"open-many", Bind(&ScriptedClient::OpenMany)}, {"churn", Bind(&ScriptedClient::Churn)}};

  std::optional<Client> client_;
  int last_ = 0;
  std::map<int, Lease> leases_;  // after client_, so that they go before it
};

}  // namespace

int main() {
  ScriptedClient client;
  for (std::string line; std::getline(std::cin, line);) std::cout << client.Do(line) << std::endl;
  return 0;
}
