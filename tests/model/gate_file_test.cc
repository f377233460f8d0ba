#include "runtime/model/gate_file.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/base/file.h"
#include "runtime/model/gate_map.h"
#include "tests/model/tiny_config.h"

namespace espalier {
namespace {

// All open but the gates of these numbers, encoder first.
GateMask Mask(const std::vector<size_t>& closed) {
  GateMask mask = AllOpen(TinyConfig());
  for (const size_t gate : closed) {
    const size_t encoder = mask.encoder.open.size();
    (gate < encoder ? mask.encoder.open[gate] : mask.decoder.open[gate - encoder]) = 0;
  }
  return mask;
}

std::string Written(const std::string& text) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/gates.json";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

const std::vector<ContextGates> kContexts = {{"en", "transcribe", Mask({0})},
                                             {"fr", "transcribe", Mask({0, 6})},
                                             {"en", "translate", Mask({1, 2, 6})},
                                             {"other", "translate", Mask({})}};

TEST(GateFileTest, ContextsComeBackAsTheyWereWritten) {
  const auto gates = LoadGateFile(Written(ContextGatesToJson(kContexts)), TinyConfig());
  ASSERT_TRUE(gates.ok()) << gates.status().message();
  EXPECT_FALSE(gates->everywhere.has_value());
  for (const ContextGates& each : kContexts) {
    const GateMask* found = gates->Find(each.language, each.task);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(*found, each.mask);
  }
  EXPECT_EQ(*gates->Find("de", "translate"), kContexts[3].mask) << "the language \"other\"";
  EXPECT_EQ(gates->Find("de", "transcribe"), nullptr);
}

TEST(GateFileTest, OneTableIsForEverything) {
  const auto gates = LoadGateFile(Written(GateMaskToJson(Mask({3}))), TinyConfig());
  ASSERT_TRUE(gates.ok());
  EXPECT_EQ(*gates->Find("xx", "anything"), Mask({3}));
  EXPECT_FALSE(LoadGateMask(Written(ContextGatesToJson(kContexts)), TinyConfig()).ok());
}

TEST(GateFileTest, AContextIsRenewedInItsPlace) {
  FixedGates gates;
  for (const ContextGates& each : kContexts) gates.Put(each);
  gates.Put({"fr", "transcribe", Mask({4})});
  ASSERT_EQ(gates.contexts.size(), kContexts.size());
  EXPECT_EQ(gates.contexts[1].mask, Mask({4}));
}

TEST(GateFileTest, WrongFilesAreRefused) {
  const std::string good = ContextGatesToJson(kContexts);
  const auto with = [&](const char* from, const char* to) {
    return std::string(good).replace(good.find(from), std::string(from).size(), to);
  };
  for (const std::string& bad :
       {std::string("{\"contexts\":[]}"), std::string("{\"contexts\":[1]}"), with("\"en\"", "7"),
        with("\"task\"", "\"tusk\""), with("\"fr\"", "\"en\""), with("self_attn", "self"),
        std::string("{\"contexts\":[],\"contexts\":[]}")}) {
    const auto gates = LoadGateFile(Written(bad), TinyConfig());
    ASSERT_FALSE(gates.ok()) << bad;
    EXPECT_EQ(gates.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(GateMapTest, AgreementByKindOfPair) {
  const GateMapSummary summary = SummarizeGateMap(kContexts);
  EXPECT_EQ(summary.gate_count, 7);
  EXPECT_EQ(summary.varying_gates, 4);  // 0, 1, 2, 6
  EXPECT_EQ(summary.always_closed, 0);
  EXPECT_EQ(summary.same_task.pairs, 2);
  EXPECT_DOUBLE_EQ(summary.same_task.share, (6.0 / 7 + 4.0 / 7) / 2);
  EXPECT_EQ(summary.same_language.pairs, 1);
  EXPECT_DOUBLE_EQ(summary.same_language.share, 3.0 / 7);
  EXPECT_EQ(summary.neither.pairs, 3);
}

TEST(GateMapTest, TextPictureAndFile) {
  const std::string text = GateMapToText(kContexts);
  EXPECT_NE(text.find("en translate"), std::string::npos);
  EXPECT_NE(text.find("3 of 7"), std::string::npos);
  const std::string svg = GateMapToSvg(kContexts, "a & b");
  EXPECT_NE(svg.find("a &amp; b"), std::string::npos);
  size_t cells = 0;
  for (size_t at = svg.find("<rect x="); at != std::string::npos;
       at = svg.find("<rect x=", at + 1)) {
    ++cells;
  }
  EXPECT_EQ(cells, 4u * 7u);
  const auto read = LoadGateFile(Written(GateMapToJson(kContexts)), TinyConfig());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->contexts.size(), 4u);
}

}  // namespace
}  // namespace espalier
