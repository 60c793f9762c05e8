// By reflection, so that a field which is added later is not forgotten. No gRPC header here: on
// Windows those bring a macro GetMessage.
#include "proto/handle_numbers.h"

#include "vramd/v1/types.pb.h"

namespace vramd {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

void Collect(const Message& message, std::vector<uint64_t>* numbers) {
  if (message.GetDescriptor() == v1::HandleRef::descriptor()) {
    const uint64_t value = static_cast<const v1::HandleRef&>(message).value();
    if (value != 0) numbers->push_back(value);
    return;
  }
  const google::protobuf::Reflection& fields = *message.GetReflection();
  std::vector<const FieldDescriptor*> present;
  fields.ListFields(message, &present);
  for (const FieldDescriptor* field : present) {
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) Collect(fields.GetMessage(message, field), numbers);
    for (int i = 0; field->is_repeated() && i < fields.FieldSize(message, field); ++i)
      Collect(fields.GetRepeatedMessage(message, field, i), numbers);
  }
}

}  // namespace

std::vector<uint64_t> HandleNumbers(const Message& message) {
  std::vector<uint64_t> numbers;
  Collect(message, &numbers);
  return numbers;
}

}  // namespace vramd
