// gate_pack.json field by field, and packs put onto a base of three tensors.
#include "runtime/checkpoint/gate_pack.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <functional>

#include "runtime/base/sha256.h"
#include "runtime/checkpoint/fingerprint.h"
#include "runtime/checkpoint/gate_pack_attach.h"
#include "runtime/tensor/half.h"
#include "tests/checkpoint/pack_writer.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr int kWidth = 2;
const std::string kPrint(64, 'a');

Result<GatePackConfig> Read(const json& document) {
  const auto root = JsonFields::Of(document, "gate_pack.json");
  return root.ok() ? ReadGatePackConfig(*root) : Result<GatePackConfig>(root.status());
}

TEST(GatePackConfigTest, EveryFieldIsRead) {
  PackWriter writer(kPrint, kWidth, 1, 1);
  writer.json["input"] = {{"true_length", true}, {"tail_seconds", 0.5}, {"min_seconds", 1.0}};
  const auto config = Read(writer.json);
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_EQ(config->family, ModelFamily::kWhisper);
  EXPECT_EQ(config->fingerprint, kPrint);
  EXPECT_EQ(config->base_name, "base/tiny");
  EXPECT_EQ(config->gate.languages, (std::vector<std::string>{"other", "en", "fr"}));
  EXPECT_EQ(config->gate.tensor_prefix, "gate_predictor_30");
  ASSERT_EQ(config->budgets.size(), 2u);
  EXPECT_EQ(config->budgets[config->default_budget].name, "0.3");
  ASSERT_TRUE(config->true_length.has_value());
  EXPECT_EQ(config->true_length->tail_s, 0.5);
  EXPECT_EQ(config->true_length->min_s, 1.0);
  EXPECT_EQ(config->license, "CC0-1.0");
}

TEST(GatePackConfigTest, BudgetsAreFoundByValue) {
  const auto config = Read(PackWriter(kPrint, kWidth, 1, 1).json);
  ASSERT_TRUE(config.ok());
  EXPECT_EQ((*FindBudget(*config, 0.3))->prefix, "gate_predictor_30");
  EXPECT_EQ((*FindBudget(*config, {}))->name, "0.3");
  const auto missing = FindBudget(*config, 0.5);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().message(), "budget 0.5: this gate pack has 0 0.3");
}

TEST(GatePackConfigTest, WrongFieldsAreNamed) {
  const struct {
    const char* pointer;
    json value;
    const char* named;
  } cases[] = {
      {"/format", "zip", "format"},
      {"/version", 2, "version"},
      {"/base/family", "vosk", "family"},
      {"/base/fingerprint", "abc", "fingerprint"},
      {"/gates/context_size", 0, "context_size"},
      {"/gates/hidden_size", 1e9, "hidden_size"},
      {"/gates/pooling", "max", "pooling"},
      {"/gates/closed_index", 1, "closed_index"},
      {"/gates/encoder_modules", {"attn"}, "encoder_modules"},
      {"/gates/decoder_modules", {"self_attn", "src_attn", "cgmlp"}, "decoder_modules"},
      {"/gates/languages", {"en", "fr"}, "\"other\""},
      {"/gates/languages", {"other", "en", "en"}, "twice"},
      {"/gates/tasks", json::array(), "tasks"},
      {"/gates/budgets", json::object(), "budgets"},
      {"/gates/budgets", {{"much", "p"}}, "much"},
      {"/gates/budgets", {{"1.5", "p"}}, "1.5"},
      {"/gates/budgets", {{"0.3", ""}}, "0.3"},
      {"/gates/budgets", {{"0.3", "p"}, {"0.30", "q"}}, "twice"},
      {"/gates/default_budget", "0.4", "default_budget"},
      {"/input/true_length", "yes", "true_length"},
      {"/input", {{"true_length", true}, {"tail_seconds", -1}}, "tail_seconds"},
      {"/input", {{"true_length", true}, {"tail_seconds", 0}, {"min_seconds", 0}}, "min_seconds"},
  };
  for (const auto& each : cases) {
    json document = PackWriter(kPrint, kWidth, 1, 1).json;
    document[json::json_pointer(each.pointer)] = each.value;
    const auto config = Read(document);
    ASSERT_FALSE(config.ok()) << each.pointer << " " << each.value;
    EXPECT_NE(config.status().message().find(each.named), std::string::npos)
        << config.status().message();
  }
}

TEST(GatePackConfigTest, NothingButTheLicenseMayBeMissing) {
  const json whole = PackWriter(kPrint, kWidth, 1, 1).json;
  for (const char* place : {"", "/base", "/gates"}) {
    for (const auto& item : whole.at(json::json_pointer(place)).items()) {
      json document = whole;
      document.at(json::json_pointer(place)).erase(item.key());
      const bool optional =
          item.key() == "license" || item.key() == "recipe" || item.key() == "input";
      EXPECT_EQ(Read(document).ok(), optional) << place << "/" << item.key();
    }
  }
}

// A base of a matrix, a bias and a half-precision convolution.
class AttachTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<float> matrix = {1, 2, 3, 4, 5, 6}, bias = {0.5f, -0.5f};
    std::vector<uint16_t> half(12);
    for (size_t i = 0; i < half.size(); ++i) half[i] = FloatToHalf(static_cast<float>(i));
    const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/base.safetensors";
    const std::vector<NamedTensor> tensors = {{"w", {DType::kF32, {2, 3}, matrix.data()}},
                                              {"w.bias", {DType::kF32, {2}, bias.data()}},
                                              {"conv", {DType::kF16, {2, 2, 3}, half.data()}},
                                              {"ids", {DType::kI64, {1}, half.data()}}};
    ASSERT_TRUE(WriteSafetensors(path, tensors).ok());
    auto file = SafetensorsFile::Open(path);
    ASSERT_TRUE(file.ok());
    store_ = TensorStore::FromFile(std::move(file).value());
    config_.family = ModelFamily::kWhisper;
    config_.name = "tiny";
    config_.encoder.width = kWidth;
    config_.encoder.layers = config_.decoder.layers = 1;
  }

  PackWriter Writer() const { return {FingerprintOf(*store_), kWidth, 1, 1}; }

  Result<AttachedPack> Attach(const PackWriter& writer, std::optional<double> budget = {}) {
    auto pack = GatePack::Open(writer.Write("pack"));
    if (!pack.ok()) return pack.status();
    return AttachGatePack(**pack, {.budget = budget, .threads = 1}, &config_, store_.get());
  }

  // The pack is refused with a message that has `part` in it, and nothing was changed.
  void ExpectRefused(const PackWriter& writer, const std::string& part) {
    const auto attached = Attach(writer);
    ASSERT_FALSE(attached.ok()) << part;
    EXPECT_NE(attached.status().message().find(part), std::string::npos)
        << attached.status().message();
    EXPECT_FALSE(config_.gate.has_value());
    EXPECT_EQ(ToFloat(*store_->Find("w"))[0], 1.0f);
  }

  std::unique_ptr<TensorStore> store_;
  ModelConfig config_;
};

TEST_F(AttachTest, TheFingerprintIsTheFormats) {
  Sha256 hash;
  const auto add = [&](const std::string& name, const char* dtype, const char* shape) {
    hash.Update(name + '\0' + dtype + '\0' + shape + '\0');
    const auto& bytes = store_->FindStored(name)->bytes;
    for (int end = 0; end < 2; ++end) hash.Update(bytes);  // shorter than 4096: twice the whole
  };
  add("conv", "F16", "2,2,3");
  add("ids", "I64", "1");
  add("w", "F32", "2,3");
  add("w.bias", "F32", "2");
  EXPECT_EQ(FingerprintOf(*store_), hash.Finish());
}

TEST_F(AttachTest, DeltasAndSumsAreApplied) {
  PackWriter writer = Writer();
  writer.tensors["delta.w.a"] = {{2, 3}, {1, 0, 2, 0, 1, 0}};
  writer.tensors["delta.w.b"] = {{2, 2}, {1, 10, 0.5f, 0}};
  writer.tensors["add.w"] = {{2, 3}, {0, 0, 0, 0, 0, 100}};
  writer.tensors["add.w.bias"] = {{2}, {0.25f, 1}};
  writer.tensors["delta.conv.a"] = {{1, 6}, {1, 1, 1, 1, 1, 1}};
  writer.tensors["delta.conv.b"] = {{2, 1}, {0, 0.5f}};
  const void* mapped = store_->Find("ids")->data;
  const std::string before = FingerprintOf(*store_);
  const auto attached = Attach(writer);
  ASSERT_TRUE(attached.ok()) << attached.status().message();
  EXPECT_EQ(ToFloat(*store_->Find("w")), (std::vector<float>{2, 12, 5, 4.5f, 5, 107}));
  EXPECT_EQ(ToFloat(*store_->Find("w.bias")), (std::vector<float>{0.75f, 0.5f}));
  EXPECT_EQ(store_->Find("conv")->dtype, DType::kF16);
  EXPECT_EQ(ToFloat(*store_->Find("conv")),
            (std::vector<float>{0, 1, 2, 3, 4, 5, 6.5f, 7.5f, 8.5f, 9.5f, 10.5f, 11.5f}));
  EXPECT_EQ(store_->Find("ids")->data, mapped) << "what did not change is not copied";
  EXPECT_EQ(attached->changed_tensors, 3);
  EXPECT_EQ(attached->changed_bytes, 24 + 8 + 24);
  EXPECT_EQ(FingerprintOf(*store_), before) << "the fingerprint is the file's";
}

TEST_F(AttachTest, TheChosenBudgetsPredictorIsAdded) {
  const auto attached = Attach(Writer(), 0.0);
  ASSERT_TRUE(attached.ok()) << attached.status().message();
  EXPECT_EQ(attached->budget, "0");
  EXPECT_EQ(config_.gate->tensor_prefix, "gate_predictor");
  EXPECT_NE(store_->Find("gate_predictor.mlp.0.weight"), nullptr);
  EXPECT_EQ(store_->Find("gate_predictor_30.mlp.0.weight"), nullptr);
}

TEST_F(AttachTest, AnotherBaseIsRefusedWithBothFingerprints) {
  PackWriter writer = Writer();
  writer.json["base"]["fingerprint"] = kPrint;
  ExpectRefused(writer, kPrint);
  ExpectRefused(writer, FingerprintOf(*store_));
  ExpectRefused(writer, "base/tiny");
  config_.base_fingerprint = kPrint;  // a converted copy of that base
  EXPECT_TRUE(Attach(writer).ok());
}

TEST_F(AttachTest, AnotherFamilyIsRefused) {
  config_.family = ModelFamily::kOwsm;
  ExpectRefused(Writer(), "for a Whisper model");
}

TEST_F(AttachTest, AMissingPredictorIsNamed) {
  PackWriter writer = Writer();
  writer.tensors.erase("gate_predictor.mlp.2.bias");
  ExpectRefused(writer, "gate_predictor.mlp.2.bias: missing, but the predictor of budget 0 ");
}

TEST_F(AttachTest, WrongTensorsAreNamed) {
  const PackTensor two{{2}, {1, 1}}, row{{1, 2}, {1, 1}}, column{{2, 1}, {1, 1}};
  const struct {
    std::vector<std::pair<std::string, PackTensor>> tensors;
    const char* message;
  } cases[] = {
      {{{"gate_predictor.mlp.0.bias", two}}, "gate_predictor.mlp.0.bias: shape (2), expected (4)"},
      {{{"add.nothing", two}}, "add.nothing: tiny has no such tensor"},
      {{{"add.w", two}}, "add.w: shape (2), the base has (2,3)"},
      {{{"delta.w.b", column}}, "delta.w.a: missing"},
      {{{"delta.w.a", row}, {"delta.w.b", column}}, "delta.w: .a (1,2) and .b (2,1)"},
      {{{"delta.w.bias.a", row}, {"delta.w.bias.b", column}}, "delta.w.bias: "},
      {{{"w", two}}, "w: neither"},
      {{{"delta.", two}}, "delta.: neither"},
      {{{"add.w.bias", {{2}, {1, std::nanf("")}}}}, "add.w.bias: holds values"},
      {{{"add.ids", {{1}, {1}}}}, "ids: the base stores i64"},
  };
  for (const auto& each : cases) {
    PackWriter writer = Writer();
    for (const auto& [name, tensor] : each.tensors) writer.tensors[name] = tensor;
    ExpectRefused(writer, each.message);
  }
}

}  // namespace
}  // namespace espalier
