// Stands in for libFuzzer where there is no Clang: runs every file of the folders that it is given,
// then some random inputs, the same every time.
//
//   fuzz_NAME FOLDER... [--random=COUNT]
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz_input.h"

namespace {

int RunFolder(const char* folder) {
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  return files;
}

void RunRandom(int count) {
  std::mt19937 random(1);
  for (int i = 0; i < count; ++i) {
    std::vector<uint8_t> bytes(1 + random() % 200);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string kRandom = "--random=";
  int files = 0, count = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.rfind(kRandom, 0) == 0)
      count = std::atoi(argument.c_str() + kRandom.size());
    else
      files += RunFolder(argv[i]);
  }
  RunRandom(count);
  std::printf("%d files, %d random inputs\n", files, count);
  return files > 0 ? 0 : 1;
}
