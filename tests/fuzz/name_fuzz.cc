// Names and patterns. The fast matcher must agree with the plainest one.
#include <string_view>

#include "daemon/names.h"
#include "daemon/policy.h"
#include "tests/fuzz/fuzz_input.h"

namespace vramd {
namespace {

// Says the rule and nothing else; exponential, so for short texts only.
bool PlainlyMatches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*')
    return !text.empty() && pattern[0] == text[0] &&
           PlainlyMatches(pattern.substr(1), text.substr(1));
  return PlainlyMatches(pattern.substr(1), text) ||
         (!text.empty() && text[0] != '/' && PlainlyMatches(pattern, text.substr(1)));
}

void CheckPattern(FuzzInput& input) {
  const std::string pattern = input.Text().substr(0, 10), text = input.Text().substr(0, 14);
  VRAMD_FUZZ_CHECK(NameMatches(pattern, text) == PlainlyMatches(pattern, text));
}

void CheckName(FuzzInput& input) {
  Peer peer;
  peer.user_id = "1000";
  peer.user_name = "alice";
  const std::string name = input.Rest();
  const auto whole = WholeName(name, peer);
  if (!whole.ok()) {
    VRAMD_FUZZ_CHECK(!OwnName(name, peer).ok());
    return;
  }
  VRAMD_FUZZ_CHECK(whole->size() <= kMaxWholeNameBytes);
  VRAMD_FUZZ_CHECK(WholeName(*whole, peer).value() == *whole);
  VRAMD_FUZZ_CHECK(OwnName(name, peer).ok() == (whole->compare(0, 6, "alice/") == 0));
}

}  // namespace
}  // namespace vramd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vramd::FuzzInput input(data, size);
  if (input.Byte() % 2 == 0) {
    vramd::CheckPattern(input);
  } else {
    vramd::CheckName(input);
  }
  return 0;
}
