#include "runtime/text/scripts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "runtime/base/env.h"
#include "runtime/text/language.h"
#include "runtime/text/utf8.h"

namespace espalier {
namespace {

// A text of a language with what is typical of it beside its letters.
struct Sample {
  const char* language;
  const char* text;
};
constexpr Sample kSamples[] = {
    {"en", "“Don't” — it’s 5 °C, £3.50 (or €4): naïve café… ½ × 2 = 1 & 100 % @home #1 ™ ♪"},
    {"fr", "« Où est l'élève ? » L’œuvre coûte 12 €, garçon ! Ça, dès Noël, là-bas."},
    {"it", "Perché? È così: «già», più, città; l’università…"},
    {"es", "¿Qué? ¡Señor! El pingüino, mañana; 1ª y 2º. «Sí»"},
    {"de", "„Größe“ – Äpfel, Öl, Übermut & Straße; 20 § 3"},
    {"pl", "Zażółć gęślą jaźń"},
    {"tr", "İstanbul'da ığdır şöğüt çok"},
    {"vi", "Tiếng Việt: đường phố, người ở đây"},
    {"ru", "«Съешь ещё этих мягких французских булок», — сказал он № 5 в NASA."},
    {"uk", "Ґанок, її їжа — п’ять ₴"},
    {"sr", "Ђаци и љубав; Đaci i ljubav"},
    {"el", "Ο «άνθρωπος»; ναι, ΐ ώ"},
    {"he", "שָׁלוֹם עולם, 3 ₪"},
    {"ar", "مرحبًا، كيف حالك؟ ١٢٣"},
    {"hi", "नमस्ते दुनिया। १२३ ₹"},
    {"th", "สวัสดีชาวโลก"},
    {"ja", "「東京」へ、カタカナ、ひらがな。ＡＢＣ１２３！"},
    {"zh", "你好，世界。《书》：繁體字！"},
    {"ko", "안녕하세요, 세계! 漢字 ㅋㅋ"},
};

TEST(ScriptsTest, EveryLanguageHasItsScripts) {
  const auto name = [](const char* language) {
    const std::optional<Scripts> scripts = Scripts::Of(language);
    return scripts ? scripts->name() : "none";
  };
  EXPECT_EQ(Scripts().name(), "Latin");
  for (const char* language : {"en", "eng", "English", "fr", "it", "es", "de", "vi", "haw", "jw"}) {
    EXPECT_EQ(name(language), "Latin") << language;
  }
  EXPECT_EQ(name("ru"), "Latin+Cyrillic");
  EXPECT_EQ(name("mon"), "Latin+Cyrillic+Mongolian");
  EXPECT_EQ(name("ja"), "Latin+Kana+Han");
  EXPECT_EQ(name("yue"), "Latin+Bopomofo+Han");
  EXPECT_EQ(name("xx"), "none");
  EXPECT_EQ(name(""), "none");
  EXPECT_EQ(name("pli"), "none") << "written in any script";

  struct Language {
    const char* code;
  };
  constexpr Language kLanguages[] = {
#define ESP_LANGUAGE(code3, code1, names) {code3},
#include "runtime/text/language_table.inc"
#undef ESP_LANGUAGE
  };
  for (const Language& language : kLanguages) {
    const bool listed = std::set<std::string>{"ave", "pli"}.count(language.code) == 0;
    EXPECT_EQ(Scripts::Of(language.code).has_value(), listed) << language.code;
  }
}

TEST(ScriptsTest, TheSamplesAreTheirLanguages) {
  for (const Sample& sample : kSamples) {
    EXPECT_TRUE(Scripts::Of(sample.language)->MayHold(sample.text)) << sample.text;
    const bool is_latin = Scripts::Of(sample.language)->name() == "Latin";
    EXPECT_EQ(Scripts().MayHold(sample.text), is_latin) << sample.text;
  }
}

// Every run of bytes within a text of the scripts, however it cuts characters.
TEST(ScriptsTest, PartsOfATextMayOccur) {
  for (const Sample& sample : kSamples) {
    const Scripts scripts = *Scripts::Of(sample.language);
    const std::string_view text = sample.text;
    for (size_t begin = 0; begin < text.size(); ++begin) {
      for (size_t size = 1; size <= 7 && begin + size <= text.size(); ++size) {
        ASSERT_TRUE(scripts.MayHold(text.substr(begin, size)))
            << sample.language << " byte " << begin << ", " << size << " bytes";
      }
    }
  }
}

// Against all characters, one by one.
TEST(ScriptsTest, BytesOccurWhereACharacterHasThem) {
  for (const char* language : {"en", "ru", "hi", "ko"}) {
    const Scripts scripts = *Scripts::Of(language);
    std::set<std::string> parts;
    for (char32_t c = 0x80; c < 0x33000; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string character;
      AppendUtf8(c, &character);
      EXPECT_EQ(scripts.MayHold(character), scripts.Contains(c)) << std::hex << uint32_t{c};
      if (!scripts.Contains(c)) continue;
      for (size_t begin = 0; begin < character.size(); ++begin) {
        for (size_t size = 1; begin + size <= character.size(); ++size) {
          if (size < character.size()) parts.insert(character.substr(begin, size));
        }
      }
    }
    for (unsigned first = 0x80; first < 0x100; ++first) {
      const std::string one(1, static_cast<char>(first));
      ASSERT_EQ(scripts.MayHold(one), parts.count(one) > 0) << language << std::hex << first;
      for (unsigned second = 0x80; second < 0xC0; ++second) {
        const std::string two = one + static_cast<char>(second);
        // Two bytes that are a character were asked for above.
        if (ReadUtf8(two).kind == Utf8Unit::Kind::kCharacter) continue;
        ASSERT_EQ(scripts.MayHold(two), parts.count(two) > 0)
            << language << std::hex << first << second;
      }
    }
  }
}

TEST(ScriptsTest, WhatIsNoTextMayNotOccur) {
  const Scripts latin;
  EXPECT_TRUE(latin.MayHold(""));
  EXPECT_TRUE(latin.MayHold("\xA9t\xC3")) << "é cut at both ends";
  EXPECT_FALSE(latin.MayHold("\xFF"));
  EXPECT_FALSE(latin.MayHold("\xC3t"));
  EXPECT_FALSE(latin.MayHold("\xD0")) << "begins Cyrillic letters only";
  EXPECT_TRUE(Scripts::Of("ru")->MayHold("\xD0"));
  EXPECT_FALSE(latin.MayHold("\x80\x80\x80\x80"));
}

// What is kept of a vocabulary is enough for the texts, and what is left out is in no text.
void ExpectTextsStay(const Tokenizer& tokenizer, int vocabulary_size) {
  for (const Sample& sample : kSamples) {
    const Scripts scripts = *Scripts::Of(sample.language);
    const std::vector<int32_t> ids = TokensIn(scripts, tokenizer, vocabulary_size);
    EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
    for (const std::string& text : {std::string(sample.text), " " + std::string(sample.text)}) {
      const auto tokens = tokenizer.Encode(text);
      ASSERT_TRUE(tokens.ok());
      for (const int token : *tokens) {
        EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), token))
            << sample.language << ": " << tokenizer.TokenString(token);
      }
    }
    for (int id = 0; id < vocabulary_size; ++id) {
      if (tokenizer.IsSpecial(id) || id >= tokenizer.vocabulary_size()) {
        EXPECT_TRUE(std::binary_search(ids.begin(), ids.end(), id)) << id;
      }
    }
  }
}

TEST(ScriptsTest, TokensOfASmallVocabulary) {
  const auto tokenizer = LoadWhisperTokenizer("tests/text/testdata/small_tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  ExpectTextsStay(**tokenizer, (*tokenizer)->vocabulary_size() + 3);
  const std::vector<int32_t> latin =
      TokensIn(Scripts(), **tokenizer, (*tokenizer)->vocabulary_size());
  for (const auto& [token, is_latin] :
       {std::pair{"ÃŁ", true}, std::pair{"èªŀ", false}, std::pair{"Ð¾", false},
        std::pair{"ĠÃ", true}, std::pair{"Ġâ", true}, std::pair{"ĠÑ", false}}) {
    const std::optional<int> id = (*tokenizer)->Find(token);
    ASSERT_TRUE(id) << token;
    EXPECT_EQ(std::binary_search(latin.begin(), latin.end(), *id), is_latin) << token;
  }
}

TEST(ScriptsTest, TokensOfWhispersVocabulary) {
  const auto folder = GetEnv("ESPALIER_WHISPER_FOLDER");
  if (!folder) GTEST_SKIP() << "ESPALIER_WHISPER_FOLDER is not set";
  const auto tokenizer = LoadWhisperTokenizer(*folder + "/tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  const int size = (*tokenizer)->vocabulary_size();
  ExpectTextsStay(**tokenizer, size);
  for (const char* language : {"en", "ru", "ja"}) {
    std::printf("%s: %zu of %d tokens\n", language,
                TokensIn(*Scripts::Of(language), **tokenizer, size).size(), size);
  }
}

}  // namespace
}  // namespace espalier
