// Tolerance: one multiplication and one addition, fused or not.
#include "tests/conformance/op_case.h"

namespace espalier::conformance {

std::vector<OpCase> ColumnAffineCases(DType storage) {
  std::vector<OpCase> cases;
  for (const int32_t row_count : {0, 1, 5, 80}) {
    for (const int32_t columns : {1, 16, 83}) {
      for (const int present : {1, 2, 3}) {
        CaseBuilder b("ColumnAffine_" + std::to_string(row_count) + "x" + std::to_string(columns) +
                          "_" + std::to_string(present),
                      storage, {.absolute = 3e-7f, .relative = 1e-6f});
        const int32_t rows = b.Length(row_count);
        const TensorRef input = b.Slot(rows, columns);
        const WeightRef scale = (present & 1) != 0 ? b.Weight(1, columns) : WeightRef{};
        const WeightRef shift = (present & 2) != 0 ? b.Weight(1, columns) : WeightRef{};
        const TensorRef output = present == 3 ? input : b.Slot(rows, columns);
        cases.push_back(b.Build(
            ColumnAffineOp{.input = input, .scale = scale, .shift = shift, .output = output}));
      }
    }
  }
  return cases;
}

}  // namespace espalier::conformance
