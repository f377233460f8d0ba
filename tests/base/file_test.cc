#include "runtime/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

namespace espalier {
namespace {

std::string TempPath(const char* name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return std::string(folder != nullptr ? folder : "/tmp") + "/" + name;
}

TEST(FileTest, WritesWholeFilesAndReplacesThem) {
  const std::string path = TempPath("whole.txt");
  ASSERT_TRUE(WriteFileAtomically(path, "one").ok());
  ASSERT_TRUE(WriteFileAtomically(path, "two").ok());
  EXPECT_EQ(ReadFile(path, 10).value(), "two");
}

TEST(FileTest, UnwritableIsAStatus) {
  EXPECT_EQ(WriteFileAtomically("/nonexistent/x", "a").code(), StatusCode::kUnwritable);
  EXPECT_EQ(WriteFileAtomically(TempPath("."), "a").code(), StatusCode::kUnwritable);
  EXPECT_EQ(WriteFileAtomically("/dev/full", "a").code(), StatusCode::kUnwritable);
}

TEST(FileTest, ReadIsBounded) {
  const std::string path = TempPath("long.txt");
  ASSERT_TRUE(WriteFileAtomically(path, "0123456789").ok());
  EXPECT_EQ(ReadFile(path, 9).status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(ReadFile(TempPath("missing"), 9).status().code(), StatusCode::kNotFound);
}

TEST(FileTest, MapsFilesAndRefusesFoldersAndEmptyFiles) {
  const std::string path = TempPath("map.bin");
  ASSERT_TRUE(WriteFileAtomically(path, "abc").ok());
  auto map = MappedFile::Open(path);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ((*map)->bytes().size(), 3u);
  EXPECT_EQ((*map)->bytes()[2], 'c');
  EXPECT_EQ(MappedFile::Open(TempPath(".")).status().code(), StatusCode::kCorrupt);
  ASSERT_TRUE(WriteFileAtomically(path, "").ok());
  EXPECT_EQ(MappedFile::Open(path).status().code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace espalier
