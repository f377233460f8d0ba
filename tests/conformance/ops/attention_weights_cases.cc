// Tolerance: weights are at most scale; scores up to 30 are off by 4e-6 in f32, which the softmax
// turns into the same relative error.
#include <limits>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t queries, keys, width;
};

// `memory`: of the keys.
AttentionWeightsOp AddOp(CaseBuilder& b, const Shape& s, float amplitude, float scale,
                         bool accumulate, DType memory = DType::kF32) {
  const int32_t queries = b.Length(s.queries), keys = b.Length(s.keys);
  // The plan allows more keys than the run has: hence the width of the weights.
  const int32_t room = 2 * s.keys + 64;
  AttentionWeightsOp op;
  op.query = b.Slot(queries, s.width, amplitude);
  op.key = b.Numbers(memory, keys, s.width, amplitude);
  op.weights = b.Slot(queries, room);
  op.scale = scale;
  op.accumulate = accumulate;
  return op;
}

OpCase Make(const Shape& s, float amplitude, float scale, bool accumulate, DType memory,
            DType storage) {
  CaseBuilder b("AttentionWeights_" + std::to_string(s.queries) + "_" + std::to_string(s.keys) +
                    "_" + std::to_string(s.width) + (accumulate ? "_sum" : "") +
                    (memory == DType::kF16 ? "_f16" : ""),
                storage, {.absolute = 2e-6f, .relative = 2e-5f});
  return b.Build(AddOp(b, s, amplitude, scale, accumulate, memory));
}

OpCase WithNan(DType storage) {
  CaseBuilder b("AttentionWeights_nan", storage, {.absolute = 2e-6f, .relative = 2e-5f});
  const AttentionWeightsOp op = AddOp(b, {2, 20, 16}, 1.0f, 1.0f, false);
  b.Poke(op.query, 1, 3, std::numeric_limits<float>::quiet_NaN());
  return b.Build(op);
}

}  // namespace

std::vector<OpCase> AttentionWeightsCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{{0, 5, 4},
                                               {1, 1, 1},
                                               {1, 33, 64},
                                               {3, 0, 8},
                                               {5, 150, 64},
                                               {8, 17, 10},
                                               {49, 49, 80},
                                               {2, 700, 64}}) {
    cases.push_back(Make(shape, 1.0f, 1.0f, false, DType::kF32, storage));
    cases.push_back(Make(shape, 3.0f, 0.125f, true, DType::kF32, storage));
    if (shape.width % 2 == 0) {
      cases.push_back(Make(shape, 2.0f, 1.0f, shape.keys % 2 != 0, DType::kF16, storage));
    }
  }
  cases.push_back(WithNan(storage));
  return cases;
}

}  // namespace espalier::conformance
