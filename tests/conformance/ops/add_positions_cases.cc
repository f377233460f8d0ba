// Tolerance: one multiplication and one addition, fused or not.
#include "tests/conformance/op_case.h"

namespace espalier::conformance {

std::vector<OpCase> AddPositionsCases(DType storage) {
  std::vector<OpCase> cases;
  for (const int32_t row_count : {0, 1, 6, 77}) {
    for (const int32_t columns : {1, 32, 51}) {
      CaseBuilder b("AddPositions_" + std::to_string(row_count) + "x" + std::to_string(columns),
                    storage, {.absolute = 1e-6f, .relative = 1e-6f});
      const int32_t rows = b.Length(row_count);
      const TensorRef input = b.Slot(rows, columns);
      const WeightRef table = b.Weight(row_count + 9, columns);
      const TensorRef output = row_count == 6 ? input : b.Slot(rows, columns);
      cases.push_back(b.Build(
          AddPositionsOp{.input = input, .table = table, .output = output, .scale = 19.6f}));
    }
  }
  return cases;
}

}  // namespace espalier::conformance
