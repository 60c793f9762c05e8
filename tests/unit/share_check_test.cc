#include "daemon/share_check.h"

#include <gmock/gmock.h>

namespace vramd {
namespace {

using testing::HasSubstr;

class ShareCheckTest : public testing::Test {
 protected:
  ShareCheckTest() {
    recipe_.handle_type = HandleType::kOpaqueFd;
    recipe_.memory_type_index = 3;
    recipe_.device.device_uuid.fill(1);
    recipe_.device.driver_uuid.fill(2);
    importer_.identity = recipe_.device;
    importer_.importable = {HandleType::kDmaBuf, HandleType::kOpaqueFd};
    importer_.memory_type_count = 4;
  }

  void ExpectRefused(const char* words) {
    const absl::Status refused = CheckShare(recipe_, importer_);
    EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()), HasSubstr(words));
  }
  void ExpectPossible() { EXPECT_TRUE(CheckShare(recipe_, importer_).ok()); }

  Recipe recipe_;
  ImporterDevice importer_;
};

TEST_F(ShareCheckTest, TheSameDeviceCan) { ExpectPossible(); }

TEST_F(ShareCheckTest, AHandleTypeThatTheImporterLacks) {
  importer_.importable = {HandleType::kDmaBuf};
  ExpectRefused("cannot import opaque_fd");
  importer_.importable.clear();
  ExpectRefused("cannot import opaque_fd");
}

TEST_F(ShareCheckTest, AHandleTypeThatNobodyKnows) {
  recipe_.handle_type = HandleType::kUnknown;
  importer_.importable = {HandleType::kUnknown};
  ExpectRefused("unknown");
}

TEST_F(ShareCheckTest, AnotherDevice) {
  importer_.identity.device_uuid.fill(9);
  ExpectRefused("09090909-0909-0909-0909-090909090909");
}

TEST_F(ShareCheckTest, AnotherDriverVersion) {
  importer_.identity.driver_uuid.fill(9);
  ExpectRefused("the same driver version");
}

TEST_F(ShareCheckTest, AnotherAdapterThoughTheUuidsAreEqual) {
  recipe_.device.luid_valid = importer_.identity.luid_valid = true;
  importer_.identity.luid.fill(7);
  ExpectRefused("LUID");
  importer_.identity.luid_valid = false;  // one side does not tell: the UUIDs decide
  ExpectPossible();
}

TEST_F(ShareCheckTest, AMemoryTypeThatTheImporterLacks) {
  importer_.memory_type_count = 3;
  ExpectRefused("has 3 types");
  importer_.memory_type_count = 0;  // not told
  ExpectPossible();
}

TEST_F(ShareCheckTest, WindowsHandlesNeedTheSameDeviceToo) {
  importer_.identity.device_uuid.fill(9);
  for (const HandleType type : {HandleType::kNtNv, HandleType::kNtKhr}) {
    recipe_.handle_type = type;
    importer_.importable = {type};
    ExpectRefused("use the same GPU");
  }
}

TEST_F(ShareCheckTest, SectionsAndDmaBufsMayCrossDevices) {
  importer_.identity = {};
  importer_.memory_type_count = 1;
  for (const HandleType type : {HandleType::kHostSection, HandleType::kDmaBuf}) {
    recipe_.handle_type = type;
    importer_.importable = {type};
    ExpectPossible();
  }
}

// Pages can be mapped anywhere, but how an image lies in them is its driver's business.
TEST_F(ShareCheckTest, AnImageDoesNotCrossDevicesInAnyMemory) {
  recipe_.kind = ResourceKind::kImage;
  recipe_.handle_type = HandleType::kHostSection;
  importer_.importable = {HandleType::kHostSection};
  ExpectPossible();
  importer_.identity.device_uuid.fill(9);
  ExpectRefused("use the same GPU");
}

}  // namespace
}  // namespace vramd
