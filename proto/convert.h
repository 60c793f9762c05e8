// Between the wire's messages and the structs that the rest of the code uses.
//
// ...ToProto cannot fail. ...FromProto checks every size and enumeration, since its input comes
// from another process, and answers INVALID_ARGUMENT with the field's name.
#ifndef VRAMD_PROTO_CONVERT_H_
#define VRAMD_PROTO_CONVERT_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/peer.h"
#include "base/recipe.h"
#include "grpcpp/support/status.h"
#include "vramd/v1/types.pb.h"

namespace vramd {

void ToProto(const DeviceIdentity& identity, v1::DeviceIdentity* out);
absl::StatusOr<DeviceIdentity> FromProto(const v1::DeviceIdentity& in);

void ToProto(const ImageInfo& image, v1::ImageInfo* out);
ImageInfo FromProto(const v1::ImageInfo& in);
void ToProto(const BufferInfo& buffer, v1::BufferInfo* out);
BufferInfo FromProto(const v1::BufferInfo& in);

void ToProto(const Recipe& recipe, v1::Recipe* out);
absl::StatusOr<Recipe> FromProto(const v1::Recipe& in);

void ToProto(const DeviceInfo& device, v1::Device* out);
absl::StatusOr<DeviceInfo> FromProto(const v1::Device& in);

void ToProto(const Peer& peer, v1::Peer* out);

v1::HandleType ToProto(HandleType type);
// An unknown value becomes HandleType::kUnknown.
HandleType FromProto(v1::HandleType type);

grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace vramd

#endif  // VRAMD_PROTO_CONVERT_H_
