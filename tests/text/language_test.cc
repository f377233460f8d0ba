#include "runtime/text/language.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace espalier {
namespace {

// The keys of openai-whisper's tokenizer.py LANGUAGES (large-v3 added yue).
constexpr char kWhisperCodes[] =
    "en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th "
    "ur "
    "hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa "
    "si "
    "km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln "
    "ha "
    "ba jw su yue";

// Its names in the same order.
constexpr char kWhisperNames[] =
    "english,chinese,german,spanish,russian,korean,french,japanese,portuguese,turkish,polish,"
    "catalan,"
    "dutch,arabic,swedish,italian,indonesian,hindi,finnish,vietnamese,hebrew,ukrainian,greek,malay,"
    "czech,romanian,danish,hungarian,tamil,norwegian,thai,urdu,croatian,bulgarian,lithuanian,latin,"
    "maori,malayalam,welsh,slovak,telugu,persian,latvian,bengali,serbian,azerbaijani,slovenian,"
    "kannada,estonian,macedonian,breton,basque,icelandic,armenian,nepali,mongolian,bosnian,kazakh,"
    "albanian,swahili,galician,marathi,punjabi,sinhala,khmer,shona,yoruba,somali,afrikaans,occitan,"
    "georgian,belarusian,tajik,sindhi,gujarati,amharic,yiddish,lao,uzbek,faroese,haitian creole,"
    "pashto,turkmen,nynorsk,maltese,sanskrit,luxembourgish,myanmar,tibetan,tagalog,malagasy,"
    "assamese,"
    "tatar,hawaiian,lingala,hausa,bashkir,javanese,sundanese,cantonese";

// Spec §8: OWSM's languages and translation targets.
constexpr char kOwsmCodes[] =
    "abk afr amh ara asm ast aze bak bas bel ben bos bre bul cat ceb ces chv ckb cmn cnh cym dan "
    "deu "
    "dgd div ell eng epo est eus fas fil fin fra frr ful gle glg grn guj hat hau heb hin hrv hsb "
    "hun "
    "hye ibo ina ind isl ita jav jpn kab kam kan kat kaz kea khm kin kir kmr kor kyr lao lav lga "
    "lin "
    "lit ltz lug luo mal mar mas mdf mhr mkd mlt mon mri mrj mya myv nan nep nld nno nob npi nso "
    "nya "
    "oci ori orm pan pol por pus quy roh ron rus sah san sat sin skr slk slv sna snd som sot spa "
    "srd "
    "srp sun swa swe swh tam tat tel tgk tgl tha tig tir tok tpi tsn tuk tur twi uig ukr umb urd "
    "uzb "
    "vie vot wol xho yor yue zho zul";

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

TEST(LanguageTest, CodesAndNamesMeetInOneLanguage) {
  struct Case {
    const char *name, *code3, *code1;
  };
  for (const Case& c :
       std::initializer_list<Case>{{"en", "eng", "en"},        {"eng", "eng", "en"},
                                   {"English", "eng", "en"},   {"ENGLISH", "eng", "en"},
                                   {"De", "deu", "de"},        {"zh", "zho", "zh"},
                                   {"zho", "zho", "zh"},       {"Chinese", "zho", "zh"},
                                   {"mandarin", "zho", "zh"},  {"cmn", "cmn", "cmn"},
                                   {"yue", "yue", "yue"},      {"Cantonese", "yue", "yue"},
                                   {"haw", "haw", "haw"},      {"Hawaiian", "haw", "haw"},
                                   {"jw", "jav", "jv"},        {"jv", "jav", "jv"},
                                   {"iw", "heb", "he"},        {"no", "nor", "no"},
                                   {"nb", "nob", "nb"},        {"nn", "nno", "nn"},
                                   {"Flemish", "nld", "nl"},   {"Castilian", "spa", "es"},
                                   {"burmese", "mya", "my"},   {"valencian", "cat", "ca"},
                                   {"moldovan", "ron", "ro"},  {"pushto", "pus", "ps"},
                                   {"panjabi", "pan", "pa"},   {"haitian", "hat", "ht"},
                                   {"sinhalese", "sin", "si"}, {"letzeburgesch", "ltz", "lb"}}) {
    EXPECT_EQ(Iso639_3(c.name), c.code3) << c.name;
    EXPECT_EQ(Iso639_1(c.name), c.code1) << c.name;
  }
}

TEST(LanguageTest, UnknownNamesGiveNothing) {
  for (const char* name :
       {"", "|", "xx", "xyz", "Klingon", "en ", "<eng>", "auto", "e", "Dutch|Flemish"}) {
    EXPECT_EQ(Iso639_3(name), std::nullopt) << name;
    EXPECT_EQ(Iso639_1(name), std::nullopt) << name;
  }
}

TEST(LanguageTest, KnowsWhisperByCodeAndByName) {
  const std::vector<std::string> codes = Split(kWhisperCodes, ' ');
  const std::vector<std::string> names = Split(kWhisperNames, ',');
  ASSERT_EQ(codes.size(), 100u);
  ASSERT_EQ(names.size(), codes.size());
  std::set<std::string> different;
  for (size_t i = 0; i < codes.size(); ++i) {
    ASSERT_NE(Iso639_3(codes[i]), std::nullopt) << codes[i];
    EXPECT_EQ(Iso639_3(codes[i]), Iso639_3(names[i])) << codes[i];
    EXPECT_EQ(Iso639_1(names[i]), codes[i] == "jw" ? "jv" : codes[i]);
    different.insert(*Iso639_3(codes[i]));
  }
  EXPECT_EQ(different.size(), codes.size());
}

TEST(LanguageTest, KnowsOwsmByItsCodes) {
  for (const std::string& code : Split(kOwsmCodes, ' ')) {
    EXPECT_EQ(Iso639_3(code), code);
    const auto code1 = Iso639_1(code);
    ASSERT_NE(code1, std::nullopt);
    EXPECT_EQ(Iso639_3(*code1), code) << "the two-letter code is of the same language";
  }
}

struct Row {
  std::string code3, code1, names;
};
const Row kTable[] = {
#define ESP_LANGUAGE(code3, code1, names) {code3, code1, names},
#include "runtime/text/language_table.inc"
#undef ESP_LANGUAGE
};

TEST(LanguageTest, NoCodeOrNameMeansTwoLanguages) {
  std::set<std::string> seen;
  int with_two_letters = 0;
  for (const Row& row : kTable) {
    EXPECT_EQ(row.code3.size(), 3u);
    EXPECT_TRUE(seen.insert(row.code3).second) << row.code3;
    if (!row.code1.empty()) {
      ++with_two_letters;
      EXPECT_EQ(row.code1.size(), 2u);
      EXPECT_TRUE(seen.insert(row.code1).second) << row.code1;
    }
    for (const std::string& name : Split(row.names, '|')) {
      EXPECT_EQ(Iso639_3(name), row.code3) << name;
    }
  }
  EXPECT_EQ(with_two_letters, 184) << "ISO 639-1 of iso-codes 4.15";
}

}  // namespace
}  // namespace espalier
