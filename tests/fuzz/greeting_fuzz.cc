// The two greetings: what decodes must mean the same when it is encoded again.
#include <algorithm>

#include "ipc/handshake.h"
#include "tests/fuzz/fuzz_input.h"

namespace vramd {
namespace {

void DecodeClient(FuzzInput& input) {
  ClientHelloBytes bytes;
  for (uint8_t& byte : bytes) byte = input.Byte();
  const auto hello = DecodeClientHello(bytes);
  if (hello.ok()) VRAMD_FUZZ_CHECK(Encode(*hello) == bytes);
}

void DecodeServer(FuzzInput& input) {
  ServerHelloBytes bytes;
  for (uint8_t& byte : bytes) byte = input.Byte();
  const auto hello = DecodeServerHello(bytes);
  if (!hello.ok()) return;
  VRAMD_FUZZ_CHECK(hello->refusal.message().size() <= kMaxRefusalText);
  if (hello->refusal.ok()) VRAMD_FUZZ_CHECK(Encode(*hello) == bytes);
}

}  // namespace
}  // namespace vramd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vramd::FuzzInput input(data, size);
  if (input.Byte() % 2 == 0) {
    vramd::DecodeClient(input);
  } else {
    vramd::DecodeServer(input);
  }
  return 0;
}
