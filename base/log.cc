#include "base/log.h"

#include <cstdlib>
#include <memory>

#include "absl/strings/escaping.h"
#include "spdlog/pattern_formatter.h"
#include "spdlog/sinks/basic_file_sink.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace vramd::log {
namespace {

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      break;
  }
  return spdlog::level::err;
}

// %N: the level as sd-daemon(3) numbers it, for the journal's <N> prefix.
class JournalLevel : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& msg, const std::tm&,
              spdlog::memory_buf_t& out) override {
    out.push_back(msg.level >= spdlog::level::err    ? '3'
                  : msg.level == spdlog::level::warn ? '4'
                  : msg.level == spdlog::level::info ? '6'
                                                     : '7');
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JournalLevel>();
  }
};

std::unique_ptr<spdlog::pattern_formatter> MakeFormatter(bool journal) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JournalLevel>('N');
  formatter->set_pattern(journal ? "<%N>%v" : "%Y-%m-%dT%H:%M:%S.%e %l %v");
  return formatter;
}

bool NeedsQuotes(absl::string_view value) {
  if (value.empty()) return true;
  for (const unsigned char c : value)
    if (c <= ' ' || c == '"' || c == '\\' || c >= 0x7f) return true;
  return false;
}

}  // namespace

absl::Status Configure(Level least, const std::string& file) {
  spdlog::sink_ptr sink;
  try {
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
  } catch (const spdlog::spdlog_ex& problem) {
    return absl::InvalidArgumentError(absl::StrCat("cannot log: ", problem.what()));
  }
  auto logger = std::make_shared<spdlog::logger>("vramd", std::move(sink));
  const bool journal = file.empty() && std::getenv("JOURNAL_STREAM") != nullptr;
  logger->set_formatter(MakeFormatter(journal));
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  SetLevel(least);
  return absl::OkStatus();
}

void SetLevel(Level least) { spdlog::set_level(ToSpdlog(least)); }

void Write(Level level, absl::string_view event, std::initializer_list<Field> fields) {
  if (!spdlog::should_log(ToSpdlog(level))) return;
  std::string line = absl::StrCat("event=", event);
  for (const Field& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=");
    if (NeedsQuotes(field.value)) {
      absl::StrAppend(&line, "\"", absl::CHexEscape(field.value), "\"");
    } else {
      absl::StrAppend(&line, field.value);
    }
  }
  spdlog::log(ToSpdlog(level), "{}", line);
}

}  // namespace vramd::log
