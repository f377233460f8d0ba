#include "runtime/text/whisper_tokenizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/base/env.h"
#include "runtime/text/utf8.h"
#include "tests/text/expected_ids.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr char kFolder[] = "tests/text/testdata/";

std::unique_ptr<Tokenizer> SmallTokenizer() {
  auto tokenizer = LoadWhisperTokenizer(std::string(kFolder) + "small_tokenizer.json");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  return tokenizer.ok() ? std::move(*tokenizer) : nullptr;
}

TEST(WhisperTokenizerTest, SameIdsAsHuggingFace) {
  const auto tokenizer = SmallTokenizer();
  ASSERT_NE(tokenizer, nullptr);
  ExpectSameIds(*tokenizer, std::string(kFolder) + "small_ids.json");
}

TEST(WhisperTokenizerTest, AnyTextComesBack) {
  const auto tokenizer = SmallTokenizer();
  ASSERT_NE(tokenizer, nullptr);
  std::mt19937 generator(1);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = RandomText(generator, 40);
    const auto ids = tokenizer->Encode(text);
    ASSERT_TRUE(ids.ok());
    ASSERT_EQ(tokenizer->Decode(*ids), text);
    ASSERT_EQ(tokenizer->DecodeBytes(*ids), text);
  }
}

TEST(WhisperTokenizerTest, CharactersAreNeverCut) {
  const auto tokenizer = SmallTokenizer();
  ASSERT_NE(tokenizer, nullptr);
  ExpectWholeCharacters(*tokenizer);
}

TEST(WhisperTokenizerTest, AddedTokensAreSpecialAndSilent) {
  const auto tokenizer = SmallTokenizer();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->vocabulary_size(), 605);
  EXPECT_EQ(tokenizer->Find("<|en|>"), 602);
  EXPECT_EQ(tokenizer->Find("<|xx|>"), std::nullopt);
  EXPECT_EQ(tokenizer->TokenString(603), "<|0.00|>");
  EXPECT_EQ(tokenizer->TokenString(605), "");
  EXPECT_EQ(tokenizer->TokenString(-1), "");
  EXPECT_TRUE(tokenizer->IsSpecial(602));
  EXPECT_TRUE(tokenizer->IsSpecial(603)) << "times too";
  EXPECT_FALSE(tokenizer->IsSpecial(599));
  EXPECT_FALSE(tokenizer->IsSpecial(605));

  std::vector<int> ids = *tokenizer->Encode("hi");
  ids.insert(ids.begin(), {601, 602, 603, -7, 9999});
  ids.push_back(600);
  EXPECT_EQ(tokenizer->Decode(ids), "hi");
}

TEST(WhisperTokenizerTest, SymbolsInTextAreText) {
  const auto tokenizer = SmallTokenizer();
  ASSERT_NE(tokenizer, nullptr);
  const std::vector<int> ids = *tokenizer->Encode("<|en|>");
  EXPECT_EQ(tokenizer->Decode(ids), "<|en|>");
  for (const int id : ids) EXPECT_FALSE(tokenizer->IsSpecial(id));
}

TEST(WhisperTokenizerTest, TextIsChecked) {
  const auto tokenizer = SmallTokenizer();
  ASSERT_NE(tokenizer, nullptr);
  EXPECT_EQ(tokenizer->Encode("a\xff").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(tokenizer->Encode(std::string(kMaxTextBytes + 1, 'a')).status().code(),
            StatusCode::kInvalidArgument);
  const std::string longest(kMaxTextBytes, 'a');
  EXPECT_EQ(tokenizer->Decode(*tokenizer->Encode(longest)), longest);
}

json SmallFile() {
  return json::parse(ReadTestFile(std::string(kFolder) + "small_tokenizer.json"));
}

Status StatusOf(const json& file) {
  return ParseWhisperTokenizer(file.dump(), "tokenizer.json").status();
}

TEST(WhisperTokenizerTest, OlderFilesWriteMergesAsStrings) {
  json file = SmallFile();
  for (json& merge : file["model"]["merges"]) {
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  }
  for (const char* key : {"byte_fallback", "ignore_merges", "type"}) file["model"].erase(key);
  file["pre_tokenizer"].erase("use_regex");
  const auto tokenizer = ParseWhisperTokenizer(file.dump(), "tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  ExpectSameIds(**tokenizer, std::string(kFolder) + "small_ids.json");
}

TEST(WhisperTokenizerTest, AnAddedTokenMayStandInTheVocabularyToo) {
  json file = SmallFile();
  file["model"]["vocab"]["<|en|>"] = 602;
  const auto tokenizer = ParseWhisperTokenizer(file.dump(), "tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  EXPECT_TRUE((*tokenizer)->IsSpecial(602));
  EXPECT_EQ((*tokenizer)->Decode(std::vector<int>{602}), "");
}

TEST(WhisperTokenizerTest, OtherKindsOfTokenizersAreUnsupported) {
  const std::pair<const char*, json> changes[] = {
      {"/normalizer", {{"type", "NFC"}}},
      {"/pre_tokenizer/type", "Metaspace"},
      {"/pre_tokenizer/add_prefix_space", true},
      {"/pre_tokenizer/use_regex", false},
      {"/model/type", "WordPiece"},
      {"/model/byte_fallback", true},
      {"/model/ignore_merges", true},
      {"/model/end_of_word_suffix", "</w>"},
      {"/model/continuing_subword_prefix", "##"},
  };
  for (const auto& [place, value] : changes) {
    json file = SmallFile();
    file[json::json_pointer(place)] = value;
    EXPECT_EQ(StatusOf(file).code(), StatusCode::kUnsupported) << place;
  }
}

TEST(WhisperTokenizerTest, DamagedFilesAreCorrupt) {
  const std::pair<const char*, json> changes[] = {
      {"/pre_tokenizer", nullptr},
      {"/model", 3},
      {"/model/vocab", json::array()},
      {"/model/vocab/a", -1},
      {"/model/vocab/a", "x"},
      {"/model/vocab/a", kMaxVocabularySize},
      {"/model/vocab/a", 5},  // another token's
      {"/model/merges", nullptr},
      {"/model/merges/0", "ab"},
      {"/model/merges/0", json::array({"a", "b", "c"})},
      {"/model/merges/0", json::array({"a", 1})},
      {"/model/merges/0", json::array({"a", "zzzz"})},
      {"/model/merges/1", SmallFile()["model"]["merges"][0]},
      {"/added_tokens", "x"},
      {"/added_tokens/0", "x"},
      {"/added_tokens/0/id", 4},
      {"/added_tokens/0/id", nullptr},
      {"/added_tokens/0/content", ""},
      {"/added_tokens/0/content", "<|en|>"},
      {"/added_tokens/0", {{"id", SmallFile()["model"]["vocab"]["a"]}, {"content", "a"}}},
  };
  for (const auto& [place, value] : changes) {
    json file = SmallFile();
    file[json::json_pointer(place)] = value;
    const Status status = StatusOf(file);
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << place << " " << value;
    EXPECT_EQ(status.message().rfind("tokenizer.json: ", 0), 0u) << status.message();
  }
  json file = SmallFile();
  file["model"]["vocab"].erase("Ġ");
  EXPECT_NE(StatusOf(file).message().find("no token for byte 0x20"), std::string::npos);
  std::string twice = SmallFile().dump();
  twice.insert(twice.find("\"vocab\":{") + 9,
               "\"a\":" + SmallFile()["model"]["vocab"]["a"].dump() + ",");
  const Status status = ParseWhisperTokenizer(twice, "x").status();
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("\"a\": occurs twice"), std::string::npos) << status.message();
  EXPECT_EQ(ParseWhisperTokenizer("{", "x").status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(LoadWhisperTokenizer("no/such/file").status().code(), StatusCode::kNotFound);
}

// Whisper's own file is too large for the tree.
TEST(WhisperTokenizerTest, WhispersOwnFileGivesTheSameIds) {
  const auto folder = GetEnv("ESPALIER_WHISPER_FOLDER");
  if (!folder) GTEST_SKIP() << "ESPALIER_WHISPER_FOLDER names no Whisper folder";
  auto tokenizer = LoadWhisperTokenizer(*folder + "/tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 51865);
  EXPECT_EQ((*tokenizer)->Find("<|startoftranscript|>"), 50258);
  ExpectSameIds(**tokenizer, std::string(kFolder) + "whisper_ids.json");
  ExpectWholeCharacters(**tokenizer);
}

}  // namespace
}  // namespace espalier
