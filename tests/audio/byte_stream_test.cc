#include "runtime/audio/byte_stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/audio/test_signals.h"

namespace espalier {
namespace {

std::string Text(std::span<const uint8_t> bytes) { return {bytes.begin(), bytes.end()}; }

TEST(ByteStreamTest, PeekTakesNothing) {
  const auto stream = MemoryStream("abcdefgh", 3);
  EXPECT_EQ(Text(stream->Peek(5).value()), "abcde");
  EXPECT_EQ(Text(stream->Peek(2).value()), "ab");
  EXPECT_EQ(stream->position(), 0);
  std::vector<uint8_t> out(4);
  EXPECT_EQ(stream->Read(out).value(), 4u);
  EXPECT_EQ(Text(out), "abcd");
  EXPECT_EQ(Text(stream->Peek(100).value()), "efgh");
  EXPECT_EQ(stream->ReadFully(out).value(), 4u);
  EXPECT_EQ(Text(out), "efgh");
  EXPECT_EQ(stream->position(), 8);
  EXPECT_EQ(stream->Read(out).value(), 0u);
  EXPECT_TRUE(stream->Peek(1).value().empty());
}

TEST(ByteStreamTest, ReadGivesWhatThereIsAndReadFullyWaits) {
  const auto stream = MemoryStream("abcdefgh", 3);
  std::vector<uint8_t> out(8);
  EXPECT_EQ(stream->Read(out).value(), 3u);
  EXPECT_EQ(stream->ReadFully(out).value(), 5u);
}

TEST(ByteStreamTest, ReadErrorsNameTheInput) {
  FdByteStream stream(UniqueFd(::open(TempPath(".").c_str(), O_RDONLY)), "the folder");
  std::vector<uint8_t> out(8);
  const auto count = stream.Read(out);
  ASSERT_FALSE(count.ok());
  EXPECT_EQ(count.status().message(), "the folder: Is a directory");
  EXPECT_EQ(stream.Read(out).value(), 0u);
}

TEST(UniqueFdTest, ClosesOnceAndMoves) {
  const int fd = ::open("/dev/null", O_RDONLY);
  {
    UniqueFd first(fd);
    UniqueFd second(std::move(first));
    EXPECT_FALSE(first.valid());
    EXPECT_EQ(second.get(), fd);
    EXPECT_NE(::fcntl(fd, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace espalier
