// What decoder rows look at: weights that sum to one, alike on every host backend, and no change to
// the scores.
#include "runtime/model/alignment.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numeric>

#include "runtime/session/inference.h"
#include "runtime/session/window.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

const std::string kModel = "tests/golden/data/model_plain";
constexpr std::array kPrompt{76, 5, 7};

void CloseSourceAttention(GateMask* mask, int layer) {
  GateTable& table = mask->decoder;
  for (size_t m = 0; m < table.modules.size(); ++m) {
    if (table.modules[m] == "src_attn") {
      table.open[static_cast<size_t>(layer) * table.modules.size() + m] = 0;
    }
  }
}

struct Decoded {
  std::vector<float> scores;
  std::vector<std::vector<float>> rows;  // of the prompt, then of two hypotheses
};

Decoded Decode(const std::string& device, bool alignment) {
  auto engine = Engine::Open({.model_folder = kModel, .device = device, .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  Inference inference(*engine, {.alignment = alignment});
  std::vector<float> samples(30000);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = 0.3f * std::sin(0.001f * static_cast<float>(i * (i % 97)));
  }
  EXPECT_TRUE(inference.Embed(WindowFeatures(**engine, samples)).ok());
  EXPECT_TRUE(inference.Encode(AllOpen((*engine)->config())).ok());
  const auto width = static_cast<size_t>(inference.vocabulary_size());
  Decoded run{.scores = std::vector<float>(3 * width), .rows = {}};
  const auto take = [&](int row) {
    const auto weights = inference.AlignmentRow(row);
    ASSERT_TRUE(weights.ok()) << weights.status().message();
    ASSERT_EQ(static_cast<int>(weights->size()), inference.encoder_steps());
    run.rows.emplace_back(weights->begin(), weights->end());
  };
  EXPECT_TRUE(inference.Start(kPrompt, std::array{2}, std::span(run.scores).first(width)).ok());
  for (int row = 0; alignment && row < 3; ++row) take(row);
  EXPECT_TRUE(
      inference.Advance(std::array{0, 0}, std::array{10, 11}, std::span(run.scores).subspan(width))
          .ok());
  for (int row = 0; alignment && row < 2; ++row) take(row);
  if (alignment) {
    EXPECT_EQ(inference.AlignmentRow(2).status().code(), StatusCode::kInternal);
  } else {
    EXPECT_EQ(inference.AlignmentRow(0).status().code(), StatusCode::kUnsupported);
  }
  return run;
}

TEST(AlignmentTest, WeightsSumToOneAndAgree) {
  const Decoded cpu = Decode("cpu", true), reference = Decode("reference", true);
  ASSERT_EQ(cpu.rows.size(), 5u);
  ASSERT_EQ(reference.rows.size(), 5u);
  for (size_t r = 0; r < cpu.rows.size(); ++r) {
    EXPECT_NEAR(std::accumulate(cpu.rows[r].begin(), cpu.rows[r].end(), 0.0), 1.0, 1e-4);
    for (size_t t = 0; t < cpu.rows[r].size(); ++t) {
      ASSERT_NEAR(cpu.rows[r][t], reference.rows[r][t], 1e-4f) << r << " " << t;
    }
  }
  EXPECT_NE(cpu.rows[3], cpu.rows[4]) << "two tokens look at the same";
}

TEST(AlignmentTest, LookingChangesNoScore) {
  EXPECT_EQ(Decode("cpu", true).scores, Decode("cpu", false).scores);
}

TEST(AlignmentTest, HeadsOfClosedLayersAreLeftOut) {
  const ModelConfig config = LoadModelConfig(kModel).value();
  ASSERT_EQ(config.decoder.layers, 2);
  GateMask mask = AllOpen(config);
  auto heads = AlignmentHeads(config, mask.decoder);
  ASSERT_EQ(static_cast<int>(heads.size()), config.decoder.heads);
  EXPECT_EQ(heads.front(), (std::pair{1, 0}));
  CloseSourceAttention(&mask, 1);
  heads = AlignmentHeads(config, mask.decoder);
  ASSERT_EQ(static_cast<int>(heads.size()), config.decoder.heads);
  EXPECT_EQ(heads.front(), (std::pair{0, 0}));
  CloseSourceAttention(&mask, 0);
  EXPECT_TRUE(AlignmentHeads(config, mask.decoder).empty());
}

TEST(AlignmentTest, TheModelsOwnHeadsComeFirst) {
  ModelConfig config = LoadModelConfig(scripted_whisper::WriteFolder({.steps = {{}}})).value();
  config.decoder.layers = 3;
  config.alignment_heads = {{2, 1}, {0, 1}, {2, 1}};
  GateMask mask = AllOpen(config);
  const auto heads = AlignmentHeads(config, mask.decoder);
  EXPECT_EQ(heads, (std::vector<std::pair<int, int>>{{0, 1}, {2, 1}}));
  CloseSourceAttention(&mask, 2);
  EXPECT_EQ(AlignmentHeads(config, mask.decoder), (std::vector<std::pair<int, int>>{{0, 1}}));
}

}  // namespace
}  // namespace espalier
