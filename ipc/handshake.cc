#include "ipc/handshake.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace vramd {
namespace {

constexpr char kClientMagic[8] = {'v', 'r', 'a', 'm', 'd', '-', 'c', '\n'};
constexpr char kServerMagic[8] = {'v', 'r', 'a', 'm', 'd', '-', 's', '\n'};

// Walks over a greeting's bytes, one field after the other.
template <size_t N>
class Writer {
 public:
  template <typename T>
  void Integer(T value) {
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes_[at_++] = static_cast<uint8_t>(static_cast<uint64_t>(value) >> (8 * i));
  }
  void Bytes(const void* from, size_t size) {
    // An empty text may be a null pointer, which memcpy() does not take.
    if (size != 0) std::memcpy(bytes_.data() + at_, from, size);
    at_ += size;
  }
  const std::array<uint8_t, N>& bytes() const { return bytes_; }

 private:
  std::array<uint8_t, N> bytes_{};
  size_t at_ = 0;
};

class Reader {
 public:
  explicit Reader(const uint8_t* bytes) : next_(bytes) {}
  template <typename T>
  T Integer() {
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof(T); ++i) value |= static_cast<uint64_t>(*next_++) << (8 * i);
    return static_cast<T>(value);
  }
  const uint8_t* Bytes(size_t size) {
    const uint8_t* at = next_;
    next_ += size;
    return at;
  }

 private:
  const uint8_t* next_;
};

absl::Status CheckMagic(const uint8_t* seen, const char (&expected)[8]) {
  if (std::memcmp(seen, expected, sizeof(expected)) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "greeting begins with \"",
      absl::CHexEscape(absl::string_view(reinterpret_cast<const char*>(seen), sizeof(expected))),
      "\", which is not vramd's"));
}

template <typename Byte>
bool AllZero(const Byte* bytes, size_t size) {
  return std::all_of(bytes, bytes + size, [](Byte byte) { return byte == 0; });
}

absl::Status CheckMajor(uint16_t major) {
  if (major == kProtocolMajor) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("the peer speaks vramd protocol ", major,
                                                    ", this side speaks ", kProtocolMajor,
                                                    "; install matching versions"));
}

}  // namespace

ClientHelloBytes Encode(const ClientHello& hello) {
  Writer<kClientHelloSize> writer;
  writer.Bytes(kClientMagic, sizeof(kClientMagic));
  writer.Integer(hello.major);
  writer.Integer(hello.minor);
  writer.Integer(hello.features);
  return writer.bytes();
}

absl::StatusOr<ClientHello> DecodeClientHello(const ClientHelloBytes& bytes) {
  Reader reader(bytes.data());
  if (absl::Status magic = CheckMagic(reader.Bytes(8), kClientMagic); !magic.ok()) return magic;
  ClientHello hello;
  hello.major = reader.Integer<uint16_t>();
  hello.minor = reader.Integer<uint16_t>();
  hello.features = reader.Integer<uint32_t>();
  if (absl::Status major = CheckMajor(hello.major); !major.ok()) return major;
  if (!AllZero(bytes.data() + 16, bytes.size() - 16))
    return absl::InvalidArgumentError("greeting has non-zero reserved bytes");
  return hello;
}

ServerHelloBytes Encode(const ServerHello& hello) {
  Writer<kServerHelloSize> writer;
  writer.Bytes(kServerMagic, sizeof(kServerMagic));
  writer.Integer(hello.major);
  writer.Integer(hello.minor);
  writer.Integer(hello.features);
  writer.Integer(static_cast<uint32_t>(hello.refusal.code()));
  writer.Integer(uint32_t{0});
  writer.Integer(hello.session.value);
  writer.Bytes(hello.token.data(), hello.token.size());
  const absl::string_view text = hello.refusal.message().substr(0, kMaxRefusalText);
  writer.Bytes(text.data(), text.size());
  return writer.bytes();
}

absl::StatusOr<ServerHello> DecodeServerHello(const ServerHelloBytes& bytes) {
  Reader reader(bytes.data());
  if (absl::Status magic = CheckMagic(reader.Bytes(8), kServerMagic); !magic.ok()) return magic;
  ServerHello hello;
  hello.major = reader.Integer<uint16_t>();
  hello.minor = reader.Integer<uint16_t>();
  hello.features = reader.Integer<uint32_t>();
  const auto code = static_cast<absl::StatusCode>(reader.Integer<uint32_t>());
  const auto reserved = reader.Integer<uint32_t>();
  hello.session.value = reader.Integer<uint64_t>();
  std::copy_n(reader.Bytes(hello.token.size()), hello.token.size(), hello.token.begin());
  const char* text = reinterpret_cast<const char*>(reader.Bytes(kMaxRefusalText));
  hello.refusal = absl::Status(code, absl::string_view(text, strnlen(text, kMaxRefusalText)));
  // A refusal in another version is still worth reading; a welcome in one is not.
  if (hello.refusal.ok()) {
    if (absl::Status major = CheckMajor(hello.major); !major.ok()) return major;
    if (reserved != 0 || !AllZero(text, kMaxRefusalText))
      return absl::InvalidArgumentError("greeting has non-zero reserved bytes");
  }
  return hello;
}

}  // namespace vramd
