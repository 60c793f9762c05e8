#include "tests/integration/stream_roles.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>
#include <vector>

#include "base/section.h"
#include "tests/support/or_exit.h"
#include "vramd/stream.h"

namespace vramd {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience(30000);

void Say(const std::string& line) { std::cout << line << std::endl; }

uint64_t Number(const RoleOptions& options, const std::string& key, uint64_t otherwise) {
  const auto found = options.find(key);
  return found == options.end() ? otherwise : std::stoull(found->second);
}

// The buffers of a stream, mapped.
class Mappings {
 public:
  explicit Mappings(vramd_stream* stream) : stream_(stream) {}

  struct Words {
    uint32_t* data = nullptr;
    size_t count = 0;
  };

  Words Of(uint32_t generation, uint32_t image) {
    mapped_.erase(mapped_.begin(), mapped_.lower_bound({OldestInUse(), 0}));
    Mapped& mapped = mapped_[{generation, image}];
    if (mapped.section.data() == nullptr) mapped = Map(generation, image);
    return {static_cast<uint32_t*>(mapped.section.data()), mapped.bytes / 4};
  }

 private:
  struct Mapped {
    MappedSection section;
    size_t bytes = 0;
  };

  uint32_t OldestInUse() {
    uint32_t oldest = 0;
    vramd_stream_get_generations(stream_, nullptr, nullptr, &oldest);
    return oldest;
  }

  Mapped Map(uint32_t generation, uint32_t image) {
    vramd_buffer_info buffer = VRAMD_BUFFER_INFO_INIT;
    vramd_recipe recipe = VRAMD_RECIPE_INIT;
    recipe.buffer = &buffer;
    intptr_t handle = -1;
    if (vramd_stream_get_image(stream_, generation, image, &recipe, &handle) != VRAMD_OK) {
      std::cerr << "no image: " << vramd_last_error() << std::endl;
      std::exit(3);
    }
    const OsHandle owned((NativeHandle)handle);
    auto section = MappedSection::Map(owned, recipe.allocation_size, SectionAccess::kReadWrite);
    if (!section.ok()) {
      std::cerr << section.status() << std::endl;
      std::exit(3);
    }
    return {*std::move(section), buffer.size};
  }

  vramd_stream* const stream_;
  std::map<std::pair<uint32_t, uint32_t>, Mapped> mapped_;
};

uint32_t Pattern(uint64_t number, size_t words) {
  uint64_t x = number * 0x9e3779b97f4a7c15u + words;
  x ^= x >> 29;
  x *= 0xbf58476d1ce4e5b9u;
  return static_cast<uint32_t>(x >> 32);
}

void Fill(const Mappings::Words& words, uint64_t number) {
  std::fill_n(words.data, words.count, Pattern(number, words.count));
}

bool Holds(const Mappings::Words& words, uint64_t number) {
  const uint32_t wanted = Pattern(number, words.count);
  return std::all_of(words.data, words.data + words.count,
                     [wanted](uint32_t word) { return word == wanted; });
}

// ---- The producer -----------------------------------------------------------------------------

class TestProducer {
 public:
  TestProducer(Client client, const RoleOptions& options)
      : client_(std::move(client)),
        name_(options.at("name")),
        info_(Info(options)),
        producer_(OrExit(Producer::Create(client_, info_))),
        mappings_(producer_.stream()),
        first_(Number(options, "first", 1)),
        published_(first_ - 1) {
    Say("ready " + producer_.name());
  }

  std::string Do(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    uint64_t first = 0, second = 0;
    words >> verb >> first >> second;
    if (verb == "publish") return Publish(first, microseconds(second));
    if (verb == "resize") return Resize(first, static_cast<uint32_t>(second));
    if (verb == "resizes") return Resizes(first, second);
    if (verb == "stats") return Stats();
    if (verb == "slots") return CountSlots();
    if (verb == "end") return Answer(producer_.End(), "");
    const vramd_producer_stats stats = producer_.Stats();
    if (verb == "consumers") return "ok " + std::to_string(stats.consumer_count);
    if (verb == "session")
      return "ok " + std::to_string(stats.session) + (stats.attached ? " 1" : " 0");
    return "error no such command: " + verb;
  }

 private:
  StreamInfo Info(const RoleOptions& options) {
    StreamInfo info;
    info.name = name_.c_str();
    info.kind = VRAMD_RESOURCE_BUFFER;
    info.buffer.size = Number(options, "bytes", 4096);
    info.buffer.usage = 3;  // transfer source and destination
    info.handle_type = VRAMD_HANDLE_HOST_SECTION;
    info.image_count = static_cast<uint32_t>(Number(options, "images", 8));
    info.consumer_limit = static_cast<uint32_t>(Number(options, "limit", 0));
    info.allow_waiting = Number(options, "waiting", 0) != 0;
    return info;
  }

  static std::string Answer(const Status& status, const std::string& text) {
    return status.ok() ? "ok " + text : "error " + status.ToString();
  }

  Status PublishOne() {
    auto slot = producer_.Acquire(kPatience);
    if (!slot) return slot.status();
    FrameInfo info;
    const uint64_t number = published_ + 1;
    info.SetApplication(&number, sizeof(number));
    Fill(mappings_.Of(slot->generation(), slot->image_index()), number);
    const auto sequence = producer_.Publish(*std::move(slot), info);
    if (!sequence) return sequence.status();
    if (*sequence != number - first_ + 1) return Status(VRAMD_INTERNAL, "the sequence has a jump");
    published_ = number;
    return Status();
  }

  std::string Publish(uint64_t count, microseconds interval) {
    auto due = steady_clock::now();
    for (uint64_t i = 0; i < count; ++i) {
      if (interval.count() != 0) std::this_thread::sleep_until(due += interval);
      const Status status = PublishOne();
      if (!status.ok()) return Answer(status, "");
    }
    return "ok " + std::to_string(published_);
  }

  std::string CountSlots() {
    std::vector<Slot> slots;
    while (auto slot = producer_.Acquire(milliseconds(0))) slots.push_back(*std::move(slot));
    return "ok " + std::to_string(slots.size());
  }

  std::string Resize(uint64_t bytes, uint32_t images) {
    info_.buffer.size = bytes;
    info_.image_count = images;
    return Answer(producer_.Resize(info_, kPatience), "");
  }

  std::string Resizes(uint64_t count, uint64_t frames) {
    for (uint64_t i = 0; i < count; ++i) {
      const std::string resized = Resize(4096 + 256 * (i % 7), info_.image_count);
      if (resized[0] == 'e') return resized;
      const std::string published = Publish(frames, microseconds(0));
      if (published[0] == 'e') return published;
    }
    return "ok " + std::to_string(published_);
  }

  std::string Stats() {
    std::string text = "ok";
    for (const vramd_consumer_stats& one : OrExit(producer_.Consumers()))
      for (const uint64_t number : {one.consumer_id, one.offered, one.dropped, uint64_t{one.held}})
        text += " " + std::to_string(number);
    return text;
  }

  Client client_;
  const std::string name_;
  StreamInfo info_;
  Producer producer_;
  Mappings mappings_;
  const uint64_t first_;
  uint64_t published_;
};

// ---- A consumer -------------------------------------------------------------------------------

class TestConsumer {
 public:
  TestConsumer(Client client, const RoleOptions& options)
      : client_(std::move(client)),
        slow_(Number(options, "slow_us", 0)),
        patience_(Number(options, "patience_ms", kPatience.count())),
        consumer_(OrExit(Consumer::Open(client_, options.at("name"), Info(options)))),
        mappings_(consumer_.stream()) {}

  void Cancel() { consumer_.Cancel(); }

  void Run() {
    for (;;) {
      auto frame = consumer_.Next(patience_);
      if (!frame) {
        failed_ = !frame.is_end() && frame.status().code() != VRAMD_CANCELLED;
        if (consumer_.End().reason != VRAMD_END_FINISHED)
          std::cerr << "consumer: " << frame.status().ToString() << std::endl;
        return;
      }
      Check(*frame);
      if (slow_.count() != 0) std::this_thread::sleep_for(slow_);
    }
  }

  std::string Report() {
    const vramd_consumer_counters counters = consumer_.Counters();
    std::ostringstream text;
    text << "done end=" << consumer_.End().reason << " received=" << counters.received
         << " dropped=" << counters.dropped << " wrong=" << wrong_ << " first=" << first_
         << " last=" << last_ << " gaps=" << gaps_ << " kept=" << KeptNumber()
         << " sessions=" << counters.session << " generations=" << generations_.size()
         << " failed=" << failed_;
    return text.str();
  }

 private:
  static ConsumerInfo Info(const RoleOptions& options) {
    const auto limit = static_cast<uint32_t>(Number(options, "limit", 2));
    if (options.count("mode") == 0 || options.at("mode") == "mailbox")
      return ConsumerInfo::Mailbox(limit);
    const bool wait = options.count("when") != 0 && options.at("when") == "wait";
    return ConsumerInfo::Fifo(limit, wait ? VRAMD_WHEN_FULL_WAIT : VRAMD_WHEN_FULL_DROP);
  }

  static uint64_t NumberOf(const Frame& frame) {
    uint64_t number = 0;
    std::memcpy(&number, frame.info().application, sizeof(number));
    return number;
  }

  void Check(const Frame& frame) {
    const uint64_t number = NumberOf(frame);
    if (number <= last_ || !Holds(mappings_.Of(frame.generation(), frame.image_index()), number))
      ++wrong_;
    if (first_ == 0) first_ = number;
    if (last_ != 0 && number > last_) gaps_ += number - last_ - 1;
    last_ = number;
    generations_.insert(frame.generation());
  }

  // 0: there is none; the highest number of all if its content is wrong.
  uint64_t KeptNumber() {
    const auto frame = consumer_.LastFrame();
    if (!frame) return 0;
    const uint64_t number = NumberOf(*frame);
    const bool sound = Holds(mappings_.Of(frame->generation(), frame->image_index()), number);
    return sound ? number : UINT64_MAX;
  }

  Client client_;
  const microseconds slow_;
  const milliseconds patience_;
  Consumer consumer_;
  Mappings mappings_;
  uint64_t first_ = 0, last_ = 0, gaps_ = 0, wrong_ = 0;
  std::set<uint32_t> generations_;
  bool failed_ = false;
};

}  // namespace

int PlayProducer(RoleOptions options) {
  TestProducer producer(OrExit(Client::Connect()), options);
  for (std::string line; std::getline(std::cin, line);) Say(producer.Do(line));
  return 0;
}

int PlayConsumer(RoleOptions options) {
  TestConsumer consumer(OrExit(Client::Connect()), options);
  Say("open");
  // Ends with the process: it may wait for a line that never comes.
  std::thread([&consumer] {
    std::string line;
    if (std::getline(std::cin, line)) consumer.Cancel();
  }).detach();
  consumer.Run();
  Say(consumer.Report());
  std::cout.flush();
  std::_Exit(0);
}

ConsumerReport ConsumerReport::Parse(const std::string& line) {
  ConsumerReport report;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals != std::string::npos)
      report.numbers[word.substr(0, equals)] = std::stoull(word.substr(equals + 1));
  }
  return report;
}

RoleOptions ParseRoleOptions(int argc, char** argv) {
  RoleOptions options;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    options[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return options;
}

}  // namespace vramd
