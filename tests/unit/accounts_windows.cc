#include "tests/unit/accounts.h"

namespace vramd {

std::string AccountId(int number) { return "S-1-5-21-1-2-3-" + std::to_string(number); }

}  // namespace vramd
