// OsHandle, sections, ids and log quoting: the pieces everything else stands on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <utility>

#include "base/environment.h"
#include "base/ids.h"
#include "base/os_handle.h"
#include "base/recipe.h"
#include "base/section.h"
#include "base/utf8.h"

namespace vramd {
namespace {

OsHandle MakeHandle() {
  auto section = CreateSection(SectionAlignment(), "base_test");
  EXPECT_TRUE(section.ok()) << section.status();
  return *std::move(section);
}

// A handle that is still open can be duplicated; a closed one cannot.
bool IsOpen(NativeHandle native) {
  OsHandle probe(native);
  const bool open = probe.Duplicate().ok();
  (void)probe.Release();
  return open;
}

TEST(OsHandle, ClosesOnDestruction) {
  NativeHandle native;
  {
    OsHandle handle = MakeHandle();
    native = handle.get();
    EXPECT_TRUE(IsOpen(native));
  }
  EXPECT_FALSE(IsOpen(native));
}

TEST(OsHandle, MoveAssignmentClosesTheOldOne) {
  OsHandle a = MakeHandle();
  OsHandle b = MakeHandle();
  const NativeHandle old = a.get();
  const NativeHandle kept = b.get();
  a = std::move(b);
  EXPECT_FALSE(IsOpen(old));
  EXPECT_TRUE(IsOpen(kept));
  EXPECT_EQ(a.get(), kept);
  EXPECT_FALSE(b.valid());  // NOLINT(bugprone-use-after-move): the state is what is tested
}

TEST(OsHandle, SelfMoveKeepsTheHandle) {
  OsHandle a = MakeHandle();
  OsHandle& same = a;
  a = std::move(same);
  EXPECT_TRUE(a.valid());
  EXPECT_TRUE(IsOpen(a.get()));
}

TEST(OsHandle, DuplicateIsIndependent) {
  OsHandle a = MakeHandle();
  auto copy = a.Duplicate();
  ASSERT_TRUE(copy.ok());
  EXPECT_NE(copy->get(), a.get());
  a.Reset();
  EXPECT_TRUE(IsOpen(copy->get()));
}

TEST(Section, IsSharedZeroedAndOfFixedSize) {
  const uint64_t size = SectionAlignment();
  OsHandle section = MakeHandle();
  auto writer = MappedSection::Map(section, size, SectionAccess::kReadWrite);
  auto reader = MappedSection::Map(section, size, SectionAccess::kReadOnly);
  ASSERT_TRUE(writer.ok() && reader.ok());
  EXPECT_EQ(static_cast<char*>(reader->data())[size - 1], 0);
  std::memset(writer->data(), 0x5a, size);
  EXPECT_EQ(static_cast<char*>(reader->data())[size - 1], 0x5a);
  EXPECT_EQ(MappedSection::Map(section, size + 1, SectionAccess::kReadOnly).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Environment, TokensDiffer) {
  const Environment environment;
  const SecretToken a = environment.NewToken();
  const SecretToken b = environment.NewToken();
  EXPECT_FALSE(EqualInConstantTime(a, b));
  EXPECT_TRUE(EqualInConstantTime(a, a));
}

TEST(Recipe, NamesRoundTrip) {
  for (const HandleType type : {HandleType::kOpaqueFd, HandleType::kDmaBuf,
                                HandleType::kHostSection, HandleType::kNtNv, HandleType::kNtKhr})
    EXPECT_EQ(HandleTypeFromString(ToString(type)), type);
  EXPECT_EQ(HandleTypeFromString("kmt"), std::nullopt);
  EXPECT_EQ(UuidToString(Uuid{0x6d, 0x65}), "6d650000-0000-0000-0000-000000000000");
}

TEST(Utf8, WellFormedTextIsEveryScalarValueInItsShortestForm) {
  for (const absl::string_view good :
       {"", "plain", "caf\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    EXPECT_TRUE(IsUtf8(good)) << good;
  EXPECT_TRUE(IsUtf8(absl::string_view("\0", 1)));
}

TEST(Utf8, AnythingElseIsNot) {
  for (const absl::string_view bad :
       {"\x80", "caf\xe9", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xe2\x82",
        "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff", "\xc3\xa9\xa9"})
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  EXPECT_EQ(CheckUtf8("label", "caf\xe9"),
            absl::InvalidArgumentError("label is not UTF-8: \"caf\\xe9\""));
}

}  // namespace
}  // namespace vramd
