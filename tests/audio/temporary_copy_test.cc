#include "runtime/audio/temporary_copy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

TEST(TemporaryCopyTest, HoldsTheWholeStreamAndHasNoName) {
  std::string bytes(300000, 'x');
  bytes[299999] = 'y';
  const auto stream = MemoryStream(bytes, 777);
  ASSERT_TRUE(stream->Peek(16).ok());
  const auto copy = CopyToTemporaryFile("x", stream.get());
  ASSERT_TRUE(copy.ok()) << copy.status().message();
  std::string read(400000, '\0');
  EXPECT_EQ(::pread(copy->get(), read.data(), read.size(), 0), 300000);
  EXPECT_EQ(read.substr(0, 300000), bytes);
  struct stat info {};
  ASSERT_EQ(::fstat(copy->get(), &info), 0);
  EXPECT_EQ(info.st_nlink, 0u);
}

TEST(TemporaryCopyTest, NowhereToWriteIsAStatus) {
  ::setenv("TMPDIR", "/nonexistent", 1);
  const auto copy = CopyToTemporaryFile("x", MemoryStream("abc").get());
  ::unsetenv("TMPDIR");
  ASSERT_FALSE(copy.ok());
  EXPECT_EQ(copy.status().code(), StatusCode::kExhausted);
  EXPECT_NE(copy.status().message().find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace espalier
