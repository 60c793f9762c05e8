#include "tests/integration/stream/roles.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <iostream>
#include <sstream>

namespace vramd::stream {
namespace {

using std::chrono::seconds;

std::string Number(const OsHandle& handle) { return std::to_string(handle.get()); }
std::string Words(const LaneTerms& terms) {
  return (terms.mode == LaneMode::kFifo ? "fifo:" : "mailbox:") + std::to_string(terms.limit);
}
LaneTerms ParseTerms(const std::string& words) {
  const size_t colon = words.find(':');
  return {words.substr(0, colon) == "fifo" ? LaneMode::kFifo : LaneMode::kMailbox,
          static_cast<uint32_t>(std::stoul(words.substr(colon + 1)))};
}

OsHandle FromParent(const std::string& number, int flags = O_RDWR) {
  const std::string path = "/proc/" + std::to_string(getppid()) + "/fd/" + number;
  OsHandle handle(open(path.c_str(), flags | O_CLOEXEC));
  if (!handle.valid()) Must(absl::InternalError("cannot open " + path));
  return handle;
}

std::shared_ptr<const MappedSection> MapLane(const std::string& number) {
  return std::make_shared<const MappedSection>(
      Must(MappedSection::Map(FromParent(number), LaneBytes(), SectionAccess::kReadWrite)));
}

// ---- Consumers --------------------------------------------------------------------------------

int Follow(ConsumerCore& consumer, const Images& images) {
  const Seen seen = Consume(consumer, images, Patience::For(seconds(60)));
  uint64_t gaps = 0;
  for (size_t i = 1; i < seen.sequences.size(); ++i)
    gaps += seen.sequences[i] - seen.sequences[i - 1] - 1;
  const bool any = !seen.sequences.empty();
  std::cout << consumer.counters().received << ' ' << consumer.counters().dropped << ' '
            << (any ? seen.sequences.front() : 0) << ' ' << (any ? seen.sequences.back() : 0) << ' '
            << gaps << ' ' << static_cast<int>(seen.reason) << ' ' << seen.wrong << std::endl;
  return seen.status.ok() ? 0 : 1;
}

int Hold(ConsumerCore& consumer) {
  const Received next = Must(consumer.Next(Patience::For(seconds(60))));
  if (next.kind != Received::Kind::kFrame) return 1;
  std::cout << "holding" << std::endl;
  std::cin.get();  // until the parent lets go
  return 0;
}

[[noreturn]] void Vandalise(void* lane) {
  std::cout << "at it" << std::endl;
  auto* words = static_cast<Word64*>(lane);
  const size_t count = LaneBytes() / 8;
  for (uint64_t i = 0;; ++i) {
    const uint64_t dice = Scramble(i ^ static_cast<uint64_t>(getpid()) << 32);
    const uint64_t ticket = MakeTicket(static_cast<uint32_t>(dice % 128), dice / 128 % 64);
    words[Scramble(dice) % count] = dice % 2 == 0 ? dice : ticket;
  }
}

int Trespass(const OsHandle& board, const std::string& number) {
  int worked = MappedSection::Map(board, BoardBytes(), SectionAccess::kReadWrite).ok();
  const std::string again = "/proc/" + std::to_string(getppid()) + "/fd/" + number;
  const OsHandle reopened(open(again.c_str(), O_RDWR | O_CLOEXEC));
  for (const int fd : {board.get(), reopened.get()}) {
    worked += mmap(nullptr, 4096, PROT_WRITE, MAP_SHARED, fd, 0) != MAP_FAILED;
    worked += pwrite(fd, "x", 1, 0) == 1;
    worked += ftruncate(fd, 0) == 0;
  }
  void* view = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, board.get(), 0);
  worked += mprotect(view, 4096, PROT_READ | PROT_WRITE) == 0;
  std::cout << worked << std::endl;
  return 0;
}

// consumer BOARD PIXELS LANE LISTEN TERMS BEHAVIOUR
int RunConsumer(const std::vector<std::string>& arguments) {
  const std::string& behaviour = arguments[6];
  const OsHandle board = FromParent(arguments[1]);
  if (behaviour == "trespass") return Trespass(board, arguments[1]);
  auto memory = MapLane(arguments[3]);
  if (behaviour == "vandalise") Vandalise(memory->data());
  auto consumer = Must(
      ConsumerCore::Create(Must(MappedSection::Map(board, BoardBytes(), SectionAccess::kReadOnly)),
                           {memory, FromParent(arguments[4], O_RDONLY | O_NONBLOCK), OsHandle()},
                           ParseTerms(arguments[5])));
  consumer->AddGeneration(1, Images::kPerRing);
  const Images images(FromParent(arguments[2]));
  return behaviour == "hold" ? Hold(*consumer) : Follow(*consumer, images);
}

// ---- Producer ---------------------------------------------------------------------------------

// producer BOARD PIXELS TERMS LANE...
int RunProducer(const std::vector<std::string>& arguments) {
  auto producer = Must(ProducerCore::Create(FromParent(arguments[1]), {}));
  Images images(FromParent(arguments[2]));
  const LaneTerms terms = ParseTerms(arguments[3]);
  const auto lanes = static_cast<uint32_t>(arguments.size() - 4);
  Must(producer->NewGeneration(1, lanes * terms.limit + 2, Patience::None()));
  for (uint32_t i = 0; i < lanes; ++i)
    Must(producer->AddConsumer(ConsumerId{i + 1}, terms, WhenFull::kWait,
                               {MapLane(arguments[4 + i]), OsHandle(), OsHandle()}));
  std::cout << "ready" << std::endl;
  for (uint64_t sequence = 1;; ++sequence) {
    const AcquiredSlot slot = Must(producer->Acquire(Patience::For(seconds(60))));
    images.Paint(slot.generation, slot.image, sequence);
    Must(producer->Publish(slot.slot, PatternHeader(sequence)));
    if (sequence == 100) std::cout << "published 100" << std::endl;
  }
}

}  // namespace

ChildProcess StartConsumer(const StreamRig& rig, const LaneParts& lane, const LaneTerms& terms,
                           const std::string& behaviour) {
  return ChildProcess(
      {.command = {OwnProgram(), "consumer", Number(rig.board()), Number(rig.pixels()),
                   Number(lane.section), Number(lane.frames.listen), Words(terms), behaviour}});
}

ChildProcess StartProducer(const OsHandle& board, const OsHandle& pixels,
                           const std::vector<const LaneParts*>& lanes, const LaneTerms& terms) {
  std::vector<std::string> command = {OwnProgram(), "producer", Number(board), Number(pixels),
                                      Words(terms)};
  for (const LaneParts* lane : lanes) command.push_back(Number(lane->section));
  return ChildProcess({.command = command});
}

Report ReadReport(ChildProcess& follower) {
  const auto line = follower.ReadLine(seconds(60));
  if (!line) return {.wrong = "it said nothing"};
  Report report;
  std::istringstream words(*line);
  words >> report.received >> report.dropped >> report.first >> report.last >> report.gaps >>
      report.reason;
  std::getline(words >> std::ws, report.wrong);
  return report;
}

int RunRole(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) return -1;
  if (arguments[0] == "consumer") return RunConsumer(arguments);
  if (arguments[0] == "producer") return RunProducer(arguments);
  return -1;
}

}  // namespace vramd::stream

int main(int argc, char** argv) {
  const int role = vramd::stream::RunRole(argc, argv);
  if (role >= 0) return role;
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
