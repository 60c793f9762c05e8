#include "tests/integration/stream_party.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/section.h"

namespace vramd {
namespace {

constexpr std::chrono::seconds kPatience(20);

Line DialOrExit(const std::string& endpoint) {
  auto line = Dial(endpoint, "", Clock::now() + kPatience);
  if (line.ok()) return *std::move(line);
  std::fprintf(stderr, "%s\n", line.status().ToString().c_str());
  std::exit(1);
}

void ExitUnless(const grpc::Status& status, const char* what) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s: %s\n", what, status.error_message().c_str());
  std::exit(1);
}

void Fill(v1::Resource* resource) {
  resource->mutable_buffer()->set_size(65536);
  resource->mutable_buffer()->set_usage(3);
}

}  // namespace

v1::CreateStreamRequest StreamOf(const std::string& name, uint32_t images) {
  v1::CreateStreamRequest request;
  request.set_name(name);
  request.set_image_count(images);
  Fill(request.mutable_resource());
  return request;
}

v1::OpenStreamRequest OpeningOf(const std::string& name) {
  v1::OpenStreamRequest request;
  request.set_name(name);
  return request;
}

StreamParty::StreamParty(const std::string& endpoint)
    : line_(DialOrExit(endpoint)),
      channel_(ChannelOnStream(std::move(line_.stream), {})),
      streams_(v1::Streams::NewStub(channel_.channel)),
      broker_(v1::Broker::NewStub(channel_.channel)) {}

std::unique_ptr<grpc::ClientContext> StreamParty::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kPatience);
  context->AddMetadata(kTokenMetadata, std::string(line_.token.begin(), line_.token.end()));
  return context;
}

grpc::Status StreamParty::Create(v1::CreateStreamRequest request, v1::CreateStreamReply* reply) {
  request.set_request_id(++request_);
  return streams_->Create(NewContext().get(), request, reply);
}

grpc::Status StreamParty::Open(v1::OpenStreamRequest request, v1::OpenStreamReply* reply) {
  request.set_request_id(++request_);
  return streams_->Open(NewContext().get(), request, reply);
}

grpc::Status StreamParty::Resize(uint64_t part, uint32_t images, v1::ResizeStreamReply* reply) {
  v1::ResizeStreamRequest request;
  request.set_request_id(++request_);
  request.set_part_id(part);
  request.set_image_count(images);
  Fill(request.mutable_resource());
  return streams_->Resize(NewContext().get(), request, reply);
}

grpc::Status StreamParty::Start(uint64_t part) {
  v1::StartStreamRequest request;
  v1::StartStreamReply reply;
  request.set_part_id(part);
  return streams_->Start(NewContext().get(), request, &reply);
}

grpc::Status StreamParty::Retire(uint64_t part, uint32_t oldest) {
  v1::RetireRequest request;
  request.set_oldest_generation(oldest);
  return Send(part, std::move(request));
}

grpc::Status StreamParty::RetireByRequest(uint64_t part, uint64_t unheard) {
  line_.lane->Abandon(RequestId{unheard});
  v1::RetireRequest request;
  request.set_request_id(unheard);
  return Send(part, std::move(request));
}

grpc::Status StreamParty::RetireUnused(uint64_t part, uint32_t generation) {
  v1::RetireRequest request;
  request.set_unused_generation(generation);
  return Send(part, std::move(request));
}

grpc::Status StreamParty::Send(uint64_t part, v1::RetireRequest request) {
  v1::RetireReply reply;
  request.set_part_id(part);
  return streams_->Retire(NewContext().get(), request, &reply);
}

grpc::Status StreamParty::Leave(uint64_t part) {
  v1::LeaveStreamRequest request;
  v1::LeaveStreamReply reply;
  request.set_part_id(part);
  return streams_->Leave(NewContext().get(), request, &reply);
}

grpc::Status StreamParty::LeaveByRequest(uint64_t number) {
  v1::LeaveStreamRequest request;
  v1::LeaveStreamReply reply;
  request.set_request_id(number);
  return streams_->Leave(NewContext().get(), request, &reply);
}

v1::ListStreamsReply StreamParty::List() {
  v1::ListStreamsReply reply;
  ExitUnless(streams_->List(NewContext().get(), {}, &reply), "List");
  return reply;
}

uint64_t StreamParty::QuotaUsed(const std::string& name) {
  v1::DescribeReply reply;
  ExitUnless(broker_->Describe(NewContext().get(), {}, &reply), "Describe");
  for (const v1::Quota& quota : reply.quotas())
    if (quota.name() == name) return quota.used();
  std::fprintf(stderr, "no quota %s\n", name.c_str());
  std::exit(1);
}

absl::StatusOr<OsHandle> StreamParty::Redeem(const v1::HandleRef& handle) {
  if (handle.value() == 0) return absl::NotFoundError("the message names no handle");
  return line_.lane->Redeem(handle.value(), Clock::now() + kPatience);
}

size_t StreamParty::RedeemAll(const v1::Generation& generation) {
  size_t arrived = 0;
  for (const v1::StreamImage& image : generation.images())
    if (Redeem(image.handle()).ok()) ++arrived;
  return arrived;
}

uint64_t StreamParty::Produce(const std::string& name, uint32_t images) {
  v1::CreateStreamReply reply;
  ExitUnless(Create(StreamOf(name, images), &reply), "Create");
  RedeemAll(reply.generation());
  const auto board = Redeem(reply.board());
  if (!board.ok() || !RefuseWriters(*board).ok()) std::exit(1);
  ExitUnless(Start(reply.part_id()), "Start");
  return reply.part_id();
}

uint64_t StreamParty::Consume(const std::string& name) {
  v1::OpenStreamReply reply;
  ExitUnless(Open(OpeningOf(name), &reply), "Open");
  RedeemAll(reply.generation());
  for (const v1::HandleRef* handle :
       {&reply.board(), &reply.lane(), &reply.doorbells().listen(), &reply.doorbells().ring()})
    if (!Redeem(*handle).ok()) std::exit(1);
  return reply.part_id();
}

StreamParty::Followed::Followed(StreamParty& party, uint64_t part) : context_(party.NewContext()) {
  v1::FollowStreamRequest request;
  request.set_part_id(part);
  request.set_request_id(++party.request_);
  reader_ = party.streams_->Follow(context_.get(), request);
}

StreamParty::Followed::~Followed() {
  context_->TryCancel();
  if (!ended_) (void)End();
}

std::optional<v1::StreamEvent> StreamParty::Followed::Next() {
  v1::StreamEvent event;
  if (ended_ || !reader_->Read(&event)) return std::nullopt;
  return event;
}

std::string StreamParty::Followed::NextWords() {
  const auto event = Next();
  if (!event) return "ended";
  std::string words = v1::StreamEvent::Kind_Name(event->kind());
  if (event->consumer_id() != 0) absl::StrAppend(&words, " ", event->consumer_id());
  if (event->has_generation()) absl::StrAppend(&words, " ", event->generation().number());
  if (event->died()) absl::StrAppend(&words, " died");
  return words;
}

grpc::Status StreamParty::Followed::End() {
  for (v1::StreamEvent event; reader_->Read(&event);) {
  }
  ended_ = true;
  return reader_->Finish();
}

}  // namespace vramd
