#include "runtime/model/cost_table.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "tests/model/tiny_config.h"

namespace espalier {
namespace {

// Encoder modules cost `scale` seconds each, decoder modules 1, 2 and 3 ms a step.
WindowCost Window(double input_s, double scale) {
  const GateMask shape = AllOpen(TinyConfig());
  return {.input_s = input_s,
          .features_s = 0.25,
          .stem_s = 0.5,
          .gates_s = 0,
          .encoder = {shape.encoder.modules, 2, {scale, scale, scale, scale}, 0.25},
          .source = {shape.decoder.modules, 1, {0, scale / 2, 0}, 0},
          .decoder_step = {shape.decoder.modules, 1, {0.001, 0.002, 0.003}, 0.004}};
}

CostTable Table() {
  return {.model = "tiny",
          .device = "cpu: a",
          .reference_s = 30,
          .reference_tokens = 10,
          .windows = {Window(10, 1), Window(30, 4)}};
}

std::string Written(const std::string& text) {
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/costs.json";
  EXPECT_TRUE(WriteFileAtomically(path, text).ok());
  return path;
}

TEST(CostTableTest, ClosedModulesCostNothing) {
  GateMask mask = AllOpen(TinyConfig());
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 30).encode_s, 1 + 4 * 4 + 2);
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 30).step_s, 0.010);
  mask.encoder.open[1] = 0;
  mask.decoder.open[1] = 0;  // src_attn: its keys and values too
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 30).encode_s, 1 + 3 * 4);
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 30).step_s, 0.008);
}

TEST(CostTableTest, LengthsBetweenAndOutsideTheMeasured) {
  const GateMask mask = AllOpen(TinyConfig());
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 10).encode_s, 5.5);
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 20).encode_s, (5.5 + 19) / 2);
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 5).encode_s, 5.5 / 2);
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 60).encode_s, 2 * 19);
  EXPECT_DOUBLE_EQ(Table().Predict(mask, 5).step_s, 0.010);
}

TEST(CostTableTest, FilesComeBackAsTheyWereWritten) {
  const auto read = LoadCostTable(Written(CostTableToJson(Table())), TinyConfig());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->model, "tiny");
  EXPECT_EQ(read->reference_tokens, 10);
  EXPECT_EQ(CostTableToJson(*read), CostTableToJson(Table()));
}

// What training reads: one utterance's seconds, a number per layer.
TEST(CostTableTest, TheSummaryIsOfTheReference) {
  const auto json = nlohmann::json::parse(CostTableToJson(Table()));
  EXPECT_EQ(json["format"], "espalier-cost-table");
  EXPECT_NEAR(json["encoder"]["attn"][1].get<double>(), 4, 1e-9);
  EXPECT_NEAR(json["decoder"]["src_attn"][0].get<double>(), 2 + 10 * 0.002, 1e-9);
  EXPECT_NEAR(json["decoder"]["self_attn"][0].get<double>(), 10 * 0.001, 1e-9);
  EXPECT_NEAR(json["fixed"]["all"].get<double>(), 1 + 10 * 0.004, 1e-9);
}

TEST(CostTableTest, FilesOfAnotherModelAreRefused) {
  const std::string good = CostTableToJson(Table());
  ModelConfig other = TinyConfig();
  other.encoder.layers = 3;
  EXPECT_EQ(LoadCostTable(Written(good), other).status().code(), StatusCode::kInvalidArgument);
  for (const auto& [from, to] : {std::pair{"\"attn\"", "\"attm\""},
                                 {"espalier-cost-table", "a-table"},
                                 {"\"windows\"", "\"doors\""},
                                 {"0.003", "-3"}}) {
    std::string bad = good;
    for (size_t at = bad.find(from); at != std::string::npos; at = bad.find(from)) {
      bad.replace(at, std::string(from).size(), to);
    }
    EXPECT_EQ(LoadCostTable(Written(bad), TinyConfig()).status().code(),
              StatusCode::kInvalidArgument)
        << from;
  }
}

}  // namespace
}  // namespace espalier
