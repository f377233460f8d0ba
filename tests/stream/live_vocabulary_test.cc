#include "runtime/stream/live_vocabulary.h"

#include <gtest/gtest.h>

#include "runtime/search/token_set.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;
using scripted_whisper::kFirstTime;
using scripted_whisper::kLetterA;

std::shared_ptr<Engine> OpenWhisper() {
  auto engine = Engine::Open({.model_folder = scripted_whisper::WriteFolder({.steps = {{kEnd}}}),
                              .device = "reference",
                              .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

std::vector<std::string> WordsOf(const Engine& engine, const std::string& text,
                                 const std::string& language) {
  const auto vocabulary = LiveVocabulary::Create(engine);
  const auto ids = engine.tokenizer().Encode(text);
  EXPECT_TRUE(vocabulary.ok() && ids.ok());
  std::vector<std::string> words;
  for (const WordSpan& word : vocabulary->splitter().Words(*ids, language)) {
    words.push_back(vocabulary->Text(std::span<const int>(*ids).subspan(
        static_cast<size_t>(word.begin), static_cast<size_t>(word.end - word.begin))));
  }
  return words;
}

TEST(LiveVocabularyTest, WordsKeepTheirPunctuation) {
  const auto engine = OpenWhisper();
  EXPECT_EQ(WordsOf(*engine, " Well, no. Yes!", "en"),
            (std::vector<std::string>{" Well,", " no.", " Yes!"}));
  EXPECT_TRUE(WordsOf(*engine, "", "en").empty());
}

TEST(LiveVocabularyTest, CharactersAreWordsWhereNoBlanksAreWritten) {
  const auto engine = OpenWhisper();
  EXPECT_EQ(WordsOf(*engine, "\u65e5\u672c", "ja"), (std::vector<std::string>{"\u65e5", "\u672c"}));
}

TEST(LiveVocabularyTest, ARestIsAComma) {
  const auto engine = OpenWhisper();
  const auto vocabulary = LiveVocabulary::Create(*engine);
  ASSERT_TRUE(vocabulary.ok());
  const auto after = [&](const std::string& text, const std::string& language) {
    std::vector<int> ids = engine->tokenizer().Encode(text).value();
    vocabulary->AppendRest(language, &ids);
    return vocabulary->Text(ids);
  };
  EXPECT_EQ(after(" q", "en"), " q,");
  EXPECT_EQ(after(" q,", "en"), " q,");
  EXPECT_EQ(after(" q.", "en"), " q.");
  EXPECT_EQ(after("", "en"), "");
  EXPECT_EQ(after("\u65e5", "ja"), "\u65e5");
}

TEST(LiveVocabularyTest, AWordIsWholeWhenTheNextOneBegins) {
  const auto engine = OpenWhisper();
  const auto vocabulary = LiveVocabulary::Create(*engine);
  ASSERT_TRUE(vocabulary.ok());
  const auto first = engine->tokenizer().Encode(" qzx");
  const auto both = engine->tokenizer().Encode(" qzx qz");
  ASSERT_TRUE(first.ok() && both.ok());
  const auto count = static_cast<int>(first->size());
  ASSERT_GT(count, 1) << "the word has several tokens";
  EXPECT_EQ(vocabulary->splitter().WholeWords(*both, count, "en"), count);
  EXPECT_EQ(vocabulary->splitter().WholeWords(*both, count - 1, "en"), 0);
  EXPECT_EQ(vocabulary->splitter().WholeWords(*both, static_cast<int>(both->size()), "en"), count);
  EXPECT_EQ(vocabulary->splitter().WholeWords(*first, count, "en"), 0) << "it may go on";
  EXPECT_EQ(vocabulary->splitter().WholeWords({}, 0, "en"), 0);
}

TEST(LiveVocabularyTest, SymbolsAreNoText) {
  const auto engine = OpenWhisper();
  const auto vocabulary = LiveVocabulary::Create(*engine);
  ASSERT_TRUE(vocabulary.ok());
  std::vector<int32_t> allowed(TokenWordCount(engine->config().vocabulary_size));
  vocabulary->Allow(1, allowed);
  for (int id = kEnd + 1; id < engine->config().vocabulary_size; ++id) {
    EXPECT_FALSE(Contains(allowed, id)) << id;
  }
  EXPECT_TRUE(Contains(allowed, kLetterA));
  EXPECT_TRUE(Contains(allowed, kEnd));
  // An utterance says something: the end is no first token (begin_suppress_tokens).
  vocabulary->Allow(0, allowed);
  EXPECT_FALSE(Contains(allowed, kEnd));
  EXPECT_EQ(vocabulary->groups().end_token, kEnd);
}

TEST(LiveVocabularyTest, ThePromptHasNoTimes) {
  const auto engine = OpenWhisper();
  const auto vocabulary = LiveVocabulary::Create(*engine);
  const auto context = ResolveContext(*engine, "en", "transcribe");
  ASSERT_TRUE(vocabulary.ok() && context.ok());
  const std::vector<int> previous = {kLetterA, kLetterA + 1};
  const auto prompt = vocabulary->Prompt(*context, previous, scripted_whisper::kPositions);
  ASSERT_TRUE(prompt.ok());
  EXPECT_EQ(prompt->back(), kFirstTime - 1);
  const int row = vocabulary->NoSpeechRow(*prompt);
  EXPECT_EQ((*prompt)[static_cast<size_t>(row)], kEnd + 1);
  EXPECT_EQ((*prompt)[1], kLetterA);
}

TEST(EndsSentenceTest, MarksAndWhatStandsBehindThem) {
  for (const char* text : {"No.", "No?", "No!\" ", "\u3042\u3002", "(No.)", "No\u2026"}) {
    EXPECT_TRUE(EndsSentence(text)) << text;
  }
  for (const char* text : {"", "no", "no,", "\"", "3.5 litres"}) {
    EXPECT_FALSE(EndsSentence(text)) << text;
  }
}

}  // namespace
}  // namespace espalier
