#include "runtime/checkpoint/model_config.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "runtime/checkpoint/model_config_fields.h"

namespace espalier {
namespace {

using Json = nlohmann::json;
using Change = std::function<void(Json&)>;

Json OwsmJson() {
  return Json::parse(R"({
    "model_type": "owsm", "format_version": 1,
    "frontend": {"sample_rate": 16000, "n_fft": 512, "win_length": 400, "hop_length": 160,
                 "mel_count": 80},
    "encoder": {"type": "e_branchformer", "input_layer": "conv2d8", "output_size": 48,
                "attention_heads": 3, "num_blocks": 3, "linear_units": 128,
                "cgmlp_linear_units": 96, "cgmlp_conv_kernel": 31, "merge_conv_kernel": 15,
                "macaron_ffn": true},
    "decoder": {"type": "transformer", "attention_heads": 4, "num_blocks": 2, "linear_units": 64},
    "ctc": {"blank": "<blank>"},
    "tokenizer": {"type": "sentencepiece", "model": "bpe.model"},
    "token_list": ["<blank>", "<unk>", "<na>", "<nospeech>", "<eng>", "<deu>", "<asr>", "<st_eng>",
                   "<notimestamps>", "<0.00>", "<0.50>", "<1.00>", "a", "b", "<sop>", "<sos>",
                   "<eos>"],
    "symbols": {"unk": "<unk>", "na": "<na>", "sos": "<sos>", "eos": "<eos>", "sop": "<sop>",
                "notimestamps": "<notimestamps>", "first_time": "<0.00>", "last_time": "<1.00>"},
    "speech_length": 1.0, "speech_resolution": 0.5,
    "languages": ["<eng>", "<deu>"], "tasks": ["<asr>", "<st_eng>"],
    "gate": {"context_size": 8, "hidden_size": 32, "languages": ["<deu>"], "tasks": ["<asr>"],
             "encoder_modules": ["feed_forward_macaron", "attn", "cgmlp", "feed_forward"],
             "decoder_modules": ["self_attn", "src_attn", "feed_forward"]}
  })");
}

Result<ModelConfig> ParseOwsm(const Json& json) {
  const Json file = Json::parse(json.dump());  // numbers as a file has them
  ESP_ASSIGN_OR_RETURN(const JsonFields root, JsonFields::Of(file, "config.json"));
  return ReadOwsmConfig(root);
}

TEST(OwsmConfigTest, FillsEveryField) {
  const auto model = ParseOwsm(OwsmJson());
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(model->frontend.n_fft, 512);
  EXPECT_EQ(model->encoder.subsampling, Subsampling::kConv2d8);
  EXPECT_EQ(model->encoder.merge_kernel, 15);
  EXPECT_EQ(model->decoder.width, 48);
  EXPECT_EQ(model->decoder.heads, 4);
  EXPECT_EQ(model->vocabulary_size, 17);
  EXPECT_TRUE(model->has_ctc);
  EXPECT_EQ(model->owsm->sos_id, 15);
  EXPECT_EQ(model->owsm->first_time_id, 9);
  EXPECT_EQ(model->owsm->last_time_id, 11);
  EXPECT_EQ(model->owsm->languages, (std::vector<std::string>{"<eng>", "<deu>"}));
  ASSERT_TRUE(model->gate);
  EXPECT_EQ(model->gate->hidden_size, 32);
}

TEST(OwsmConfigTest, InputIsTheWindowUnlessItSaysTrueLength) {
  Json json = OwsmJson();
  EXPECT_FALSE(ParseOwsm(json)->true_length);
  json["input"] = {{"true_length", false}};
  EXPECT_FALSE(ParseOwsm(json)->true_length);
  json["input"] = {{"true_length", true}, {"tail_seconds", 0.25}, {"min_seconds", 0.5}};
  const auto model = ParseOwsm(json);
  ASSERT_TRUE(model.ok()) << model.status().message();
  ASSERT_TRUE(model->true_length);
  EXPECT_EQ(model->true_length->tail_s, 0.25);
  EXPECT_EQ(model->true_length->min_s, 0.5);
}

TEST(OwsmConfigTest, AlignmentHeadsAreThoseOfTheDecoder) {
  Json json = OwsmJson();
  EXPECT_TRUE(ParseOwsm(json)->alignment_heads.empty());
  json["alignment_heads"] = {{1, 0}, {0, 3}};
  const auto model = ParseOwsm(json);
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(model->alignment_heads, (std::vector<std::pair<int, int>>{{1, 0}, {0, 3}}));
  for (const Json& bad : {Json{{2, 0}}, Json{{0, 4}}, Json{{0}}, Json{{-1, 0}}, Json(1)}) {
    json["alignment_heads"] = bad;
    const auto refused = ParseOwsm(json);
    ASSERT_FALSE(refused.ok()) << bad;
    EXPECT_NE(refused.status().message().find("alignment_heads"), std::string::npos);
  }
}

TEST(OwsmConfigTest, CtcAndGatesMayBeAbsent) {
  Json json = OwsmJson();
  json.erase("ctc");
  json.erase("gate");
  json["encoder"]["macaron_ffn"] = false;
  const auto model = ParseOwsm(json);
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_FALSE(model->has_ctc);
  EXPECT_FALSE(model->gate);
}

// A change that must be refused, and what the message must say.
struct BadField {
  const char* pointer;  // JSON pointer
  Json value;
  StatusCode code;
  const char* message;
};

TEST(OwsmConfigTest, EveryBadFieldIsNamed) {
  const BadField bad[] = {
      {"/format_version", 2, StatusCode::kUnsupported, "format_version: 2"},
      {"/frontend/n_fft", 511, StatusCode::kCorrupt, "n_fft: 511"},
      {"/frontend/win_length", 513, StatusCode::kCorrupt, "win_length: 513"},
      {"/frontend/hop_length", 0, StatusCode::kCorrupt, "hop_length: 0"},
      {"/frontend/sample_rate", "16k", StatusCode::kCorrupt, "sample_rate"},
      {"/encoder/type", "conformer", StatusCode::kUnsupported, "conformer"},
      {"/encoder/input_layer", "linear", StatusCode::kUnsupported, "linear"},
      {"/encoder/output_size", 1 << 21, StatusCode::kCorrupt, "output_size"},
      {"/encoder/attention_heads", 5, StatusCode::kCorrupt, "multiple of attention_heads 5"},
      {"/encoder/num_blocks", 257, StatusCode::kCorrupt, "num_blocks: 257"},
      {"/encoder/num_blocks", -1, StatusCode::kCorrupt, "num_blocks: -1"},
      {"/encoder/cgmlp_linear_units", 95, StatusCode::kCorrupt, "cgmlp_linear_units"},
      {"/encoder/cgmlp_conv_kernel", 30, StatusCode::kCorrupt, "cgmlp_conv_kernel"},
      {"/encoder/merge_conv_kernel", 4, StatusCode::kCorrupt, "merge_conv_kernel"},
      {"/encoder/macaron_ffn", 1, StatusCode::kCorrupt, "macaron_ffn"},
      {"/decoder/attention_heads", 7, StatusCode::kCorrupt, "does not divide the width 48"},
      {"/ctc/blank", "<nothing>", StatusCode::kCorrupt, "<nothing>"},
      {"/tokenizer/model", "../bpe.model", StatusCode::kCorrupt, "expected a file name"},
      {"/tokenizer/type", "char", StatusCode::kUnsupported, "char"},
      {"/token_list", Json::array({"a", "a"}), StatusCode::kCorrupt, "occurs twice"},
      {"/token_list", Json::array({1, 2}), StatusCode::kCorrupt, "element 0"},
      {"/symbols/eos", "<end>", StatusCode::kCorrupt, "<end>"},
      {"/symbols/last_time", "<0.50>", StatusCode::kCorrupt, "1 tokens after first_time"},
      {"/speech_length", 4000.0, StatusCode::kCorrupt, "speech_length"},
      {"/input", {{"true_length", 1}}, StatusCode::kCorrupt, "true_length"},
      {"/input",
       {{"true_length", true}, {"tail_seconds", 0.5}, {"min_seconds", 0.1}},
       StatusCode::kCorrupt,
       "min_seconds: 10 frames, expected at least 15"},
      {"/languages", Json::array(), StatusCode::kCorrupt, "at least one"},
      {"/languages", Json::array({"<xyz>"}), StatusCode::kCorrupt, "<xyz>"},
      {"/tasks", Json::array({"<asr>", "<asr>"}), StatusCode::kCorrupt, "occurs twice"},
      {"/gate/context_size", 0, StatusCode::kCorrupt, "context_size: 0"},
      {"/gate/encoder_modules", Json::array({"attn"}), StatusCode::kCorrupt, "encoder_modules"},
  };
  for (const BadField& field : bad) {
    SCOPED_TRACE(field.pointer);
    Json json = OwsmJson();
    json[Json::json_pointer(field.pointer)] = field.value;
    const auto model = ParseOwsm(json);
    ASSERT_FALSE(model.ok());
    EXPECT_EQ(model.status().code(), field.code);
    EXPECT_NE(model.status().message().find(field.message), std::string::npos)
        << model.status().message();
    EXPECT_EQ(model.status().message().find('\n'), std::string::npos);
  }
}

TEST(OwsmConfigTest, EveryFieldIsRequired) {
  const Json whole = OwsmJson();
  const Json fields = whole.flatten();  // items() does not keep a temporary alive
  for (const auto& [path, unused] : fields.items()) {
    const Json::json_pointer pointer(path);
    if (path.find("/token_list") == 0 || path.find("/0") != std::string::npos ||
        path.find("/1") != std::string::npos || path.find("/2") != std::string::npos ||
        path.find("/3") != std::string::npos || path == "/model_type") {
      continue;
    }
    Json json = whole;
    json[pointer.parent_pointer()].erase(pointer.back());
    EXPECT_FALSE(ParseOwsm(json).ok()) << path;
  }
}

TEST(OwsmConfigTest, AWindowOfTooFewFramesIsRefused) {
  Json json = OwsmJson();
  json["frontend"]["hop_length"] = 2000;
  const auto model = ParseOwsm(json);
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.status().message().find("a window of 8 frames, expected 15"), std::string::npos)
      << model.status().message();
}

// The three files of a small Whisper folder: vocabulary 60, one second of audio (50 time tokens).
struct WhisperJson {
  Json config = {
      {"model_type", "whisper"},      {"activation_function", "gelu"}, {"d_model", 8},
      {"encoder_attention_heads", 2}, {"decoder_attention_heads", 4},  {"encoder_layers", 1},
      {"decoder_layers", 2},          {"encoder_ffn_dim", 16},         {"decoder_ffn_dim", 32},
      {"max_source_positions", 50},   {"max_target_positions", 20},    {"vocab_size", 65},
      {"num_mel_bins", 80},           {"decoder_start_token_id", 5},   {"eos_token_id", 4},
      {"scale_embedding", false},     {"suppress_tokens", nullptr}};
  Json preprocessor = {{"feature_size", 80},
                       {"n_fft", 400},
                       {"hop_length", 160},
                       {"sampling_rate", 16000},
                       {"chunk_length", 1}};
  Json generation = {{"no_timestamps_token_id", 12},
                     {"lang_to_id", {{"<|en|>", 6}, {"<|fr|>", 7}}},
                     {"task_to_id", {{"transcribe", 9}, {"translate", 8}}},
                     {"suppress_tokens", {1, 2}},
                     {"begin_suppress_tokens", {3}},
                     {"max_initial_timestamp_index", 50},
                     {"alignment_heads", {{1, 3}}}};

  Result<ModelConfig> Parse() const {
    // Through text, as files are: a parsed number is unsigned, a C++ literal is not.
    const Json files[] = {Json::parse(config.dump()), Json::parse(preprocessor.dump()),
                          Json::parse(generation.dump())};
    ESP_ASSIGN_OR_RETURN(const JsonFields a, JsonFields::Of(files[0], "config.json"));
    ESP_ASSIGN_OR_RETURN(const JsonFields b, JsonFields::Of(files[1], "preprocessor_config.json"));
    ESP_ASSIGN_OR_RETURN(const JsonFields c, JsonFields::Of(files[2], "generation_config.json"));
    return ReadWhisperConfig(a, b, c);
  }
};

TEST(WhisperConfigTest, FillsEveryField) {
  const auto model = WhisperJson().Parse();
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(model->encoder.max_steps, 50);
  EXPECT_EQ(model->decoder.ffn_units, 32);
  EXPECT_EQ(model->frontend.win_length, 400);
  const WhisperConfig& whisper = *model->whisper;
  EXPECT_TRUE(whisper.multilingual);
  EXPECT_EQ(whisper.sot_prev_id, 10);
  EXPECT_EQ(whisper.no_speech_id, 11);
  EXPECT_EQ(whisper.first_time_id, 13);
  EXPECT_EQ(whisper.language_ids.at("fr"), 7);
  EXPECT_EQ(whisper.suppress_ids, (std::vector<int>{1, 2}));
  EXPECT_EQ(model->alignment_heads, (std::vector<std::pair<int, int>>{{1, 3}}));
}

TEST(WhisperConfigTest, AnEnglishOnlyModelHasNoLanguages) {
  WhisperJson json;
  json.generation.erase("lang_to_id");
  json.generation.erase("task_to_id");
  const auto model = json.Parse();
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_FALSE(model->whisper->multilingual);
}

TEST(WhisperConfigTest, EveryBadFieldIsNamed) {
  const std::pair<Change, const char*> bad_config[] = {
      {[](Json& j) { j["activation_function"] = "relu"; }, "relu"},
      {[](Json& j) { j["scale_embedding"] = true; }, "scale_embedding"},
      {[](Json& j) { j["tie_word_embeddings"] = false; }, "tie_word_embeddings"},
      {[](Json& j) { j["decoder_attention_heads"] = 3; }, "does not divide d_model 8"},
      {[](Json& j) { j["max_source_positions"] = 51; }, "max_source_positions: 51"},
      {[](Json& j) { j["num_mel_bins"] = 128; }, "num_mel_bins: 128"},
      {[](Json& j) { j["vocab_size"] = 60; }, "leaves no room"},
      {[](Json& j) { j["eos_token_id"] = 65; }, "eos_token_id: 65"},
      {[](Json& j) { j.erase("d_model"); }, "d_model: missing"},
  };
  for (const auto& [change, message] : bad_config) {
    WhisperJson json;
    change(json.config);
    const auto model = json.Parse();
    ASSERT_FALSE(model.ok()) << message;
    EXPECT_NE(model.status().message().find(message), std::string::npos)
        << model.status().message();
  }
  const std::pair<Change, const char*> bad_generation[] = {
      {[](Json& j) { j["lang_to_id"]["en"] = 6; }, "expected a token such as <|en|>"},
      {[](Json& j) { j["lang_to_id"]["<|en|>"] = 99; }, "99"},
      {[](Json& j) { j["alignment_heads"][0][0] = 2; }, "alignment_heads"},
      {[](Json& j) { j["suppress_tokens"] = Json::array({-1}); }, "suppress_tokens"},
      {[](Json& j) { j["task_to_id"].erase("translate"); }, "translate: missing"},
  };
  for (const auto& [change, message] : bad_generation) {
    WhisperJson json;
    change(json.generation);
    const auto model = json.Parse();
    ASSERT_FALSE(model.ok()) << message;
    EXPECT_NE(model.status().message().find(message), std::string::npos)
        << model.status().message();
  }
}

TEST(LoadModelConfigTest, SaysWhatIsMissing) {
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/small_model";
  EXPECT_EQ(LoadModelConfig(folder).status().code(), StatusCode::kNotFound);
  std::filesystem::create_directories(folder);
  EXPECT_EQ(LoadModelConfig(folder).status().code(), StatusCode::kNotFound);
  std::ofstream(folder + "/config.json") << R"({"model_type": "bert"})";
  EXPECT_EQ(LoadModelConfig(folder).status().code(), StatusCode::kUnsupported);
  std::ofstream(folder + "/config.json") << OwsmJson().dump();
  const auto model = LoadModelConfig(folder + "/");
  ASSERT_TRUE(model.ok()) << model.status().message();
  EXPECT_EQ(model->name, "small_model");
}

}  // namespace
}  // namespace espalier
