#include "runtime/checkpoint/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "runtime/base/file.h"
#include "runtime/checkpoint/fingerprint.h"
#include "runtime/checkpoint/tensor_store.h"

namespace espalier {
namespace {

constexpr int64_t kRows = 40, kColumns = 48;

class QuantizeTest : public testing::Test {
 protected:
  void SetUp() override {
    from_ = testing::TempDir() + "/quantize_from";
    to_ = testing::TempDir() + "/quantize_to";
    std::filesystem::remove_all(from_);
    std::filesystem::remove_all(to_);
    std::filesystem::create_directories(from_);
    for (int64_t i = 0; i < kRows * kColumns; ++i) {
      const auto x = static_cast<float>(i);
      matrix_.push_back(std::sin(x) * (1.0f + static_cast<float>(i / kColumns)));
    }
    for (int64_t c = 0; c < kColumns; ++c)
      matrix_[static_cast<size_t>(c)] = 0.0f;  // a row of zeros
    WriteModel();
    ASSERT_TRUE(WriteFileAtomically(from_ + "/config.json", "{}").ok());
    ASSERT_TRUE(WriteFileAtomically(from_ + "/pytorch_model.bin", "weights again").ok());
  }

  void WriteModel() {
    const TensorView view{DType::kF32, {kRows, kColumns}, matrix_.data()};
    const TensorView row{DType::kF32, {kColumns}, matrix_.data()};
    const std::vector<NamedTensor> tensors = {{"a.fc1.weight", view},
                                              {"a.fc1.bias", row},
                                              {"decoder.embed_positions.weight", view},
                                              {"encoder.embed.out.weight", view}};
    ASSERT_TRUE(WriteSafetensors(from_ + "/model.safetensors", tensors).ok());
  }

  Result<QuantizeReport> Quantize(DType storage, const std::stop_token& stop = {}) {
    return QuantizeFolder(from_, to_, {.storage = storage, .gate_pack = {}}, {}, stop);
  }

  std::string from_, to_;
  std::vector<float> matrix_;
};

TEST_F(QuantizeTest, EachRowHasItsOwnScale) {
  const auto report = Quantize(DType::kI8);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->tensor_count, 1);
  EXPECT_EQ(report->kept_count, 3);
  EXPECT_LT(report->output_bytes, report->input_bytes);
  EXPECT_GT(report->worst_relative, 1e-4);
  EXPECT_LT(report->worst_relative, 1e-2);
  const auto store = TensorStore::OpenFolder(to_);
  ASSERT_TRUE(store.ok()) << store.status().message();
  const TensorView* integers = (*store)->Find("a.fc1.weight");
  const TensorView* scales = (*store)->Find("a.fc1.weight.scale");
  ASSERT_TRUE(integers != nullptr && scales != nullptr);
  ASSERT_EQ(integers->dtype, DType::kI8);
  const std::vector<float> values = ToFloat(*integers), scale = ToFloat(*scales);
  ASSERT_EQ(scale.size(), static_cast<size_t>(kRows));
  for (size_t i = 0; i < values.size(); ++i) {
    const float s = scale[i / kColumns];
    ASSERT_NEAR(values[i] * s, matrix_[i], 0.5001f * s) << i;
  }
  EXPECT_EQ((*store)->Find("a.fc1.bias")->dtype, DType::kF32);
  EXPECT_EQ((*store)->Find("decoder.embed_positions.weight")->dtype, DType::kF32);
  EXPECT_EQ((*store)->Find("encoder.embed.out.weight")->dtype, DType::kF32);
}

TEST_F(QuantizeTest, OtherFilesComeAlongAndOtherWeightsDoNot) {
  ASSERT_TRUE(Quantize(DType::kI8).ok());
  EXPECT_TRUE(PathExists(to_ + "/config.json"));
  EXPECT_FALSE(PathExists(to_ + "/pytorch_model.bin"));
  EXPECT_FALSE(PathExists(to_ + ".partial"));
}

TEST_F(QuantizeTest, TheNewFolderSaysWhatItWas) {
  ASSERT_TRUE(Quantize(DType::kI8).ok());
  const auto fingerprint = FingerprintOf(**TensorStore::OpenFolder(from_));
  const auto config = ReadFile(to_ + "/config.json", 1 << 20);
  ASSERT_TRUE(config.ok());
  EXPECT_NE(config->find("\"espalier_base_fingerprint\": \"" + fingerprint), std::string::npos);
}

TEST_F(QuantizeTest, HalfFloats) {
  const auto report = Quantize(DType::kF16);
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto store = TensorStore::OpenFolder(to_);
  EXPECT_EQ((*store)->Find("a.fc1.weight")->dtype, DType::kF16);
  EXPECT_LT(report->worst_relative, 5e-4);
}

TEST_F(QuantizeTest, NothingIsLeftOfARunThatFailed) {
  const auto refused = [&](DType storage, StatusCode code, const std::stop_token& stop = {}) {
    const auto report = Quantize(storage, stop);
    EXPECT_EQ(report.status().code(), code) << report.status().message();
    EXPECT_FALSE(PathExists(to_) || PathExists(to_ + ".partial"));
  };
  refused(DType::kF32, StatusCode::kInvalidArgument);
  std::stop_source source;
  source.request_stop();
  refused(DType::kI8, StatusCode::kCancelled, source.get_token());
  matrix_[100] = 1e6f;
  WriteModel();
  refused(DType::kF16, StatusCode::kInvalidArgument);
  matrix_[100] = std::numeric_limits<float>::quiet_NaN();
  WriteModel();
  refused(DType::kI8, StatusCode::kInvalidArgument);
}

TEST_F(QuantizeTest, AFolderThatExistsIsKept) {
  std::filesystem::create_directories(to_);
  EXPECT_EQ(Quantize(DType::kI8).status().code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(std::filesystem::is_empty(to_));
}

TEST_F(QuantizeTest, WhatIsQuantizedAlreadyHasNothingToChange) {
  ASSERT_TRUE(Quantize(DType::kI8).ok());
  const auto again = QuantizeFolder(to_, to_ + "_again", {}, {}, {});
  EXPECT_EQ(again.status().code(), StatusCode::kInvalidArgument) << again.status().message();
}

}  // namespace
}  // namespace espalier
