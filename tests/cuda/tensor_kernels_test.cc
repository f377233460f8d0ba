// The kernels on the tensor cores, launched as they are: what conformance, whose windows all begin
// at odd columns, does not reach. Rows that lie at multiples of 16 bytes are read four elements at
// a time, and must give the bits of rows that do not.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "cuda/kernels.h"

namespace espalier::cuda {
namespace {

std::vector<float> Noise(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> values(-1.0f, 1.0f);
  std::vector<float> noise(count);
  for (float& value : noise) value = values(random);
  return noise;
}

// A matrix whose rows begin at multiples of 16 bytes, or at none.
class AlignedMatrix {
 public:
  AlignedMatrix(int rows, int columns, bool aligned, const std::vector<float>& values)
      : stride_(aligned ? (columns + 3) / 4 * 4 : columns / 2 * 2 + 3) {
    // NaN around the values: nobody may read there.
    memory_.assign(static_cast<size_t>(rows * stride_ + 8), NAN);
    const auto address = reinterpret_cast<uintptr_t>(memory_.data()) / 4;
    begin_ = memory_.data() + (4 - address % 4) % 4 + (aligned ? 0 : 1);
    for (int i = 0; i < rows * columns; ++i) {
      begin_[i / columns * stride_ + i % columns] = values.empty() ? 0.0f : values[size_t(i)];
    }
  }
  template <typename T = const float>
  Window<T> window() {
    return {.data = begin_, .stride = stride_};
  }
  Numbers numbers() { return {.data = begin_, .stride = stride_}; }
  float At(int row, int column) const { return begin_[row * stride_ + column]; }

 private:
  int stride_;
  std::vector<float> memory_;
  float* begin_;
};

int Differences(const AlignedMatrix& a, const AlignedMatrix& b, int rows, int columns) {
  int differences = 0;
  for (int i = 0; i < rows * columns; ++i) {
    // NaN differs from itself.
    differences += a.At(i / columns, i % columns) == b.At(i / columns, i % columns) ? 0 : 1;
  }
  return differences;
}

TEST(TensorKernelsTest, AttentionReadsAlignedRowsAsOthers) {
  for (const int width : {20, 64, 128}) {
    for (const Storage factors : {Storage::kF16, Storage::kBF16}) {
      const int queries = 70, keys = 90, heads = 2, columns = heads * width;
      const auto q = Noise(static_cast<size_t>(queries * columns), 1);
      const auto k = Noise(static_cast<size_t>(keys * columns), 2);
      const auto v = Noise(static_cast<size_t>(keys * columns), 3);
      std::vector<AlignedMatrix> outputs;
      for (const bool aligned : {true, false}) {
        AlignedMatrix& output =
            outputs.emplace_back(queries, columns, aligned, std::vector<float>());
        AlignedMatrix query(queries, columns, aligned, q), key(keys, columns, aligned, k);
        AlignedMatrix value(keys, columns, aligned, v);
        LaunchAttentionTensor({.rows = {.most = queries},
                               .query = query.window(),
                               .key = key.numbers(),
                               .value = value.numbers(),
                               .output = output.window<float>(),
                               .heads = heads,
                               .width = width,
                               .scale = 0.2f,
                               .keys = {.most = keys}},
                              factors, nullptr);
      }
      EXPECT_EQ(Differences(outputs[0], outputs[1], queries, columns), 0) << width;
      EXPECT_NE(outputs[0].At(queries - 1, columns - 1), 0.0f);
    }
  }
}

TEST(TensorKernelsTest, ProductsReadAlignedRowsAsOthers) {
  const int rows = 70, depth = 108, stride = 112, columns = 150;
  const auto left = Noise(static_cast<size_t>(rows * depth), 4);
  alignas(16) static int8_t weights[150 * 112] = {};
  std::vector<float> scales;
  for (int n = 0; n < columns; ++n) {
    for (int k = 0; k < depth; ++k) {
      weights[n * stride + k] = static_cast<int8_t>((n * 31 + k * 17) % 255 - 127);
    }
    scales.push_back(0.01f / static_cast<float>(1 + n % 3));
  }
  std::vector<AlignedMatrix> outputs;
  for (const bool aligned : {true, false}) {
    AlignedMatrix& output = outputs.emplace_back(rows, columns, aligned, std::vector<float>());
    AlignedMatrix input(rows, depth, aligned, left);
    LaunchGemmTensor(
        {.left = {.input = input.window(), .rows = {.most = rows}, .segment_length = depth},
         .right = {.data = weights,
                   .stride = stride,
                   .storage = Storage::kI8,
                   .row_scales = scales.data()},
         .epilogue = {.output = output.numbers(), .columns = columns}},
        nullptr);
  }
  EXPECT_EQ(Differences(outputs[0], outputs[1], rows, columns), 0);
  EXPECT_NE(outputs[0].At(rows - 1, columns - 1), 0.0f);
}

}  // namespace
}  // namespace espalier::cuda
