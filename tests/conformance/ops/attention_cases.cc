// Tolerance: a convex combination of values of order one; scores up to 30 are off by 4e-6 in f32,
// which the softmax turns into the same relative error. Rounded to bfloat16: factors are off by
// 2^-9, so scores of order amplitude² / 3 by 0.0007 times that, six deviations of which move the
// values; weights and values are off by 2^-9 themselves.
#include <limits>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t queries, keys, heads, width;  // width of one head
};

// `memory`: of keys and values.
OpCase Make(const Shape& s, float amplitude, DType memory, DType storage) {
  CaseBuilder b("Attention_" + std::to_string(s.queries) + "_" + std::to_string(s.keys) + "_" +
                    std::to_string(s.heads) + "_" + std::to_string(s.width) + "_" +
                    std::to_string(static_cast<int>(amplitude)) +
                    (memory == DType::kF16 ? "_f16" : ""),
                storage, {.absolute = 2e-5f, .relative = 1e-5f});
  const int32_t queries = b.Length(s.queries);
  const int32_t keys = b.Length(s.keys);
  const int32_t columns = s.heads * s.width;
  b.AllowRounding(0.008f + 0.003f * amplitude * amplitude);
  const TensorRef query = b.Slot(queries, columns, amplitude);
  const TensorRef key = b.Numbers(memory, keys, columns, amplitude);
  const TensorRef value = b.Numbers(memory, keys, columns);
  const TensorRef output = b.Slot(queries, columns);
  return b.Build(
      AttentionOp{.query = query, .key = key, .value = value, .output = output, .heads = s.heads});
}

OpCase WithNan(int32_t query_count, DType storage) {
  CaseBuilder b("Attention_nan_" + std::to_string(query_count), storage,
                {.absolute = 2e-5f, .relative = 1e-5f});
  const int32_t queries = b.Length(query_count);
  const int32_t keys = b.Length(20);
  b.AllowRounding(0.01f);
  const TensorRef query = b.Slot(queries, 32);
  const TensorRef key = b.Slot(keys, 32);
  const TensorRef value = b.Slot(keys, 32);
  b.Poke(query, query_count - 1, 3, std::numeric_limits<float>::quiet_NaN());
  return b.Build(AttentionOp{
      .query = query, .key = key, .value = value, .output = b.Slot(queries, 32), .heads = 2});
}

}  // namespace

std::vector<OpCase> AttentionCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{{0, 5, 1, 4},
                                               {1, 1, 1, 1},
                                               {1, 33, 2, 64},
                                               {3, 0, 2, 8},
                                               {5, 150, 4, 64},
                                               {8, 17, 3, 10},
                                               {9, 31, 2, 32},
                                               {13, 33, 3, 12},
                                               {24, 64, 1, 64},
                                               {17, 63, 2, 33},
                                               {49, 49, 2, 80},
                                               {64, 128, 1, 128},
                                               {65, 65, 3, 16},
                                               {70, 129, 2, 100},
                                               {100, 700, 2, 64},
                                               {300, 37, 2, 24}}) {
    cases.push_back(Make(shape, 1.0f, DType::kF32, storage));
    cases.push_back(Make(shape, 4.0f, DType::kF32, storage));
  }
  for (const Shape& shape : std::vector<Shape>{{1, 33, 2, 64},
                                               {3, 0, 2, 8},
                                               {5, 150, 4, 64},
                                               {8, 17, 2, 11},
                                               {13, 33, 3, 12},
                                               {17, 63, 2, 33},
                                               {65, 65, 3, 16},
                                               {100, 700, 2, 64}}) {
    cases.push_back(Make(shape, 2.0f, DType::kF16, storage));
  }
  cases.push_back(WithNan(2, storage));
  cases.push_back(WithNan(40, storage));
  return cases;
}

}  // namespace espalier::conformance
