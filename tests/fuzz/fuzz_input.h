// Reads choices out of a fuzzer's bytes. When they are used up, every choice is 0.
#ifndef VRAMD_TESTS_FUZZ_FUZZ_INPUT_H_
#define VRAMD_TESTS_FUZZ_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

// libFuzzer and replay.cc call this. 0 always.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace vramd {

class FuzzInput {
 public:
  FuzzInput(const uint8_t* data, size_t size) : next_(data), left_(size) {}

  bool empty() const { return left_ == 0; }

  uint8_t Byte() {
    if (left_ == 0) return 0;
    --left_;
    return *next_++;
  }
  // 0 to `most`.
  uint32_t UpTo(uint32_t most) { return Byte() % (most + 1); }

  // Little-endian, as many bytes as the type has.
  template <typename T>
  T Integer() {
    T value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | T{Byte()} << (8 * i));
    return value;
  }

  // A length byte and that many bytes, or what is left.
  std::string Text() { return Take(Byte()); }
  std::string Rest() { return Take(left_); }

 private:
  std::string Take(size_t size) {
    if (size > left_) size = left_;
    std::string text(reinterpret_cast<const char*>(next_), size);
    next_ += size;
    left_ -= size;
    return text;
  }

  const uint8_t* next_;
  size_t left_;
};

// What must hold, in every build.
#define VRAMD_FUZZ_CHECK(condition)                                                       \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)

}  // namespace vramd

#endif  // VRAMD_TESTS_FUZZ_FUZZ_INPUT_H_
