// Messages of the wire. What converts must survive the way back.
#include "proto/convert.h"
#include "tests/fuzz/fuzz_input.h"

namespace vramd {
namespace {

template <typename Message>
void Convert(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) return;
  const auto ours = FromProto(message);
  if (!ours.ok()) return;
  Message again;
  ToProto(*ours, &again);
  const auto back = FromProto(again);
  VRAMD_FUZZ_CHECK(back.ok());
  Message third;
  ToProto(*back, &third);
  VRAMD_FUZZ_CHECK(again.SerializeAsString() == third.SerializeAsString());
}

}  // namespace
}  // namespace vramd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  vramd::FuzzInput input(data, size);
  const uint32_t what = input.UpTo(2);
  const std::string bytes = input.Rest();
  if (what == 0) vramd::Convert<vramd::v1::Recipe>(bytes);
  if (what == 1) vramd::Convert<vramd::v1::Device>(bytes);
  if (what == 2) vramd::Convert<vramd::v1::DeviceIdentity>(bytes);
  return 0;
}
