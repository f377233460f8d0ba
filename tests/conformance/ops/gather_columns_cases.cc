// Tolerance: none, numbers are copied.
#include <limits>
#include <string>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t rows, from, columns;
};

OpCase Gather(const Shape& shape, DType storage) {
  CaseBuilder b("GatherColumns_" + std::to_string(shape.rows) + "x" + std::to_string(shape.from) +
                    "x" + std::to_string(shape.columns),
                storage, {});
  const int32_t rows = b.Length(shape.rows);
  const TensorRef input = b.Slot(rows, shape.from);
  if (shape.rows > 1) {
    b.Poke(input, 0, 0, std::numeric_limits<float>::quiet_NaN());
    b.Poke(input, 1, shape.from - 1, -std::numeric_limits<float>::infinity());
  }
  std::vector<int32_t> indices;
  for (int32_t c = 0; c < shape.columns; ++c) {
    indices.push_back(c % 3 == 1 ? -1 : c * 7 % shape.from);
  }
  return b.Build(GatherColumnsOp{.input = input,
                                 .indices = b.FixedIndices(1, shape.columns, indices),
                                 .output = b.Slot(rows, shape.columns)});
}

}  // namespace

std::vector<OpCase> GatherColumnsCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{
           {0, 5, 7}, {1, 1, 1}, {1, 1, 2}, {2, 8, 16}, {3, 40, 131}, {5, 24001, 51865}}) {
    cases.push_back(Gather(shape, storage));
  }
  return cases;
}

}  // namespace espalier::conformance
