// Whisper's modules closed (docs/gates.md): zeros in the place of each, and nothing left in a plan.
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "runtime/session/inference.h"
#include "tests/session/gated_scores.h"
#include "tests/session/random_whisper.h"

namespace espalier {
namespace {

struct Module {
  bool encoder;
  const char* gate;
  const char* tensors;  // of a layer: what the module's tensors begin with
  const char* second;   // likewise, where they have two beginnings
  const char* output;   // its last projection
};

constexpr Module kModules[] = {
    {true, "attn", "self_attn", "self_attn_layer_norm", "self_attn.out_proj"},
    {true, "feed_forward", "fc", "final_layer_norm", "fc2"},
    {false, "self_attn", "self_attn", "self_attn_layer_norm", "self_attn.out_proj"},
    {false, "src_attn", "encoder_attn", "encoder_attn_layer_norm", "encoder_attn.out_proj"},
    {false, "feed_forward", "fc", "final_layer_norm", "fc2"},
};

std::string LayerPrefix(const Module& module, int layer) {
  return std::string("model.") + (module.encoder ? "encoder" : "decoder") + ".layers." +
         std::to_string(layer) + ".";
}

void Close(GateMask* mask, const Module& module, int layer) {
  CloseGate(mask, module.encoder, module.gate, layer);
}

std::vector<float> Scores(const std::string& folder, const GateMask* gates) {
  return ScoresOfNoise(folder, gates, 12000);
}

float Distance(const std::vector<float>& a, const std::vector<float>& b) {
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return a.size() == b.size() ? most : 1e9f;
}

void ExpectEqualsZeroed(const std::vector<std::pair<Module, int>>& closed) {
  const std::string folder = random_whisper::WriteFolder("whole");
  GateMask mask = AllOpen(LoadModelConfig(folder).value());
  for (const auto& [module, layer] : closed) Close(&mask, module, layer);
  ASSERT_EQ(mask.closed_count(), static_cast<int>(closed.size()));
  size_t zeroed_count = 0;
  const auto zero = [&](const std::string& tensor, std::vector<float>* values) {
    for (const auto& [module, layer] : closed) {
      const std::string output = LayerPrefix(module, layer) + module.output;
      if (tensor != output + ".weight" && tensor != output + ".bias") continue;
      std::fill(values->begin(), values->end(), 0.0f);
      ++zeroed_count;
    }
  };
  const std::string zeroed = random_whisper::WriteFolder("zeroed", zero);
  ASSERT_EQ(zeroed_count, 2 * closed.size());
  const std::vector<float> gated = Scores(folder, &mask);
  EXPECT_LT(Distance(gated, Scores(zeroed, nullptr)), 1e-4f);
  EXPECT_GT(Distance(gated, Scores(folder, nullptr)), 2e-3f) << "closing the gate changed nothing";
}

class ClosedWhisperModuleTest : public testing::TestWithParam<Module> {};

TEST_P(ClosedWhisperModuleTest, EqualsAZeroedModule) {
  for (int layer = 0; layer < random_whisper::kLayers; ++layer) {
    ExpectEqualsZeroed({{GetParam(), layer}});
  }
}

TEST_P(ClosedWhisperModuleTest, LeavesNothingInAnyPlan) {
  auto engine = Engine::Open({.model_folder = random_whisper::WriteFolder("whole"), .threads = 1});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  StageOptions options{.gates = AllOpen((*engine)->config())};
  Close(&options.gates, GetParam(), 1);
  const std::string module = LayerPrefix(GetParam(), 1);
  const std::string gate = GetParam().gate;
  for (const Stage stage : {Stage::kEncoder, Stage::kSource, Stage::kDecoder}) {
    const auto plan = (*engine)->plans().Build(stage, options);
    ASSERT_TRUE(plan.ok());
    for (const Weight& weight : (*plan)->weights) {
      EXPECT_FALSE(weight.name.starts_with(module + GetParam().tensors) ||
                   weight.name.starts_with(module + GetParam().second))
          << (*plan)->name << ": " << weight.name;
    }
    for (const Slot& slot : (*plan)->slots) {
      EXPECT_FALSE(gate == "self_attn" &&
                   (slot.name == "self_key.1" || slot.name == "self_value.1"));
      EXPECT_FALSE(gate == "src_attn" &&
                   (slot.name == "source_key.1" || slot.name == "source_value.1"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modules, ClosedWhisperModuleTest, testing::ValuesIn(kModules),
                         [](const auto& param_info) {
                           return std::string(param_info.param.encoder ? "encoder" : "decoder") +
                                  "_" + param_info.param.gate;
                         });

TEST(ClosedWhisperTest, WholeStacksMayBeClosed) {
  std::vector<std::pair<Module, int>> all;
  for (const Module& module : kModules) {
    for (int layer = 0; layer < random_whisper::kLayers; ++layer) all.push_back({module, layer});
  }
  ExpectEqualsZeroed(all);
}

}  // namespace
}  // namespace espalier
