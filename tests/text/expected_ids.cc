#include "tests/text/expected_ids.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/text/utf8.h"

namespace espalier {

std::string ReadTestFile(const std::string& path) {
  Result<std::string> text = ReadFile(path, size_t{64} << 20);
  EXPECT_TRUE(text.ok()) << text.status().message();
  return text.ok() ? *text : std::string();
}

std::vector<std::pair<std::string, std::vector<int>>> ReadExpectedIds(const std::string& path) {
  return nlohmann::json::parse(ReadTestFile(path))
      .get<std::vector<std::pair<std::string, std::vector<int>>>>();
}

std::string RandomText(std::mt19937& generator, int most) {
  const auto below = [&](unsigned limit) { return static_cast<unsigned>(generator() % limit); };
  std::string text;
  for (unsigned count = below(static_cast<unsigned>(most) + 1); count > 0; --count) {
    char32_t code_point = 0;
    switch (below(6)) {
      case 0:
      case 1:
        code_point = 0x20 + below(0x5F);
        break;
      case 2:
        code_point = static_cast<unsigned char>(" '\n\t1s"[below(6)]);
        break;
      case 3:
        code_point = below(0x800);
        break;
      case 4:
        code_point = below(0xD800);
        break;
      default:
        code_point = 0xE000 + below(0x110000 - 0xE000);
    }
    AppendUtf8(code_point, &text);
  }
  return text;
}

void ExpectSameIds(const Tokenizer& tokenizer, const std::string& expected_ids_path) {
  const auto cases = ReadExpectedIds(expected_ids_path);
  EXPECT_GT(cases.size(), 300u);
  for (const auto& [text, expected] : cases) {
    const Result<std::vector<int>> ids = tokenizer.Encode(text);
    ASSERT_TRUE(ids.ok()) << ids.status().message();
    EXPECT_EQ(*ids, expected) << text;
    EXPECT_EQ(tokenizer.Decode(*ids), text);
  }
}

void ExpectWholeCharacters(const Tokenizer& tokenizer) {
  std::mt19937 generator(5);
  for (int round = 0; round < 2000; ++round) {
    std::vector<int> ids(generator() % 12);
    for (int& id : ids) {
      id = static_cast<int>(generator() % static_cast<unsigned>(tokenizer.vocabulary_size() + 2)) -
           1;
    }
    const std::string bytes = tokenizer.DecodeBytes(ids);
    EXPECT_TRUE(IsValidUtf8(tokenizer.Decode(ids)));

    // Streamed token by token: what is emitted at once plus what is held back is the whole.
    std::string emitted, waiting;
    for (const int id : ids) {
      waiting += tokenizer.DecodeBytes(std::vector<int>{id});
      const size_t ready = waiting.size() - IncompleteUtf8Tail(waiting);
      emitted += ReplaceInvalidUtf8(std::string_view(waiting).substr(0, ready));
      waiting.erase(0, ready);
      EXPECT_TRUE(IsValidUtf8(emitted));
    }
    emitted += ReplaceInvalidUtf8(waiting);
    EXPECT_EQ(emitted, [&] {
      std::string joined;
      for (const int id : ids) joined += tokenizer.DecodeBytes(std::vector<int>{id});
      return ReplaceInvalidUtf8(joined);
    }());
    EXPECT_LE(IncompleteUtf8Tail(bytes), 3u);
  }
}

}  // namespace espalier
