// Tolerance: blocked f32 sums of values of order one.
#include <limits>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

OpCase Make(int32_t row_count, int32_t columns, bool nan, DType storage) {
  CaseBuilder b(
      "MeanPool_" + std::to_string(row_count) + "x" + std::to_string(columns) + (nan ? "_nan" : ""),
      storage, {.absolute = 1e-6f, .relative = 1e-6f});
  const int32_t rows = b.Length(row_count);
  const TensorRef input = b.Slot(rows, columns);
  if (nan) b.Poke(input, row_count - 1, 0, std::numeric_limits<float>::quiet_NaN());
  return b.Build(MeanPoolOp{.input = input, .output = b.FixedSlot(1, columns)});
}

}  // namespace

std::vector<OpCase> MeanPoolCases(DType storage) {
  std::vector<OpCase> cases;
  for (const int32_t rows : {0, 1, 31, 32, 33, 1500}) {
    for (const int32_t columns : {1, 16, 67}) cases.push_back(Make(rows, columns, false, storage));
  }
  cases.push_back(Make(40, 20, true, storage));
  return cases;
}

}  // namespace espalier::conformance
