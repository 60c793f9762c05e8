#include "tests/unit/accounts.h"

namespace vramd {

std::string AccountId(int number) { return std::to_string(number); }

}  // namespace vramd
