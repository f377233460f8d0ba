#include "runtime/checkpoint/json_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace espalier {
namespace {

using nlohmann::json;

std::string ParseError(std::string_view text, const JsonLimits& limits = {}) {
  json value;
  const Status status = ParseJson(text, limits, &value);
  EXPECT_EQ(status.code(), StatusCode::kCorrupt) << text.substr(0, 60);
  return status.message();
}

TEST(JsonReaderTest, BuildsTheSameValueAsThePlainParser) {
  const std::string text =
      R"({"a": [1, -2, 3.5, "x\u00e9", true, null, [], {}], "b": {"c": {"d": [[1], [2, {"e": 0}]]}},
          "big": 18446744073709551615})";
  json value;
  ASSERT_TRUE(ParseJson(text, {}, &value).ok());
  EXPECT_EQ(value, json::parse(text));
}

TEST(JsonReaderTest, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "{\"a\":1}x", "{'a':1}", "[1,]", "{\"a\":1e999}", "\"\xff\"",
                           "nul", "{\"a\"}", "[\"\n\"]"}) {
    EXPECT_NE(ParseError(text).find("not valid JSON at byte"), std::string::npos) << text;
  }
}

TEST(JsonReaderTest, RefusesDuplicateKeysDepthAndSize) {
  EXPECT_EQ(ParseError(R"({"a":1,"b":{"k":1,"k":2}})"), "the key \"k\" occurs twice");
  EXPECT_EQ(ParseError(std::string(33, '[') + std::string(33, ']')),
            "nested deeper than 32 levels");
  EXPECT_EQ(ParseError(std::string(50'000'000, '[')), "nested deeper than 32 levels");
  EXPECT_EQ(ParseError("[1,2,3]", {.max_depth = 2, .max_values = 3}), "more than 3 values");
  json value;
  EXPECT_TRUE(ParseJson(std::string(32, '[') + std::string(32, ']'), {}, &value).ok());
  EXPECT_TRUE(ParseJson("[1,2]", {.max_depth = 2, .max_values = 3}, &value).ok());
}

TEST(JsonReaderTest, StreamedContainersAreHandedOverAndEmpty) {
  json members = json::object(), elements = json::array(), value;
  const JsonStreamed streamed[] = {
      {"m.o", [&](std::string& key, json& v) { members[key] = std::move(v); }},
      {"m.l",
       [&](std::string& key, json& v) {
         EXPECT_EQ(key, "");
         elements.push_back(std::move(v));
       }},
  };
  const std::string text =
      R"({"o": {"x": 1}, "m": {"l": [[1, {"l": 2}], 3, {"a": {"b": [4]}}],
          "o": {"p": {"q": 5, "o": {"r": 6}}, "s": "t"}, "n": {"o": 7}}, "z": {"m": {"o": 8}}})";
  ASSERT_TRUE(ParseJson(text, {}, &value, streamed).ok());
  json expected = json::parse(text);
  EXPECT_EQ(elements, expected["m"]["l"]);
  EXPECT_EQ(members, expected["m"]["o"]);
  expected["m"]["l"] = json::array();
  expected["m"]["o"] = json::object();
  EXPECT_EQ(value, expected);
  EXPECT_EQ(ParseJson(text, {.max_depth = 32, .max_values = 20}, &value, streamed).message(),
            "more than 20 values");
}

TEST(JsonReaderTest, NothingIsStreamedOutOfAStreamedElement) {
  std::vector<json> members;
  const JsonStreamed streamed[] = {
      {"m.o", [&](std::string&, json& v) { members.push_back(std::move(v)); }},
  };
  // Seen from the element's inside, its keys spell the streamed path again, in one key or in two.
  const std::string elements[] = {R"({"m.o":{"x":1},"y":[2]})", R"({"m":{"o":{"x":1}},"y":[2]})",
                                  R"([{"m.o":{"x":{"m.o":{}}}},{"z":3}])"};
  for (const std::string& element : elements) {
    members.clear();
    json value;
    ASSERT_TRUE(ParseJson(R"({"m":{"o":{"p":)" + element + "}}}", {}, &value, streamed).ok());
    EXPECT_EQ(members, std::vector<json>{json::parse(element)});
  }
}

TEST(JsonReaderTest, MessageTextIsOneShortLine) {
  EXPECT_EQ(MessageText("a\nb\x7f\x01"), "a\\x0ab\\x7f\\x01");
  EXPECT_EQ(MessageText(std::string(200, 'a')), std::string(120, 'a') + "...");
  // "é" would be cut in the middle.
  EXPECT_EQ(MessageText(std::string(119, 'a') + "\u00e9\u00e9"), std::string(119, 'a') + "...");
}

TEST(JsonReaderTest, FieldsAreTypedAndRangeChecked) {
  const json value = json::parse(
      R"({"i": 3, "f": 2.5, "b": true, "s": "x", "e": "", "l": ["a", "b"], "n": [1, 2], "z": null,
          "huge": 18446744073709551615, "o": {"i": 4}, "mixed": ["a", 1]})");
  const JsonFields fields = JsonFields::Of(value, "file").value();
  int i = 0;
  EXPECT_TRUE(fields.Int("i", 3, 3, &i).ok());
  EXPECT_EQ(i, 3);
  EXPECT_EQ(fields.Int("i", 4, 9, &i).message(), "file: i: 3, expected a whole number from 4 to 9");
  EXPECT_EQ(fields.Int("f", 0, 9, &i).message(),
            "file: f: 2.5, expected a whole number from 0 to 9");
  EXPECT_FALSE(fields.Int("huge", -5, 9, &i).ok());
  EXPECT_FALSE(fields.Int("s", 0, 9, &i).ok());
  EXPECT_EQ(fields.Int("z", 0, 9, &i).message(), "file: z: missing");
  EXPECT_EQ(fields.Int("absent", 0, 9, &i).message(), "file: absent: missing");
  EXPECT_EQ(i, 3) << "errors leave the output alone";

  double number = 0;
  EXPECT_TRUE(fields.Number("i", 0, 5, &number).ok());
  EXPECT_EQ(fields.Number("f", 0, 1, &number).message(),
            "file: f: 2.5, expected a number from 0 to 1");
  EXPECT_FALSE(fields.Number("s", 0, 1, &number).ok());

  bool flag = false;
  EXPECT_TRUE(fields.Bool("b", &flag).ok());
  EXPECT_FALSE(fields.Bool("i", &flag).ok());

  std::string text;
  EXPECT_TRUE(fields.String("s", &text).ok());
  EXPECT_EQ(fields.String("e", &text).message(), "file: e: \"\", expected a non-empty string");
  EXPECT_FALSE(fields.String("l", &text).ok());

  std::vector<std::string> strings;
  EXPECT_TRUE(fields.Strings("l", &strings).ok());
  EXPECT_EQ(strings, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(fields.Strings("mixed", &strings).message(),
            "file: mixed: element 1: 1, expected a non-empty string");

  std::vector<int> ints;
  EXPECT_TRUE(fields.Ints("n", 0, 2, &ints).ok());
  EXPECT_EQ(fields.Ints("n", 0, 1, &ints).message(),
            "file: n: element 1: 2, expected a whole number from 0 to 1");

  EXPECT_TRUE(fields.Object("o").value().Int("i", 0, 9, &i).ok());
  EXPECT_EQ(fields.Object("l").status().message(), "file: l: an array, expected an object");
  EXPECT_FALSE(fields.Has("z"));
  EXPECT_TRUE(fields.Has("e"));
}

}  // namespace
}  // namespace espalier
