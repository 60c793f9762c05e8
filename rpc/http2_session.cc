#include "rpc/http2_session.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace vramd {
namespace {

// What the server may send for one stream before somebody takes it, and on the whole connection
// before somebody reads. The latter is returned on arrival: a stream that nobody reads holds up
// nobody else.
constexpr int32_t kStreamWindow = 256 << 10;
constexpr int32_t kConnectionWindow = 1 << 20;
constexpr uint32_t kHeaderListSize = 16 << 10;
constexpr uint32_t kManyStreams = 0x7fffffff;
constexpr size_t kOutputSize = 64 << 10;
// Calls that timed out before they could be sent leave frames behind.
constexpr size_t kMaxQueuedFrames = 16 << 10;

absl::Status Outcome(int result, absl::string_view what) {
  if (result == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("cannot ", what, ": ", nghttp2_strerror(result)));
}

absl::string_view Text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// The time left differs from call to call: not worth a place in the table that both sides keep.
nghttp2_nv ToField(const std::pair<std::string, std::string>& field) {
  nghttp2_nv nv = {};
  nv.name = reinterpret_cast<uint8_t*>(const_cast<char*>(field.first.data()));
  nv.namelen = field.first.size();
  nv.value = reinterpret_cast<uint8_t*>(const_cast<char*>(field.second.data()));
  nv.valuelen = field.second.size();
  nv.flags = field.first == "grpc-timeout" ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
  return nv;
}

struct OptionDeleter {
  void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
struct CallbacksDeleter {
  void operator()(nghttp2_session_callbacks* callbacks) const {
    nghttp2_session_callbacks_del(callbacks);
  }
};

}  // namespace

struct SessionCallbacks {
  static std::unique_ptr<nghttp2_session_callbacks, CallbacksDeleter> Make() {
    nghttp2_session_callbacks* made = nullptr;
    if (nghttp2_session_callbacks_new(&made) != 0) return nullptr;
    nghttp2_session_callbacks_set_on_header_callback(made, &Http2Session::OnHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &Http2Session::OnFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &Http2Session::OnData);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, &Http2Session::OnNotSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &Http2Session::OnClose);
    nghttp2_session_callbacks_set_error_callback2(made, &Http2Session::OnError);
    return std::unique_ptr<nghttp2_session_callbacks, CallbacksDeleter>(made);
  }
};

absl::StatusOr<std::unique_ptr<Http2Session>> Http2Session::Create(Observer* observer) {
  std::unique_ptr<Http2Session> session(new Http2Session(observer));
  VRAMD_RETURN_IF_ERROR(session->Begin());
  return session;
}

Http2Session::~Http2Session() = default;

absl::Status Http2Session::Begin() {
  nghttp2_option* made = nullptr;
  VRAMD_RETURN_IF_ERROR(Outcome(nghttp2_option_new(&made), "make an HTTP/2 session"));
  const std::unique_ptr<nghttp2_option, OptionDeleter> option(made);
  nghttp2_option_set_no_auto_window_update(option.get(), 1);
  nghttp2_option_set_no_closed_streams(option.get(), 1);
  nghttp2_option_set_max_reserved_remote_streams(option.get(), 0);
  // Until the server's settings come, as many calls as one likes: who only sends may never read
  // them.
  nghttp2_option_set_peer_max_concurrent_streams(option.get(), kManyStreams);
  const auto callbacks = SessionCallbacks::Make();
  if (callbacks == nullptr) return absl::ResourceExhaustedError("out of memory");
  nghttp2_session* session = nullptr;
  VRAMD_RETURN_IF_ERROR(
      Outcome(nghttp2_session_client_new2(&session, callbacks.get(), this, option.get()),
              "make an HTTP/2 session"));
  session_.reset(session);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeaderListSize},
  };
  VRAMD_RETURN_IF_ERROR(
      Outcome(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)),
              "submit HTTP/2 settings"));
  return Outcome(
      nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow),
      "set the HTTP/2 window");
}

// ---- Calls ------------------------------------------------------------------------------------

absl::StatusOr<int32_t> Http2Session::Start(const Metadata& fields, std::string body,
                                            std::shared_ptr<Answer> answer) {
  if (going_away_) return absl::UnavailableError("the server accepts no more calls");
  if (nghttp2_session_get_outbound_queue_size(session_.get()) > kMaxQueuedFrames)
    return absl::UnavailableError(absl::StrCat("more than ", kMaxQueuedFrames,
                                               " frames wait for a server that does not read"));
  std::vector<nghttp2_nv> nvs;
  nvs.reserve(fields.size());
  for (const auto& field : fields) nvs.push_back(ToField(field));
  nghttp2_data_provider provider = {};
  provider.read_callback = &Http2Session::ReadBody;
  const int32_t stream =
      nghttp2_submit_request(session_.get(), nullptr, nvs.data(), nvs.size(), &provider, nullptr);
  if (stream == NGHTTP2_ERR_STREAM_ID_NOT_AVAILABLE) going_away_ = true;  // after 2^30 calls
  if (stream < 0)
    return absl::UnavailableError(
        absl::StrCat("the connection takes no more calls: ", nghttp2_strerror(stream)));
  calls_[stream] = {std::move(answer), std::move(body)};
  return stream;
}

void Http2Session::Cancel(int32_t stream) {
  if (calls_.erase(stream) == 0) return;
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, NGHTTP2_CANCEL);
}

void Http2Session::Taken(int32_t stream, Answer& answer) {
  if (Find(stream) != nullptr) ReturnWindow(stream, answer);
}

void Http2Session::ReturnWindow(int32_t stream, Answer& answer) {
  if (const size_t size = answer.TakeConsumed(); size > 0)
    nghttp2_session_consume_stream(session_.get(), stream, size);
}

Http2Session::Call* Http2Session::Find(int32_t stream) {
  const auto found = calls_.find(stream);
  return found == calls_.end() ? nullptr : &found->second;
}

// An answer that has ended needs its stream no more. The server may not know: it has not seen all
// of the request, or it is our judgement that its answer is none.
void Http2Session::Progress(int32_t stream, Call& call) {
  const std::shared_ptr<Answer> answer = call.answer;
  if (answer->ended()) {
    const bool over = nghttp2_session_get_stream_local_close(session_.get(), stream) != 0 &&
                      nghttp2_session_get_stream_remote_close(session_.get(), stream) != 0;
    if (over) {
      calls_.erase(stream);
    } else {
      Cancel(stream);
    }
  }
  observer_->OnProgress(*answer);
}

void Http2Session::Close(int32_t stream, uint32_t error) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const std::shared_ptr<Answer> answer = found->second.answer;
  calls_.erase(found);
  answer->OnReset(error);
  observer_->OnProgress(*answer);
}

void Http2Session::FailAll(const absl::Status& status) {
  auto calls = std::exchange(calls_, {});
  for (auto& [stream, call] : calls) {
    call.answer->Fail(status);
    observer_->OnProgress(*call.answer);
  }
}

// ---- Bytes ------------------------------------------------------------------------------------

absl::Status Http2Session::Receive(absl::string_view bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(
      session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (taken < 0)
    return absl::UnavailableError(
        absl::StrCat("HTTP/2: ", nghttp2_strerror(static_cast<int>(taken))));
  return absl::OkStatus();
}

absl::Status Http2Session::Check() const {
  if (nghttp2_session_want_read(session_.get()) != 0) return absl::OkStatus();
  if (spent()) return absl::UnavailableError("the server ended the connection by GOAWAY");
  return absl::UnavailableError(
      absl::StrCat("the server broke the rules of HTTP/2", error_.empty() ? "" : ": ", error_));
}

absl::string_view Http2Session::output() {
  if (output_sent_ == output_.size()) {
    output_.clear();
    output_sent_ = 0;
    const uint8_t* bytes = nullptr;
    while (output_.size() < kOutputSize) {
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &bytes);
      if (size <= 0) break;
      output_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
    }
  }
  return absl::string_view(output_).substr(output_sent_);
}

void Http2Session::Sent(size_t bytes) { output_sent_ += bytes; }

ssize_t Http2Session::ReadBody(nghttp2_session*, int32_t stream, uint8_t* into, size_t size,
                               uint32_t* flags, nghttp2_data_source*, void* self) {
  Call* const call = static_cast<Http2Session*>(self)->Find(stream);
  if (call == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const size_t taken = std::min(size, call->body.size() - call->sent);
  std::memcpy(into, call->body.data() + call->sent, taken);
  call->sent += taken;
  if (call->sent == call->body.size()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    call->body = {};
    call->sent = 0;
  }
  return static_cast<ssize_t>(taken);
}

// ---- What nghttp2 tells -----------------------------------------------------------------------

int Http2Session::OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                           size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                           void* self) {
  Call* const call = static_cast<Http2Session*>(self)->Find(frame->hd.stream_id);
  if (call == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  return call->answer->OnField(Text(name, name_size), Text(value, value_size))
             ? 0
             : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Http2Session::OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  auto* const session = static_cast<Http2Session*>(self);
  if (frame->hd.type == NGHTTP2_GOAWAY) session->going_away_ = true;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  Call* const call = session->Find(frame->hd.stream_id);
  if (call == nullptr) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS) call->answer->OnFieldsEnd();
  if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) call->answer->OnEnd();
  session->Progress(frame->hd.stream_id, *call);
  return 0;
}

int Http2Session::OnData(nghttp2_session* nghttp2, uint8_t, int32_t stream, const uint8_t* bytes,
                         size_t size, void* self) {
  auto* const session = static_cast<Http2Session*>(self);
  nghttp2_session_consume_connection(nghttp2, size);
  Call* const call = session->Find(stream);
  if (call == nullptr) return 0;
  call->answer->OnData(Text(bytes, size));
  session->ReturnWindow(stream, *call->answer);
  session->Progress(stream, *call);
  return 0;
}

// A request that was never sent: the server said GOAWAY meanwhile, or the fields are too many.
int Http2Session::OnNotSent(nghttp2_session*, const nghttp2_frame* frame, int error, void* self) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  const bool refused = error == NGHTTP2_ERR_START_STREAM_NOT_ALLOWED;
  static_cast<Http2Session*>(self)->Close(
      frame->hd.stream_id, refused ? NGHTTP2_REFUSED_STREAM : NGHTTP2_INTERNAL_ERROR);
  return 0;
}

int Http2Session::OnClose(nghttp2_session*, int32_t stream, uint32_t error, void* self) {
  static_cast<Http2Session*>(self)->Close(stream, error);
  return 0;
}

int Http2Session::OnError(nghttp2_session*, int, const char* text, size_t size, void* self) {
  static_cast<Http2Session*>(self)->error_.assign(text, size);
  return 0;
}

}  // namespace vramd
