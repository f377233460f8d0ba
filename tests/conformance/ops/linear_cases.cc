// Tolerance: inputs are in [-1, 1] and weights in ±2/√K, so results are of order one and a sum of K
// products in f32 is off by about √K · 6e-8; the activations add 1e-6.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

constexpr Tolerance kTolerance{.absolute = 2e-5f, .relative = 1e-5f};

// i8: a backend may round activations to steps of their row's largest magnitude / 2000 to / 32767
// (kernels say which).
Tolerance ToleranceOf(DType storage, int32_t depth, float input, float weight) {
  if (storage != DType::kI8) return kTolerance;
  const float step = input / std::min(32767.0f, 16777215.0f / static_cast<float>(depth));
  return {.absolute = kTolerance.absolute + RoundingTolerance(depth, step, weight),
          .relative = kTolerance.relative};
}

struct Shape {
  int32_t rows, in, out;
};

OpCase Plain(const Shape& s, DType storage) {
  const std::string name =
      "Linear_" + std::to_string(s.rows) + "x" + std::to_string(s.in) + "x" + std::to_string(s.out);
  const float amplitude = 2.0f / std::sqrt(static_cast<float>(s.in));
  CaseBuilder b(name, storage, ToleranceOf(storage, s.in, 1.0f, amplitude));
  b.AllowRounding(s.in, 1.0f, amplitude);
  const int32_t rows = b.Length(s.rows);
  const TensorRef input = b.Slot(rows, s.in);
  const WeightRef weight = b.Weight(s.out, s.in, amplitude);
  const WeightRef bias = b.FloatWeight(1, s.out);
  const TensorRef output = b.Slot(rows, s.out);
  return b.Build(LinearOp{.input = input, .weight = weight, .bias = bias, .output = output});
}

// An output layer cut down to some of its rows.
OpCase Selected(const Shape& s, DType storage) {
  const float amplitude = 2.0f / std::sqrt(static_cast<float>(s.in));
  CaseBuilder b("Linear_selected_" + std::to_string(s.rows) + "x" + std::to_string(s.in) + "x" +
                    std::to_string(s.out),
                storage, ToleranceOf(storage, s.in, 1.0f, amplitude));
  b.AllowRounding(s.in, 1.0f, amplitude);
  const int32_t rows = b.Length(s.rows);
  const TensorRef input = b.Slot(rows, s.in);
  const WeightRef whole = b.Weight(3 * s.out, s.in, amplitude);
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < s.out; ++i) ids.push_back(3 * i + i % 3);
  const WeightRef weight = b.SelectRows(whole, std::move(ids));
  const TensorRef output = b.Slot(rows, s.out);
  return b.Build(LinearOp{.input = input, .weight = weight, .output = output});
}

// What keys and values come from: f16 numbers.
OpCase ToHalves(const Shape& s, DType storage) {
  const float amplitude = 2.0f / std::sqrt(static_cast<float>(s.in));
  CaseBuilder b("Linear_f16_" + std::to_string(s.rows) + "x" + std::to_string(s.in) + "x" +
                    std::to_string(s.out),
                storage, ToleranceOf(storage, s.in, 1.0f, amplitude));
  b.AllowRounding(s.in, 1.0f, amplitude);
  const int32_t rows = b.Length(s.rows);
  const TensorRef input = b.Slot(rows, s.in);
  const WeightRef weight = b.Weight(s.out, s.in, amplitude);
  const WeightRef bias = b.FloatWeight(1, s.out);
  const TensorRef residual = b.Slot(rows, s.out);
  return b.Build(LinearOp{.input = input,
                          .weight = weight,
                          .bias = bias,
                          .output = b.Numbers(DType::kF16, rows, s.out),
                          .activation = s.rows % 2 == 0 ? Activation::kNone : Activation::kRelu,
                          .scale = 0.5f,
                          .residual = s.rows % 2 == 0 ? residual : TensorRef{}});
}

// Sums beyond what f16 holds, of inputs that it does hold.
OpCase TooLargeForHalves(int32_t row_count, DType storage) {
  constexpr float kLarge = 6e4f;
  CaseBuilder b("Linear_f16_large" + std::to_string(row_count), storage,
                ToleranceOf(storage, 19, kLarge, 1.0f));
  b.AllowRounding(19, kLarge, 1.0f);
  const int32_t rows = b.Length(row_count);
  const TensorRef input = b.Slot(rows, 19);
  for (const int32_t column : {3, 7, 18}) {
    b.Poke(input, row_count - 1, column, kLarge);
    b.Poke(input, 0, column, -kLarge);
  }
  const WeightRef weight = b.Weight(36, 19);
  return b.Build(
      LinearOp{.input = input, .weight = weight, .output = b.Numbers(DType::kF16, rows, 36)});
}

OpCase Epilogue(int32_t row_count, Activation activation, bool in_place, DType storage) {
  CaseBuilder b("Linear_epilogue_" + std::to_string(row_count) + "_" +
                    std::to_string(static_cast<int>(activation)) + (in_place ? "_in_place" : ""),
                storage, ToleranceOf(storage, 40, 2.0f, 1.0f));
  b.AllowRounding(40, 2.0f, 1.0f);
  const int32_t rows = b.Length(row_count);
  const TensorRef input = b.Slot(rows, 40, 2.0f);
  const WeightRef weight = b.Weight(37, 40);
  const TensorRef output = b.Slot(rows, 37);
  const TensorRef residual = in_place ? output : b.Slot(rows, 37);
  return b.Build(LinearOp{.input = input,
                          .weight = weight,
                          .output = output,
                          .activation = activation,
                          .scale = 0.5f,
                          .residual = residual});
}

OpCase Special(int32_t row_count, float value, const char* name, DType storage) {
  const float magnitude = std::isfinite(value) ? value : 1.0f;
  CaseBuilder b("Linear_" + std::string(name) + std::to_string(row_count), storage,
                ToleranceOf(storage, 19, magnitude, 1.0f));
  b.AllowRounding(19, magnitude, 1.0f);
  const int32_t rows = b.Length(row_count);
  const TensorRef input = b.Slot(rows, 19);
  b.Poke(input, row_count - 1, 18, value);
  const WeightRef weight = b.Weight(35, 19);
  const TensorRef output = b.Slot(rows, 35);
  return b.Build(LinearOp{
      .input = input, .weight = weight, .output = output, .activation = Activation::kRelu});
}

}  // namespace

std::vector<OpCase> LinearCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{
           {0, 5, 3},     {1, 1, 1},      {1, 512, 384},  {1, 97, 1003},   {2, 33, 17},
           {3, 130, 5},   {4, 16, 16},    {5, 64, 48},    {6, 15, 31},     {7, 129, 65},
           {8, 48, 64},   {9, 31, 100},   {11, 7, 3},     {12, 16, 32},    {13, 17, 33},
           {16, 32, 1},   {17, 64, 47},   {23, 100, 95},  {24, 512, 64},   {25, 513, 63},
           {47, 257, 96}, {49, 64, 130},  {97, 520, 131}, {150, 1030, 67}, {13, 2048, 530},
           {40, 5, 1100}, {101, 4100, 33}}) {
    cases.push_back(Plain(shape, storage));
  }
  for (const Shape& shape : std::vector<Shape>{{0, 5, 4},
                                               {1, 97, 1002},
                                               {3, 40, 2},
                                               {5, 64, 48},
                                               {12, 16, 32},
                                               {14, 33, 38},
                                               {49, 64, 130},
                                               {97, 520, 132}}) {
    cases.push_back(ToHalves(shape, storage));
  }
  for (const Shape& shape :
       std::vector<Shape>{{1, 97, 503}, {2, 33, 17}, {5, 64, 48}, {14, 40, 101}, {49, 130, 67}}) {
    cases.push_back(Selected(shape, storage));
  }
  cases.push_back(TooLargeForHalves(2, storage));
  cases.push_back(TooLargeForHalves(31, storage));
  for (const Activation activation :
       {Activation::kNone, Activation::kRelu, Activation::kSwish, Activation::kGelu}) {
    for (const int32_t rows : {1, 5, 14, 37}) {
      cases.push_back(Epilogue(rows, activation, rows % 2 == 0, storage));
      cases.push_back(Epilogue(rows, activation, rows % 2 != 0, storage));
    }
  }
  for (const int32_t rows : {1, 6, 31}) {
    cases.push_back(Special(rows, std::numeric_limits<float>::quiet_NaN(), "nan", storage));
    cases.push_back(Special(rows, 1e30f, "large", storage));
  }
  return cases;
}

}  // namespace espalier::conformance
