// A closed gate is the module's output replaced by zeros (spec §11.4), and nothing of the module is
// left in any plan.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <deque>
#include <filesystem>

#include "runtime/base/file.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/session/inference.h"
#include "tests/session/gated_scores.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

const std::string kModel = "tests/golden/data/model_plain";

struct Module {
  const char* stack;   // "encoder" or "decoder"
  const char* name;    // of the gate
  const char* output;  // the last projection inside the module
};

constexpr Module kModules[] = {
    {"encoder", "feed_forward_macaron", "feed_forward_macaron.w_2"},
    {"encoder", "attn", "attn.linear_out"},
    {"encoder", "cgmlp", "cgmlp.channel_proj2"},
    {"encoder", "feed_forward", "feed_forward.w_2"},
    {"decoder", "self_attn", "self_attn.linear_out"},
    {"decoder", "src_attn", "src_attn.linear_out"},
    {"decoder", "feed_forward", "feed_forward.w_2"},
};

void Close(GateMask* mask, const Module& module, int layer) {
  CloseGate(mask, std::string(module.stack) == "encoder", module.name, layer);
}

std::string TensorPrefix(const Module& module, int layer) {
  const std::string stack = module.stack;
  return stack + (stack == "encoder" ? ".encoders." : ".decoders.") + std::to_string(layer) + ".";
}

// The golden model with the given modules' last projections set to zero.
std::string ZeroedModel(const std::vector<std::pair<Module, int>>& modules) {
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/zeroed";
  fs::create_directories(folder);
  for (const char* file : {"config.json", "bpe.model"}) {
    fs::copy_file(kModel + "/" + file, folder + "/" + file, fs::copy_options::overwrite_existing);
  }
  auto model = SafetensorsFile::Open(kModel + "/model.safetensors");
  EXPECT_TRUE(model.ok());
  std::vector<NamedTensor> tensors;
  std::deque<std::vector<float>> zeros;
  for (const std::string& name : (*model)->names()) {
    NamedTensor tensor{name, *(*model)->Find(name)};
    for (const auto& [module, layer] : modules) {
      const std::string prefix = TensorPrefix(module, layer) + module.output;
      if (name != prefix + ".weight" && name != prefix + ".bias") continue;
      zeros.emplace_back(static_cast<size_t>(tensor.view.element_count()));
      tensor.view.data = zeros.back().data();
    }
    tensors.push_back(tensor);
  }
  EXPECT_FALSE(zeros.empty());
  EXPECT_TRUE(WriteSafetensors(folder + "/model.safetensors", tensors).ok());
  return folder;
}

std::vector<float> Scores(const std::string& folder, const GateMask* gates) {
  return ScoresOfNoise(folder, gates, 30000);
}

void ExpectEqualScores(const std::vector<std::pair<Module, int>>& closed) {
  GateMask mask = AllOpen(LoadModelConfig(kModel).value());
  for (const auto& [module, layer] : closed) Close(&mask, module, layer);
  ASSERT_EQ(mask.closed_count(), static_cast<int>(closed.size()));
  const std::vector<float> gated = Scores(kModel, &mask);
  const std::vector<float> zeroed = Scores(ZeroedModel(closed), nullptr);
  const std::vector<float> dense = Scores(kModel, nullptr);
  float difference = 0, effect = 0;
  for (size_t i = 0; i < gated.size(); ++i) {
    difference = std::max(difference, std::abs(gated[i] - zeroed[i]));
    effect = std::max(effect, std::abs(gated[i] - dense[i]));
  }
  EXPECT_LT(difference, 1e-4f);
  EXPECT_GT(effect, 2e-3f) << "closing the gate changed nothing";
}

class ClosedModuleTest : public testing::TestWithParam<Module> {};

TEST_P(ClosedModuleTest, EqualsAZeroedModule) {
  for (const int layer : {0, 1}) ExpectEqualScores({{GetParam(), layer}});
}

TEST_P(ClosedModuleTest, LeavesNothingInAnyPlan) {
  const ModelConfig config = LoadModelConfig(kModel).value();
  auto engine = Engine::Open({.model_folder = kModel, .threads = 1});
  ASSERT_TRUE(engine.ok());
  StageOptions options{.gates = AllOpen(config)};
  Close(&options.gates, GetParam(), 1);
  const std::string module = TensorPrefix(GetParam(), 1) + GetParam().name + ".";
  const bool self = std::string(GetParam().name) == "self_attn";
  const bool source = std::string(GetParam().name) == "src_attn";
  for (const Stage stage : {Stage::kEncoder, Stage::kSource, Stage::kDecoder}) {
    const auto executable = (*engine)->plans().Get(stage, options);
    ASSERT_TRUE(executable.ok());
    const Plan& plan = (*executable)->plan();
    for (const Weight& weight : plan.weights) {
      EXPECT_FALSE(weight.name.starts_with(module)) << plan.name << ": " << weight.name;
    }
    for (const Slot& slot : plan.slots) {
      EXPECT_FALSE(self && (slot.name == "self_key.1" || slot.name == "self_value.1"));
      EXPECT_FALSE(source && (slot.name == "source_key.1" || slot.name == "source_value.1"));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modules, ClosedModuleTest, testing::ValuesIn(kModules),
                         [](const auto& param_info) {
                           return std::string(param_info.param.stack) + "_" + param_info.param.name;
                         });

TEST(ClosedMergeTest, BothHalvesClosedIsAConstant) {
  ExpectEqualScores({{kModules[1], 0}, {kModules[2], 0}});
}

TEST(ClosedDecoderTest, AWholeLayerMayBeClosed) {
  ExpectEqualScores({{kModules[4], 1}, {kModules[5], 1}, {kModules[6], 1}});
}

TEST(PlanCacheTest, APlanIsCompiledOncePerGates) {
  auto engine = Engine::Open({.model_folder = kModel, .threads = 1});
  ASSERT_TRUE(engine.ok());
  StageOptions dense{.gates = AllOpen((*engine)->config())};
  StageOptions gated = dense;
  Close(&gated.gates, kModules[0], 0);
  PlanCache& plans = (*engine)->plans();
  const auto first = plans.Get(Stage::kEncoder, dense);
  EXPECT_NE(*plans.Get(Stage::kEncoder, gated), *first);
  EXPECT_EQ(*plans.Get(Stage::kEncoder, dense), *first);
  EXPECT_EQ(*plans.Get(Stage::kDecoder, dense), *plans.Get(Stage::kDecoder, gated));
  EXPECT_EQ(plans.compile_count(), 3);
}

}  // namespace
}  // namespace espalier
