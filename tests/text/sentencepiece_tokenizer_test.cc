#include "runtime/text/sentencepiece_tokenizer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>

#include "runtime/text/utf8.h"
#include "tests/text/expected_ids.h"

namespace espalier {
namespace {

using nlohmann::json;

const char* const kFolders[] = {"plain", "gated", "v4"};

std::string GoldenPath(const std::string& file) { return "tests/golden/data/" + file; }
std::string ModelPath(const std::string& folder) {
  return GoldenPath(folder + "/data/token_list/bpe_unigram/bpe.model");
}

std::vector<std::string> TokenList(const std::string& folder) {
  std::istringstream in(
      ReadTestFile(GoldenPath(folder + "/data/token_list/bpe_unigram/tokens.txt")));
  std::vector<std::string> tokens;
  for (std::string token; std::getline(in, token);) tokens.push_back(token);
  return tokens;
}

std::unique_ptr<Tokenizer> Open(const std::string& folder) {
  auto tokenizer = LoadSentencePieceTokenizer(ModelPath(folder), TokenList(folder), 1);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  return tokenizer.ok() ? std::move(*tokenizer) : nullptr;
}

TEST(SentencePieceTokenizerTest, TextToIdsAsEspnet) {
  for (const std::string folder : kFolders) {
    const auto tokenizer = Open(folder);
    ASSERT_NE(tokenizer, nullptr);
    const json index = json::parse(ReadTestFile(GoldenPath(folder + "/index.json")));
    for (const json& example : index["text_to_ids"]) {
      const auto text = example["text"].get<std::string>();
      EXPECT_EQ(*tokenizer->Encode(text), example["ids"].get<std::vector<int>>()) << text;
    }
    for (const auto& [token, id] : index["specials"].items()) {
      EXPECT_EQ(tokenizer->Find(token), id.get<int>());
      EXPECT_EQ(tokenizer->TokenString(id.get<int>()), token);
      EXPECT_TRUE(tokenizer->IsSpecial(id.get<int>()));
    }
    EXPECT_EQ(tokenizer->vocabulary_size(), index["vocab"].get<int>());
  }
}

TEST(SentencePieceTokenizerTest, IdsToTextAsEspnet) {
  int compared = 0;
  for (const std::string folder : kFolders) {
    const auto tokenizer = Open(folder);
    ASSERT_NE(tokenizer, nullptr);
    const json index = json::parse(ReadTestFile(GoldenPath(folder + "/index.json")));
    for (const json& name : index["cases"]) {
      const json golden =
          json::parse(ReadTestFile(GoldenPath(folder + "/" + name.get<std::string>() + ".json")));
      if (!golden.contains("hyps")) continue;
      for (const json& setting : golden["hyps"]) {
        for (const json& hypothesis : setting["nbest"]) {
          const auto ids = hypothesis["token_int"].get<std::vector<int>>();
          std::vector<int> plain;
          for (const int id : ids) {
            if (!tokenizer->IsSpecial(id)) plain.push_back(id);
          }
          EXPECT_EQ(tokenizer->Decode(ids), hypothesis["text"].get<std::string>());
          EXPECT_EQ(tokenizer->Decode(plain), hypothesis["text_nospecial"].get<std::string>());
          ++compared;
        }
      }
    }
  }
  EXPECT_GT(compared, 20);
}

TEST(SentencePieceTokenizerTest, OnlyBracketedTokensAreSpecial) {
  const auto tokenizer = LoadSentencePieceTokenizer(
      ModelPath("plain"), {"<unk>", "<", ">", "<>", "a>", "<a", "\u2581"}, 0);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  std::vector<int> special;
  for (int id = -1; id <= (*tokenizer)->vocabulary_size(); ++id) {
    if ((*tokenizer)->IsSpecial(id)) special.push_back(id);
  }
  EXPECT_EQ(special, (std::vector<int>{0, 3}));
}

TEST(SentencePieceTokenizerTest, AnyTextAndAnyIdsAreTaken) {
  const auto tokenizer = Open("plain");
  ASSERT_NE(tokenizer, nullptr);
  std::mt19937 generator(9);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = RandomText(generator, 40);
    const auto ids = tokenizer->Encode(text);
    ASSERT_TRUE(ids.ok()) << ids.status().message();
    for (const int id : *ids) ASSERT_TRUE(id >= 0 && id < tokenizer->vocabulary_size());
  }
  ExpectWholeCharacters(*tokenizer);
  EXPECT_EQ(tokenizer->Decode(std::vector<int>{-1, 79, INT32_MAX}), "");
  EXPECT_EQ(tokenizer->Encode("\xff").status().code(), StatusCode::kInvalidArgument);
}

TEST(SentencePieceTokenizerTest, TheTokenListIsChecked) {
  const std::vector<std::string> tokens = TokenList("plain");
  for (const int unk : {-1, static_cast<int>(tokens.size())}) {
    EXPECT_EQ(LoadSentencePieceTokenizer(ModelPath("plain"), tokens, unk).status().code(),
              StatusCode::kCorrupt);
  }
  std::vector<std::string> twice = tokens;
  twice.push_back(tokens[3]);
  EXPECT_NE(LoadSentencePieceTokenizer(ModelPath("plain"), twice, 1)
                .status()
                .message()
                .find("has two ids, 3 and 79"),
            std::string::npos);
  std::vector<std::string> empty = tokens;
  empty.emplace_back();
  EXPECT_EQ(LoadSentencePieceTokenizer(ModelPath("plain"), empty, 1).status().code(),
            StatusCode::kCorrupt);
  EXPECT_EQ(LoadSentencePieceTokenizer("no/such/file", tokens, 1).status().code(),
            StatusCode::kNotFound);
}

// Fields of a ModelProto.
std::string Field(int number, const std::string& bytes) {
  std::string out(1, static_cast<char>(number << 3 | 2));
  size_t length = bytes.size();
  for (; length > 127; length >>= 7) out += static_cast<char>(length | 0x80);
  return out + static_cast<char>(length) + bytes;
}

std::string Piece(const std::string& text, float score = 0, int type = 1) {
  std::string raw(sizeof score, '\0');
  std::memcpy(raw.data(), &score, sizeof score);
  return Field(1, Field(1, text) + "\x15" + raw + "\x18" + static_cast<char>(type));
}

const std::string kUnknownPiece = Piece("<unk>", 0, 2);

Status StatusOf(const std::string& model) {
  const auto tokenizer = ParseSentencePieceTokenizer(model, "bpe.model", {"<unk>", "a", "b"}, 0);
  if (!tokenizer.ok()) {
    EXPECT_EQ(tokenizer.status().message().rfind("bpe.model: ", 0), 0u);
    return tokenizer.status();
  }
  EXPECT_TRUE((*tokenizer)->Encode("a b \u00fc\n").ok());
  EXPECT_TRUE(IsValidUtf8((*tokenizer)->Decode(std::vector<int>{1, 0, 2})));
  return OkStatus();
}

TEST(SentencePieceTokenizerTest, SmallModelsByHand) {
  EXPECT_TRUE(StatusOf(kUnknownPiece + Piece("a", -1) + Piece("\u2581b", -2)).ok());
  EXPECT_TRUE(StatusOf(kUnknownPiece + Piece("a", -1) + Piece("<x>", 0, 4)).ok());
}

TEST(SentencePieceTokenizerTest, DamagedModelsAreCorrupt) {
  const std::string nan_score = Piece("a", std::nanf(""));
  std::string nested = kUnknownPiece;
  for (size_t i = 1; i <= 65; ++i) nested += Piece(std::string(i, 'x'), 0, 4);
  const std::string wrong[] = {
      "",
      "x",
      std::string(100, '\xff'),
      Piece("a"),
      kUnknownPiece + kUnknownPiece,
      kUnknownPiece + Piece("<unk2>", 0, 2) + Piece("a"),
      kUnknownPiece + Piece(""),
      kUnknownPiece + Piece("a") + Piece("a"),
      kUnknownPiece + Piece(std::string("a\0b", 3)),
      kUnknownPiece + Piece(std::string("\0", 1), 0, 4),
      kUnknownPiece + Piece("\xff"),
      kUnknownPiece + Piece(std::string(513, 'a')),
      kUnknownPiece + nan_score,
      kUnknownPiece + Piece("a", -1e30f),
      kUnknownPiece + Piece("a", INFINITY),
      kUnknownPiece + Piece("<0x41>", 0, 6),
      kUnknownPiece + Piece("a") + Field(3, Field(2, "charsmap")),
      kUnknownPiece + Piece("a") + Field(5, Field(2, "charsmap")),
      kUnknownPiece + Piece("a") + Field(3, "\x12"),
      kUnknownPiece,  // the library wants a piece besides
      nested,
  };
  for (size_t i = 0; i < std::size(wrong); ++i) {
    EXPECT_EQ(StatusOf(wrong[i]).code(), StatusCode::kCorrupt) << i;
  }
}

TEST(SentencePieceTokenizerTest, NoCutAndNoFlippedByteCrashes) {
  const std::string model = ReadTestFile(ModelPath("plain"));
  std::mt19937 generator(4);
  for (int round = 0; round < 60; ++round) {
    std::string damaged = model;
    if (round % 3 == 0) {
      damaged.resize(generator() % model.size());
    } else {
      for (int flips = 0; flips < 4; ++flips) {
        damaged[generator() % model.size()] = static_cast<char>(generator());
      }
    }
    (void)StatusOf(damaged);  // what it says depends on where; that it comes back is the test
  }
}

}  // namespace
}  // namespace espalier
