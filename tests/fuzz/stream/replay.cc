// Runs a fuzz target without a fuzzer: over the files of a corpus, then over random inputs that are
// the same every time.
//
//   stream_fuzz_replay CORPUS COUNT
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: stream_fuzz_replay CORPUS COUNT\n");
    return 2;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  std::mt19937 random(1);
  const int count = std::atoi(argv[2]);
  for (int i = 0; i < count; ++i) {
    std::vector<uint8_t> bytes(1 + random() % 200);
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random());
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%d files, %d random inputs\n", files, count);
  return files == 0;
}
