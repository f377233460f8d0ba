// Tolerance: none, rows are copied.
#include "tests/conformance/op_case.h"

namespace espalier::conformance {

std::vector<OpCase> GatherRowsCases(DType storage) {
  std::vector<OpCase> cases;
  for (const std::vector<int32_t>& indices :
       std::vector<std::vector<int32_t>>{{}, {0}, {12, 0, 5, 5}}) {
    CaseBuilder b("GatherRows_" + std::to_string(indices.size()), storage, {});
    const int32_t rows = b.Length(13);
    const int32_t wanted = b.Length(static_cast<int32_t>(indices.size()));
    const TensorRef input = b.Slot(rows, 21);
    const TensorRef from = b.Indices(wanted, indices);
    cases.push_back(
        b.Build(GatherRowsOp{.input = input, .indices = from, .output = b.Slot(wanted, 21)}));
  }
  return cases;
}

}  // namespace espalier::conformance
