// Http2Session: the client's side of one HTTP/2 connection, without the connection. Bytes go in and
// come out; whoever has the stream moves them. A shell around nghttp2, and the one file that knows
// it. Not thread-safe.
#ifndef VRAMD_RPC_HTTP2_SESSION_H_
#define VRAMD_RPC_HTTP2_SESSION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nghttp2/nghttp2.h"
#include "rpc/answer.h"

namespace vramd {

class Http2Session {
 public:
  // Told whenever an answer has grown or ended. Must not call back into the session.
  class Observer {
   public:
    virtual void OnProgress(Answer& answer) = 0;

   protected:
    ~Observer() = default;
  };

  // `observer` must outlive the session.
  static absl::StatusOr<std::unique_ptr<Http2Session>> Create(Observer* observer);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Begins a call whose body is all that it will ever send; `answer` takes what comes back. Returns
  // the number of its stream. UNAVAILABLE when the server accepts no more calls.
  absl::StatusOr<int32_t> Start(const Metadata& fields, std::string body,
                                std::shared_ptr<Answer> answer);
  // Ends a call that nobody cares for any more, if it has not ended.
  void Cancel(int32_t stream);
  // To be called after a message was taken from the answer: lets the server send more.
  void Taken(int32_t stream, Answer& answer);

  // Takes bytes that came in. An error means that the connection is of no use any more.
  absl::Status Receive(absl::string_view bytes);
  // To be asked once output() was sent: the same error, when the server broke a rule and has now
  // been told so, or when it said GOAWAY and nothing is left.
  absl::Status Check() const;
  // Bytes to be sent, empty if there are none now. Valid until the next call of anything here.
  absl::string_view output();
  void Sent(size_t bytes);

  // Ends every call with `status`.
  void FailAll(const absl::Status& status);

  // The server accepts no new calls, and none is left.
  bool spent() const { return going_away_ && calls_.empty(); }

 private:
  struct Call {
    std::shared_ptr<Answer> answer;
    std::string body;
    size_t sent = 0;
  };
  struct Deleter {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  explicit Http2Session(Observer* observer) : observer_(observer) {}

  absl::Status Begin();
  Call* Find(int32_t stream);
  void Progress(int32_t stream, Call& call);
  void Close(int32_t stream, uint32_t error);
  void ReturnWindow(int32_t stream, Answer& answer);

  static int OnHeader(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                      size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                      void* self);
  static int OnFrame(nghttp2_session*, const nghttp2_frame* frame, void* self);
  static int OnData(nghttp2_session*, uint8_t, int32_t stream, const uint8_t* bytes, size_t size,
                    void* self);
  static int OnNotSent(nghttp2_session*, const nghttp2_frame* frame, int, void* self);
  static int OnClose(nghttp2_session*, int32_t stream, uint32_t error, void* self);
  static int OnError(nghttp2_session*, int, const char* text, size_t size, void* self);
  static ssize_t ReadBody(nghttp2_session*, int32_t stream, uint8_t* into, size_t size,
                          uint32_t* flags, nghttp2_data_source*, void* self);
  friend struct SessionCallbacks;

  Observer* const observer_;
  std::unique_ptr<nghttp2_session, Deleter> session_;
  std::unordered_map<int32_t, Call> calls_;  // those that have not ended
  std::string output_;
  size_t output_sent_ = 0;
  std::string error_;  // nghttp2's last words about what the server did wrong
  bool going_away_ = false;
};

}  // namespace vramd

#endif  // VRAMD_RPC_HTTP2_SESSION_H_
