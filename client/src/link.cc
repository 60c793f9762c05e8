#include "client/src/link.h"

#include <utility>

#include "proto/convert.h"

namespace vramd {
namespace {

grpc::ChannelArguments ChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);  // a lease must not be made twice
  return arguments;
}

// What an asynchronous Release needs until it is done; owned by its own callback.
struct PendingRelease {
  std::unique_ptr<grpc::ClientContext> context;
  v1::ReleaseRequest request;
  v1::ReleaseReply reply;
};

}  // namespace

Link::Link(Line line)
    : endpoint_(std::move(line.endpoint)),
      token_(line.token.begin(), line.token.end()),
      lane_(std::move(line.lane)),
      channel_(ChannelOnStream(std::move(line.stream), ChannelArguments())),
      stub_(v1::Broker::NewStub(channel_.channel)) {}

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

void Link::GiveUp(RequestId request) {
  lane_->Abandon(request);
  if (broken()) return;  // the broker ends the session by itself
  auto pending = std::make_unique<PendingRelease>();
  pending->context = NewContext(std::chrono::seconds(10));
  pending->request.set_request_id(request.value);
  PendingRelease* call = pending.release();
  stub_->async()->Release(call->context.get(), &call->request, &call->reply,
                          [call](const grpc::Status&) { delete call; });
}

}  // namespace vramd
