#include "tools/vramctl/top_view.h"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/vramctl/command.h"
#include "tools/vramctl/json.h"
#include "tools/vramctl/text.h"

namespace vramctl {
namespace {

constexpr const char* kUnknown = "-";

std::string Rate(const std::optional<double>& rate) {
  if (!rate) return kUnknown;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", *rate);
  return text.data();
}

nlohmann::json OrNull(const std::optional<double>& number) {
  return number ? nlohmann::json(*number) : nlohmann::json();
}

nlohmann::json PaceToJson(const ConsumerPace& pace) {
  nlohmann::json object = ToJson(pace.now);
  object["received_rate"] = OrNull(pace.received_rate);
  object["dropped_now"] = pace.dropped ? nlohmann::json(*pace.dropped) : nlohmann::json();
  object["latency_mean_us"] = OrNull(pace.latency_us);
  return object;
}

nlohmann::json PaceToJson(const StreamPace& pace) {
  nlohmann::json object = ToJson(pace.now);
  object.erase("recipe");
  object["published_rate"] = OrNull(pace.published_rate);
  object["consumers"] = nlohmann::json::array();
  for (const ConsumerPace& consumer : pace.consumers)
    object["consumers"].push_back(PaceToJson(consumer));
  return object;
}

class PlainView final : public TopView {
 public:
  explicit PlainView(bool as_json) : as_json_(as_json) {}

  void Show(const std::vector<StreamPace>& streams) override {
    if (as_json_) {
      nlohmann::json array = nlohmann::json::array();
      for (const StreamPace& stream : streams) array.push_back(PaceToJson(stream));
      return PrintJson(array, /*pretty=*/false);
    }
    std::printf("%s\n", TopTable(streams).c_str());
    std::fflush(stdout);
  }
  bool WaitUntil(std::chrono::steady_clock::time_point when) override {
    std::this_thread::sleep_until(when);
    return true;
  }

 private:
  const bool as_json_;
};

}  // namespace

std::string TopTable(const std::vector<StreamPace>& streams) {
  Table table({"NAME", "PROCESS", "MODE", "RATE", "FRAMES", "DROPS", "ALL DROPS", "LATENCY"});
  for (const StreamPace& stream : streams) {
    table.AddRow({Printable(stream.now.name),
                  FormatProcess(stream.now.process_id, stream.now.executable), "producer",
                  Rate(stream.published_rate), std::to_string(stream.now.published)});
    for (const ConsumerPace& consumer : stream.consumers)
      table.AddRow({"", FormatProcess(consumer.now.process_id, consumer.now.executable),
                    Name(consumer.now.mode), Rate(consumer.received_rate),
                    std::to_string(consumer.now.received),
                    consumer.dropped ? std::to_string(*consumer.dropped) : kUnknown,
                    std::to_string(consumer.now.dropped),
                    consumer.latency_us ? FormatMicroseconds(*consumer.latency_us) : kUnknown});
  }
  return table.ToString();
}

std::unique_ptr<TopView> MakePlainView(bool as_json) {
  return std::make_unique<PlainView>(as_json);
}

}  // namespace vramctl
