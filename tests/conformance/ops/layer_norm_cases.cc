// Tolerance: mean and variance in f32 over up to 1030 columns; results are of order one.
#include <limits>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t rows, columns;
};

OpCase Make(const Shape& s, bool in_place, float amplitude, DType storage) {
  CaseBuilder b("LayerNorm_" + std::to_string(s.rows) + "x" + std::to_string(s.columns) + "_" +
                    std::to_string(static_cast<int>(amplitude)) + (in_place ? "_in_place" : ""),
                storage, {.absolute = 1e-5f, .relative = 1e-5f});
  const int32_t rows = b.Length(s.rows);
  const TensorRef input = b.Slot(rows, s.columns, amplitude);
  const WeightRef gamma = b.Weight(1, s.columns);
  const WeightRef beta = b.Weight(1, s.columns);
  const TensorRef output = in_place ? input : b.Slot(rows, s.columns);
  return b.Build(LayerNormOp{.input = input,
                             .gamma = gamma,
                             .beta = beta,
                             .output = output,
                             .epsilon = amplitude > 1.0f ? 1e-12f : 1e-5f});
}

OpCase WithNan(DType storage) {
  CaseBuilder b("LayerNorm_nan", storage, {.absolute = 1e-5f, .relative = 1e-5f});
  const int32_t rows = b.Length(3);
  const TensorRef input = b.Slot(rows, 21);
  b.Poke(input, 1, 20, std::numeric_limits<float>::quiet_NaN());
  const WeightRef gamma = b.Weight(1, 21);
  const WeightRef beta = b.Weight(1, 21);
  return b.Build(
      LayerNormOp{.input = input, .gamma = gamma, .beta = beta, .output = b.Slot(rows, 21)});
}

}  // namespace

std::vector<OpCase> LayerNormCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{
           {0, 8}, {1, 1}, {1, 512}, {2, 7}, {3, 16}, {5, 31}, {33, 384}, {17, 1030}, {70, 33}}) {
    cases.push_back(Make(shape, shape.rows % 2 == 0, 1.0f, storage));
    if (shape.columns > 1) cases.push_back(Make(shape, shape.rows % 2 != 0, 1000.0f, storage));
  }
  cases.push_back(WithNan(storage));
  return cases;
}

}  // namespace espalier::conformance
