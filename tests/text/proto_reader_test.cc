#include "runtime/text/proto_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace espalier {
namespace {

using WireType = ProtoReader::WireType;
using namespace std::string_view_literals;

TEST(ProtoReaderTest, ReadsEveryWireType) {
  ProtoReader reader(
      "\x08\xac\x02"  // 1: 300
      "\x12\x03"      // 2: "abc"
      "abc"
      "\x1d\x00\x00\x80\x3f"                  // 3: 1.0f
      "\x21\x01\x02\x03\x04\x05\x06\x07\x08"  // 4: fixed64
      "\xf8\xff\xff\xff\x0f\x00"sv);          // 2^29-1: 0
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is(1, WireType::kVarint));
  EXPECT_FALSE(reader.Is(1, WireType::kBytes));
  EXPECT_EQ(reader.varint(), 300u);
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is(2, WireType::kBytes));
  EXPECT_EQ(reader.bytes(), "abc");
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is(3, WireType::kFixed32));
  EXPECT_EQ(reader.fixed32_as_float(), 1.0f);
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is(4, WireType::kFixed64));
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is((1u << 29) - 1, WireType::kVarint));
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

TEST(ProtoReaderTest, StopsAtDamage) {
  for (const std::string_view message :
       {"\x08"sv, "\x08\x80"sv,
        "\x12\x04"
        "abc"sv,
        "\x1d\x00\x00"sv, "\x21\x00"sv, "\x00\x00"sv, "\x0b"sv, "\x0c"sv, "\x0e"sv,
        "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv,
        "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv,
        "\x88\x80\x80\x80\x80\x01\x00"sv}) {
    ProtoReader reader(message);
    EXPECT_FALSE(reader.Next());
    EXPECT_FALSE(reader.ok());
    EXPECT_FALSE(reader.Next());
  }
}

}  // namespace
}  // namespace espalier
