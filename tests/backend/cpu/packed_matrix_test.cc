#include "runtime/backend/cpu/packed_matrix.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/tensor/half.h"

namespace espalier::cpu {
namespace {

Weight Matrix(const std::vector<float>& values, int64_t rows, int64_t columns) {
  return {.name = "weight",
          .dtype = DType::kF32,
          .rows = rows,
          .columns = columns,
          .row_stride = columns,
          .data = values.data(),
          .owned = nullptr};
}

std::vector<float> Counting(size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}

class PackedMatrixTest : public testing::Test {
 protected:
  ThreadPool pool_{2};
};

TEST_F(PackedMatrixTest, PanelsAreTransposedAndPadded) {
  const std::vector<float> values = Counting(6);  // rows 1 2 | 3 4 | 5 6
  const auto packed = PackedMatrix::Make(Matrix(values, 3, 2), {.panel_columns = 2}, pool_);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ((*packed)->panel_count(), 2);
  EXPECT_EQ((*packed)->columns(), 3);
  EXPECT_EQ((*packed)->depth(), 2);
  const auto* data = static_cast<const float*>((*packed)->data());
  EXPECT_EQ(std::vector<float>(data, data + 8), (std::vector<float>{1, 3, 2, 4, 5, 0, 6, 0}));
}

// Of files, in kB.
int64_t ResidentOfFiles() {
  const std::string status = ReadFile("/proc/self/status", 1 << 20).value();
  const std::string field = "RssFile:";
  return std::atoll(status.c_str() + status.find(field) + field.size());
}

TEST_F(PackedMatrixTest, GivesMappedPagesBackAndNoOthers) {
  constexpr int64_t kRows = 512, kColumns = 4096;  // 8 MB
  const std::vector<float> values = Counting(size_t{kRows * kColumns});
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/weight.bin";
  const std::string bytes(reinterpret_cast<const char*>(values.data()), values.size() * 4);
  ASSERT_TRUE(WriteFileAtomically(path, bytes).ok());
  const auto file = MappedFile::Open(path);
  ASSERT_TRUE(file.ok());
  Weight weight = Matrix(values, kRows, kColumns);
  const PackedLayout layout{.panel_columns = 64};
  const auto of_memory = PackedMatrix::Make(weight, layout, pool_);
  EXPECT_EQ(values, Counting(values.size()));
  weight.data = (*file)->bytes().data();
  const int64_t before = ResidentOfFiles();
  const auto of_file = PackedMatrix::Make(weight, layout, pool_);
  ASSERT_TRUE(of_memory.ok() && of_file.ok());
  EXPECT_LT(ResidentOfFiles(), before + 1000);
  EXPECT_EQ(std::memcmp((*of_memory)->data(), (*of_file)->data(), bytes.size()), 0);
  EXPECT_EQ(std::memcmp((*file)->bytes().data(), values.data(), bytes.size()), 0);
}

TEST_F(PackedMatrixTest, TapsComeBeforeChannels) {
  const std::vector<float> values = Counting(6);  // channel 0: taps 1 2 3, channel 1: taps 4 5 6
  const auto packed =
      PackedMatrix::Make(Matrix(values, 1, 6), {.panel_columns = 1, .taps = 3}, pool_);
  ASSERT_TRUE(packed.ok());
  const auto* data = static_cast<const float*>((*packed)->data());
  EXPECT_EQ(std::vector<float>(data, data + 6), (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST_F(PackedMatrixTest, BFloatsLieInPairsOfDepths) {
  const std::vector<float> values = Counting(6);  // rows 1 2 3 | 4 5 6
  const auto packed = PackedMatrix::Make(Matrix(values, 2, 3),
                                         {.panel_columns = 2, .taps = 1, .bfloats = true}, pool_);
  ASSERT_TRUE(packed.ok());
  EXPECT_TRUE((*packed)->has_bfloat_pairs());
  EXPECT_EQ((*packed)->packed_depth(), 4);
  const auto* data = static_cast<const uint16_t*>((*packed)->data());
  std::vector<float> found;
  for (int i = 0; i < 8; ++i) found.push_back(BFloat16ToFloat(data[i]));
  EXPECT_EQ(found, (std::vector<float>{1, 2, 4, 5, 3, 0, 6, 0}));
  const auto taps = PackedMatrix::Make(Matrix(values, 1, 6),
                                       {.panel_columns = 1, .taps = 3, .bfloats = true}, pool_);
  ASSERT_TRUE(taps.ok());
  const auto* in_order = static_cast<const uint16_t*>((*taps)->data());
  found.clear();
  for (int i = 0; i < 6; ++i) found.push_back(BFloat16ToFloat(in_order[i]));
  EXPECT_EQ(found, (std::vector<float>{1, 4, 2, 5, 3, 6}));
}

TEST_F(PackedMatrixTest, SmallIntegersLieInGroupsOfDepths) {
  const std::vector<int8_t> values = {1, 2, 3, 4, 5, 6, 7, 8, 9, -10, 11, -12, 13, 14, 15};
  const std::vector<float> scales = {0.5f, 0.25f, 2.0f};
  const Weight weight{.name = "weight",
                      .dtype = DType::kI8,
                      .rows = 3,
                      .columns = 5,
                      .row_stride = 5,
                      .data = values.data(),
                      .row_scales = scales.data(),
                      .owned = nullptr};
  const auto pairs = PackedMatrix::Make(weight, {.panel_columns = 2, .depth_group = 2}, pool_);
  ASSERT_TRUE(pairs.ok());
  EXPECT_EQ((*pairs)->packed_depth(), 6);
  const auto* data = static_cast<const int8_t*>((*pairs)->data());
  EXPECT_EQ(std::vector<int8_t>(data, data + 24),
            (std::vector<int8_t>{1,  2,   6, 7, 3,  4,  8, 9, 5,  0, -10, 0,
                                 11, -12, 0, 0, 13, 14, 0, 0, 15, 0, 0,   0}));
  const auto quads = PackedMatrix::Make(weight, {.panel_columns = 2, .depth_group = 4}, pool_);
  ASSERT_TRUE(quads.ok());
  EXPECT_EQ((*quads)->packed_depth(), 8);
  data = static_cast<const int8_t*>((*quads)->data());
  EXPECT_EQ(std::vector<int8_t>(data, data + 16),
            (std::vector<int8_t>{1, 2, 3, 4, 6, 7, 8, 9, 5, 0, 0, 0, -10, 0, 0, 0}));
  EXPECT_EQ((*quads)->column_scales(), (std::vector<float>{0.5f, 0.25f, 2.0f, 0.0f}));
  EXPECT_EQ((*quads)->column_sums(), (std::vector<int32_t>{15, 20, 41, 0}));
}

TEST_F(PackedMatrixTest, CacheOneCopyPerWeightWhileSomebodyHoldsIt) {
  const std::vector<float> values = Counting(6);
  PackedCache cache;
  auto first = cache.Get(Matrix(values, 3, 2), {.panel_columns = 2}, pool_);
  ASSERT_TRUE(first.ok());
  const auto second = cache.Get(Matrix(values, 3, 2), {.panel_columns = 2}, pool_);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(first->get(), second->get());
  const auto part = cache.Get(Matrix(values, 2, 2), {.panel_columns = 2}, pool_);
  ASSERT_TRUE(part.ok());
  EXPECT_NE(part->get(), second->get());
  EXPECT_EQ((*part)->columns(), 2);
}

TEST_F(PackedMatrixTest, CacheForgetsWhatNobodyHolds) {
  std::vector<float> values = Counting(2);
  PackedCache cache;
  {
    const auto packed = cache.Get(Matrix(values, 1, 2), {.panel_columns = 1}, pool_);
    ASSERT_TRUE(packed.ok());
  }
  values[0] = 7.0f;  // another model at the same address
  const auto packed = cache.Get(Matrix(values, 1, 2), {.panel_columns = 1}, pool_);
  ASSERT_TRUE(packed.ok());
  EXPECT_EQ(static_cast<const float*>((*packed)->data())[0], 7.0f);
}

}  // namespace
}  // namespace espalier::cpu
