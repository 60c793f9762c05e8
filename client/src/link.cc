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

// A call whose outcome changes nothing here needs these until it is done; its callback owns them.
template <typename Request, typename Reply>
struct PendingCall {
  std::unique_ptr<grpc::ClientContext> context;
  Request request;
  Reply reply;
};

// How long the broker may take over such a call.
constexpr std::chrono::seconds kPatience(10);

template <typename Async, typename Request, typename Reply>
void Send(Async* stub,
          void (Async::*method)(grpc::ClientContext*, const Request*, Reply*,
                                std::function<void(grpc::Status)>),
          std::unique_ptr<grpc::ClientContext> context, Request request) {
  auto* const call =
      new PendingCall<Request, Reply>{std::move(context), std::move(request), Reply()};
  (stub->*method)(call->context.get(), &call->request, &call->reply,
                  [call](const grpc::Status&) { delete call; });
}

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

void Link::GiveUp(RequestId request) {
  lane_->Abandon(request);
  if (broken()) return;  // the broker ends the session by itself
  v1::ReleaseRequest release;
  release.set_request_id(request.value);
  Send(stub_->async(), &v1::Broker::Stub::async::Release, NewContext(kPatience),
       std::move(release));
}

void Link::GiveUpPart(RequestId request) {
  lane_->Abandon(request);
  if (broken()) return;
  v1::LeaveStreamRequest leave;
  leave.set_request_id(request.value);
  Send(streams_->async(), &v1::Streams::Stub::async::Leave, NewContext(kPatience),
       std::move(leave));
}

void Link::Retire(uint64_t part, uint32_t oldest_generation) {
  if (broken()) return;
  v1::RetireRequest retire;
  retire.set_part_id(part);
  retire.set_oldest_generation(oldest_generation);
  Send(streams_->async(), &v1::Streams::Stub::async::Retire, NewContext(kPatience),
       std::move(retire));
}

}  // namespace vramd
