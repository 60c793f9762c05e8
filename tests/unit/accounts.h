// Accounts as configuration files name them. One source per system.
#ifndef VRAMD_TESTS_UNIT_ACCOUNTS_H_
#define VRAMD_TESTS_UNIT_ACCOUNTS_H_

#include <string>

namespace vramd {

// The id of a user or group that has no name here: a number, or a SID that ends with it.
std::string AccountId(int number);

}  // namespace vramd

#endif  // VRAMD_TESTS_UNIT_ACCOUNTS_H_
