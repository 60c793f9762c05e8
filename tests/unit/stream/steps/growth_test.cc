// A ring that grows and shrinks while frames are under way: the producer's and the consumer's part
// of what ring.pml shows. The broker is a thread that says what it would say.
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/stream/steps/steps_rig.h"

namespace vramd::stream {
namespace {

using Kind = Received::Kind;
using steps::ExpectHolds;

const std::vector<uint16_t> kTwo = {2};

ImageRing Growing(uint32_t images, uint32_t floor) {
  ImageRing ring = ImageRing::Fixed(1, images);
  ring.grows = true;
  ring.floor = floor;
  return ring;
}

// ---- Growing ----------------------------------------------------------------------------------

TEST(Steps, AFrameInAnImageThatComesLaterThanItWaitsForTheImage) {
  ExpectHolds(1, 500, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, Growing(2, 2), {.keep_last = false});
    const auto consumer = rig.AddConsumer({LaneMode::kFifo, 2}, WhenFull::kWait);
    Gate told;
    scheduler.Name("told", &told, sizeof(told));
    scheduler.AddThread("producer", [&] {
      rig.Produce(3);
      rig.producer().End(EndReason::kFinished);
    });
    scheduler.AddThread("broker", [&] {
      rig.producer().AddImages(1, kTwo);
      consumer->AddImages(1, kTwo);
      told.Open();
    });
    scheduler.AddThread("consumer", [&] {
      for (auto next = consumer->Next(Forever());; next = consumer->Next(Forever())) {
        rig.Check(next.ok(), absl::StrCat("Next: ", next.status().message()));
        if (!next.ok() || next->kind == Kind::kEnded) return;
        if (next->kind == Kind::kNewImage) {
          rig.Check(next->image == 2, "an image that was told of is said to be new");
          told.Wait();
          rig.Check(consumer->KnowsImage(1, 2), "an image is not known when it was told of");
          continue;
        }
        rig.Look(next->frame);
        Must(consumer->Release(next->frame));
      }
    });
    scheduler.Run();
    rig.CheckCounts(*consumer);
    rig.Check(consumer->counters().received == 3, "a frame did not come");
    rig.Check(rig.producer().images() == 3, "the ring did not grow");
  });
}

// A consumer holds all images, until one is added or comes back.
TEST(Steps, AnImageThatIsAddedWakesAProducerThatWaits) {
  ExpectHolds(3, 10, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, Growing(2, 2), {.keep_last = false});
    rig.AddConsumer({LaneMode::kFifo, 2});
    rig.Produce(2);
    scheduler.AddThread("producer", [&] { rig.Produce(1); });
    scheduler.AddThread("broker", [&] { rig.producer().AddImages(1, kTwo); });
    scheduler.Run();
  });
}

TEST(Steps, AnImageThatTheBrokerKeepsWakesAProducerThatWaits) {
  ExpectHolds(3, 10, [](Scheduler& scheduler) {
    using std::chrono::nanoseconds;
    StepsRig rig(scheduler, Growing(3, 2), {.keep_last = false, .spare_for = nanoseconds(0)});
    const std::vector<uint16_t> out = rig.producer().TakeSurplus().images;
    rig.Check(out == kTwo, "the image to spare was not taken out");
    rig.AddConsumer({LaneMode::kFifo, 2});
    rig.Produce(2);
    scheduler.AddThread("producer", [&] { rig.Produce(1); });
    scheduler.AddThread("broker", [&] { rig.producer().ImagesKept(1, out); });
    scheduler.Run();
  });
}

TEST(Steps, ImagesOfARingThatComesLaterAreInIt) {
  ExpectHolds(3, 5, [](Scheduler& scheduler) {
    StepsRig rig(scheduler, Growing(2, 2), {.keep_last = false});
    ImageRing next = Growing(2, 2);
    next.generation = 2;
    scheduler.AddThread("producer", [&] { Must(rig.producer().NewGeneration(next, Forever())); });
    scheduler.AddThread("broker", [&] { rig.producer().AddImages(2, kTwo); });
    scheduler.Run();
    rig.Check(rig.producer().images() == 3, "an image was lost");
  });
}

// ---- Shrinking --------------------------------------------------------------------------------

// An image to spare is taken out at some moment while frames flow. The broker frees it, or keeps
// it.
steps::Scenario Shrink(bool keep) {
  return [keep](Scheduler& scheduler) {
    using std::chrono::nanoseconds;
    StepsRig rig(scheduler, Growing(4, 2), {.spare_for = nanoseconds(0)});
    const auto consumer = rig.AddConsumer({LaneMode::kMailbox, 2});
    rig.Produce(2);  // the last image, which is given back first, is used next but one
    scheduler.AddThread("producer", [&] {
      rig.Produce(3);
      rig.producer().End(EndReason::kFinished);
    });
    scheduler.AddThread("consumer", [&] { rig.Consume(*consumer); });
    scheduler.AddThread("broker", [&] {
      const std::vector<uint16_t> out = rig.producer().TakeSurplus().images;
      for (const uint16_t image : out)
        if (!keep) rig.Free(image);  // its slot has the same number, for no other image came
      if (keep)
        rig.producer().ImagesKept(1, out);
      else
        rig.producer().ImagesGone(1, out);
    });
    scheduler.Run();
    rig.CheckCounts(*consumer);
    rig.Check(rig.producer().images() == (keep ? 4 : 3), "the ring has another size");
  };
}

TEST(Steps, AnImageThatIsTakenOutIsInNobodysHands) { ExpectHolds(1, 300, Shrink(false)); }
TEST(Steps, AnImageThatTheBrokerKeepsIsUsedAgain) { ExpectHolds(1, 50, Shrink(true)); }

}  // namespace
}  // namespace vramd::stream
