#include "runtime/base/atomic_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/base/file.h"

namespace espalier {
namespace {

std::string TempFolder(const char* name) {
  const std::string folder = testing::TempDir() + "/" + name;
  std::filesystem::create_directories(folder);
  return folder;
}

size_t EntryCount(const std::string& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

TEST(AtomicFileTest, PiecesAppearTogetherOnCommit) {
  const std::string folder = TempFolder("commit");
  auto file = AtomicFile::Create(folder + "/a");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Write("one ").ok());
  EXPECT_FALSE(PathExists(folder + "/a"));
  ASSERT_TRUE((*file)->Write("two").ok());
  ASSERT_TRUE((*file)->Commit().ok());
  EXPECT_EQ(ReadFile(folder + "/a", 100).value(), "one two");
  EXPECT_EQ(EntryCount(folder), 1u);
}

TEST(AtomicFileTest, WithoutCommitTheOldFileStaysAndNothingIsLeft) {
  const std::string folder = TempFolder("abandoned");
  ASSERT_TRUE(WriteFileAtomically(folder + "/a", "old").ok());
  {
    auto file = AtomicFile::Create(folder + "/a");
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->Write("new").ok());
    EXPECT_EQ(EntryCount(folder), 2u);
  }
  EXPECT_EQ(ReadFile(folder + "/a", 100).value(), "old");
  EXPECT_EQ(EntryCount(folder), 1u);
}

TEST(AtomicFileTest, FailuresNameThePath) {
  EXPECT_EQ(AtomicFile::Create("/nonexistent/x").status().code(), StatusCode::kUnwritable);
  auto full = AtomicFile::Create("/dev/full");
  ASSERT_TRUE(full.ok());
  const Status status = (*full)->Write("a");
  EXPECT_EQ(status.code(), StatusCode::kUnwritable);
  EXPECT_NE(status.message().find("/dev/full: "), std::string::npos);
}

}  // namespace
}  // namespace espalier
