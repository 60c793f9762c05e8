#include "client/src/link.h"

#include <utility>

#include "proto/convert.h"
#include "proto/handle_numbers.h"

namespace vramd {
namespace {

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // a lease must not be made twice
  // A list of many names is long, and the broker is trusted: the door has checked who it is.
  arguments.SetMaxReceiveMessageSize(-1);
  return arguments;
}

// How long the broker may take over a call that nobody waits for.
constexpr std::chrono::seconds kPatience(10);

}  // namespace

Link::Link(Line line)
    : endpoint_(std::move(line.endpoint)),
      token_(line.token.begin(), line.token.end()),
      lane_(std::move(line.lane)),
      channel_(ChannelOnStream(std::move(line.stream), ChannelArguments())),
      stub_(v1::Broker::NewStub(channel_.channel)),
      streams_(v1::Streams::NewStub(channel_.channel)) {}

std::unique_ptr<grpc::ClientContext> Link::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->AddMetadata(kTokenMetadata, token_);
  return context;
}

std::unique_ptr<grpc::ClientContext> Link::NewContext(std::chrono::milliseconds timeout) const {
  auto context = NewContext();
  context->set_deadline(std::chrono::system_clock::now() + timeout);
  return context;
}

bool Link::broken() const { return ended_ || channel_.broken(); }

absl::Status Link::Conclude(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.error_code() == grpc::StatusCode::UNAUTHENTICATED) ended_ = true;
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE && broken())
    return absl::UnavailableError(
        "the connection to the broker at " + endpoint_ +
        " broke; memory already imported stays usable, and the next call connects again");
  return FromGrpc(status);
}

void Link::Own(RequestId request, const google::protobuf::Message& message) {
  lane_->Own(request, HandleNumbers(message));
}

void Link::GiveUp(RequestId request) {
  lane_->Abandon(request);
  v1::ReleaseRequest release;
  release.set_request_id(request.value);
  Send(release);
}

void Link::GiveBack(RequestId request, LeaseId lease) {
  lane_->Abandon(request);
  v1::ReleaseRequest release;
  release.set_lease_id(lease.value);
  Send(release);
}

void Link::GiveUpPart(RequestId request) {
  lane_->Abandon(request);
  v1::LeaveStreamRequest leave;
  leave.set_request_id(request.value);
  Send(leave);
}

void Link::GiveBackPart(RequestId request, uint64_t part) {
  lane_->Abandon(request);
  v1::LeaveStreamRequest leave;
  leave.set_part_id(part);
  Send(leave);
}

void Link::GiveUpRing(uint64_t part, RequestId request) {
  lane_->Abandon(request);
  v1::RetireRequest retire;
  retire.set_part_id(part);
  retire.set_request_id(request.value);
  Send(retire);
}

void Link::GiveBackRing(RequestId request, uint64_t part, uint32_t generation) {
  lane_->Abandon(request);
  v1::RetireRequest retire;
  retire.set_part_id(part);
  retire.set_unused_generation(generation);
  Send(retire);
}

void Link::Retire(uint64_t part, uint32_t oldest_generation) {
  v1::RetireRequest retire;
  retire.set_part_id(part);
  retire.set_oldest_generation(oldest_generation);
  Send(retire);
}

void Link::ReturnImages(uint64_t part, uint32_t generation, absl::Span<const uint16_t> images) {
  if (broken()) return;
  v1::ReturnImagesRequest request;
  request.set_part_id(part);
  request.set_generation(generation);
  for (const uint16_t image : images) request.add_images(image);
  errands_.Send(streams_.get(), &v1::Streams::Stub::AsyncReturnImages, NewContext(kPatience),
                request);
}

// Of a broken link nothing need be said: the broker ends the session by itself.
void Link::Send(const v1::ReleaseRequest& release) {
  if (broken()) return;
  errands_.Send(stub_.get(), &v1::Broker::Stub::AsyncRelease, NewContext(kPatience), release);
}

void Link::Send(const v1::LeaveStreamRequest& leave) {
  if (broken()) return;
  errands_.Send(streams_.get(), &v1::Streams::Stub::AsyncLeave, NewContext(kPatience), leave);
}

void Link::Send(const v1::RetireRequest& retire) {
  if (broken()) return;
  errands_.Send(streams_.get(), &v1::Streams::Stub::AsyncRetire, NewContext(kPatience), retire);
}

}  // namespace vramd
