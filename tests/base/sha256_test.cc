// The examples of FIPS 180-4 and the NIST test vectors.
#include "runtime/base/sha256.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

std::string Hash(std::string_view text) {
  Sha256 hash;
  hash.Update(text);
  return hash.Finish();
}

TEST(Sha256Test, PublishedExamples) {
  EXPECT_EQ(Hash(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Hash(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// Lengths around a block's end, in portions that straddle it.
TEST(Sha256Test, PortionsDoNotMatter) {
  for (size_t size = 50; size < 135; ++size) {
    const std::string text(size, 'x');
    for (const size_t portion : {size_t{1}, size_t{7}, size_t{63}, size_t{64}, size_t{65}}) {
      Sha256 hash;
      for (size_t at = 0; at < size; at += portion) {
        hash.Update(std::string_view(text).substr(at, portion));
      }
      EXPECT_EQ(hash.Finish(), Hash(text)) << size << " in portions of " << portion;
    }
  }
}

}  // namespace
}  // namespace espalier
