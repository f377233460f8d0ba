#include "tests/checkpoint/pack_writer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runtime/checkpoint/safetensors.h"

namespace espalier {
namespace {

constexpr int kContext = 3, kHidden = 4;

// Hidden units: the three languages, then translate. The mean's columns stay zero.
void AddPredictor(const std::string& prefix, int width, int gate_count, bool closes,
                  std::map<std::string, PackTensor>* tensors) {
  const int columns = width + 2 * kContext;
  PackTensor languages{{3, kContext}, std::vector<float>(3 * kContext)};
  for (size_t i = 0; i < 3; ++i) languages.values[i * kContext + i] = 1;
  PackTensor tasks{{2, kContext}, std::vector<float>(2 * kContext)};
  tasks.values[kContext] = 1;
  PackTensor first{{kHidden, columns}, std::vector<float>(static_cast<size_t>(kHidden * columns))};
  PackTensor second{{2 * gate_count, kHidden},
                    std::vector<float>(static_cast<size_t>(2 * gate_count * kHidden))};
  PackTensor bias{{2 * gate_count}, std::vector<float>(static_cast<size_t>(2 * gate_count))};
  for (size_t unit = 0; unit < kHidden; ++unit) {
    first.values[unit * static_cast<size_t>(columns) + static_cast<size_t>(width) + unit] = 1;
    if (closes) second.values[2 * unit * kHidden + unit] = 2;  // the closed logit of gate `unit`
  }
  for (size_t gate = 0; gate < static_cast<size_t>(gate_count); ++gate) {
    bias.values[2 * gate + 1] = 1;  // the open logit
  }
  (*tensors)[prefix + ".language_embedding.weight"] = languages;
  (*tensors)[prefix + ".task_embedding.weight"] = tasks;
  (*tensors)[prefix + ".mlp.0.weight"] = first;
  (*tensors)[prefix + ".mlp.0.bias"] = {{kHidden}, std::vector<float>(kHidden)};
  (*tensors)[prefix + ".mlp.2.weight"] = second;
  (*tensors)[prefix + ".mlp.2.bias"] = bias;
}

}  // namespace

PackWriter::PackWriter(const std::string& fingerprint, int width, int encoder_layers,
                       int decoder_layers) {
  json = {{"format", "espalier-gate-pack"},
          {"version", 1},
          {"base", {{"family", "whisper"}, {"fingerprint", fingerprint}, {"name", "base/tiny"}}},
          {"gates",
           {{"context_size", kContext},
            {"hidden_size", kHidden},
            {"pooling", "mean"},
            {"pool_input", "encoder_embed_output"},
            {"closed_index", 0},
            {"open_index", 1},
            {"encoder_modules", {"attn", "feed_forward"}},
            {"decoder_modules", {"self_attn", "src_attn", "feed_forward"}},
            {"languages", {"other", "en", "fr"}},
            {"tasks", {"transcribe", "translate"}},
            {"budgets", {{"0", "gate_predictor"}, {"0.3", "gate_predictor_30"}}},
            {"default_budget", "0.3"}}},
          {"input", {{"true_length", false}}},
          {"license", "CC0-1.0"},
          {"recipe", "tests/checkpoint/pack_writer.cc"}};
  const int gate_count = 2 * encoder_layers + 3 * decoder_layers;
  AddPredictor("gate_predictor", width, gate_count, false, &tensors);
  AddPredictor("gate_predictor_30", width, gate_count, true, &tensors);
}

std::string PackWriter::Write(const std::string& name) const {
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/" + name;
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/gate_pack.json") << json.dump(1);
  std::vector<NamedTensor> list;
  for (const auto& [tensor, content] : tensors) {
    list.push_back({tensor, {DType::kF32, content.shape, content.values.data()}});
  }
  const Status status = WriteSafetensors(folder + "/gate_pack.safetensors", list);
  EXPECT_TRUE(status.ok()) << status.message();
  return folder;
}

}  // namespace espalier
