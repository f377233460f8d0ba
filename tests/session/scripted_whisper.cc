#include "tests/session/scripted_whisper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/checkpoint/safetensors.h"

namespace espalier::scripted_whisper {
namespace {

using Json = nlohmann::json;

constexpr int kWidth = 16, kUnits = 4, kMels = 8, kSteps = 50;
constexpr int kVocabulary = kFirstTime + kSteps + 1;

constexpr const char* kSymbols[] = {"<|endoftext|>", "<|startoftranscript|>", "<|en|>",
                                    "<|translate|>", "<|transcribe|>",        "<|startofprev|>",
                                    "<|nospeech|>",  "<|notimestamps|>"};

void WriteJson(const std::string& path, const Json& json) { std::ofstream(path) << json; }

void WriteTokenizer(const std::string& path) {
  std::ifstream file("tests/text/testdata/small_tokenizer.json");
  Json tokenizer = Json::parse(file);
  EXPECT_EQ(tokenizer["model"]["vocab"]["a"], kLetterA);
  const Json pattern = tokenizer["added_tokens"][0];
  Json& added = tokenizer["added_tokens"];
  added.clear();
  const auto add = [&](const std::string& content) {
    added.push_back(pattern);
    added.back()["id"] = kEnd + static_cast<int>(added.size()) - 1;
    added.back()["content"] = content;
  };
  for (const char* symbol : kSymbols) add(symbol);
  for (int step = 0; step <= kSteps; ++step) {
    char text[16];
    std::snprintf(text, sizeof text, "<|%.2f|>", step * 0.02);
    add(text);
  }
  WriteJson(path, tokenizer);
}

void WriteConfigs(const std::string& folder) {
  WriteJson(folder + "/config.json", {{"model_type", "whisper"},
                                      {"activation_function", "gelu"},
                                      {"d_model", kWidth},
                                      {"encoder_attention_heads", 2},
                                      {"decoder_attention_heads", 2},
                                      {"encoder_layers", 1},
                                      {"decoder_layers", 1},
                                      {"encoder_ffn_dim", kUnits},
                                      {"decoder_ffn_dim", kUnits},
                                      {"max_source_positions", kSteps},
                                      {"max_target_positions", kPositions},
                                      {"vocab_size", kVocabulary},
                                      {"num_mel_bins", kMels},
                                      {"decoder_start_token_id", kEnd + 1},
                                      {"eos_token_id", kEnd}});
  WriteJson(folder + "/preprocessor_config.json", {{"sampling_rate", 16000},
                                                   {"n_fft", 400},
                                                   {"hop_length", 160},
                                                   {"feature_size", kMels},
                                                   {"chunk_length", 1}});
  WriteJson(folder + "/generation_config.json",
            {{"no_timestamps_token_id", kFirstTime - 1},
             {"lang_to_id", {{"<|en|>", kEnd + 2}}},
             {"task_to_id", {{"translate", kEnd + 3}, {"transcribe", kEnd + 4}}},
             {"suppress_tokens", Json::array()},
             {"begin_suppress_tokens", {kEnd}}});
}

// Tensors by name, all zero at first.
class Tensors {
 public:
  std::vector<float>& Add(const std::string& name, const std::vector<int64_t>& shape) {
    TensorView view{.dtype = DType::kF32, .shape = shape, .data = nullptr};
    values_.emplace_back(static_cast<size_t>(view.element_count()));
    view.data = values_.back().data();
    tensors_.push_back({name, view});
    return values_.back();
  }
  void AddAffine(const std::string& name, const std::vector<int64_t>& shape, bool bias = true) {
    Add(name + ".weight", shape);
    if (bias) Add(name + ".bias", {shape[0]});
  }
  void AddLayer(const std::string& name, bool source) {
    for (const std::string attention : {"self_attn", "encoder_attn"}) {
      if (attention == "encoder_attn" && !source) continue;
      AddAffine(name + attention + "_layer_norm", {kWidth});
      for (const char* part : {".q_proj", ".k_proj", ".v_proj", ".out_proj"}) {
        AddAffine(name + attention + part, {kWidth, kWidth}, part[1] != 'k');
      }
    }
    AddAffine(name + "final_layer_norm", {kWidth});
    AddAffine(name + "fc1", {kUnits, kWidth});
    AddAffine(name + "fc2", {kWidth, kUnits});
  }
  Status Write(const std::string& path) const { return WriteSafetensors(path, tensors_); }

 private:
  std::deque<std::vector<float>> values_;  // the views point into them
  std::vector<NamedTensor> tensors_;
};

// Column `token`'s direction: each scripted token has its own.
class Directions {
 public:
  int Of(int token) {
    const auto found = std::find(tokens_.begin(), tokens_.end(), token);
    if (found == tokens_.end()) tokens_.push_back(token);
    EXPECT_LT(tokens_.size(), static_cast<size_t>(kWidth)) << "too many different tokens";
    return static_cast<int>(std::find(tokens_.begin(), tokens_.end(), token) - tokens_.begin());
  }

 private:
  std::vector<int> tokens_;
};

void FillDecoder(const Script& script, std::vector<float>* embeddings,
                 std::vector<float>* positions) {
  Directions directions;
  // The position outweighs the token before it; the final norm takes the scale away.
  const auto say = [&](int position, int token) {
    const auto direction = static_cast<size_t>(directions.Of(token));
    (*positions)[static_cast<size_t>(position) * kWidth + direction] = 100.0f;
    (*embeddings)[static_cast<size_t>(token) * kWidth + direction] = 5.0f;
  };
  if (script.no_speech) say(0, kNoSpeech);
  for (size_t i = 0; i < script.steps.size(); ++i) {
    for (const int token : script.steps[i]) say(kPromptTokens - 1 + static_cast<int>(i), token);
  }
}

}  // namespace

std::string WriteFolder(const Script& script) {
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/scripted_whisper";
  std::filesystem::create_directories(folder);
  WriteTokenizer(folder + "/tokenizer.json");
  WriteConfigs(folder);
  Tensors tensors;
  tensors.AddAffine("model.encoder.conv1", {kWidth, kMels, 3});
  tensors.AddAffine("model.encoder.conv2", {kWidth, kWidth, 3});
  tensors.Add("model.encoder.embed_positions.weight", {kSteps, kWidth});
  tensors.AddLayer("model.encoder.layers.0.", false);
  tensors.AddAffine("model.encoder.layer_norm", {kWidth});
  tensors.AddLayer("model.decoder.layers.0.", true);
  tensors.Add("model.decoder.layer_norm.bias", {kWidth});
  std::vector<float>& gamma = tensors.Add("model.decoder.layer_norm.weight", {kWidth});
  std::fill(gamma.begin(), gamma.end(), 1.0f);
  FillDecoder(script, &tensors.Add("model.decoder.embed_tokens.weight", {kVocabulary, kWidth}),
              &tensors.Add("model.decoder.embed_positions.weight", {kPositions, kWidth}));
  const Status status = tensors.Write(folder + "/model.safetensors");
  EXPECT_TRUE(status.ok()) << status.message();
  return folder;
}

}  // namespace espalier::scripted_whisper
