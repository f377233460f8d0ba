// Tolerance: one multiplication and one addition, fused or not.
#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

OpCase Make(int32_t width, const std::vector<int32_t>& tokens, bool with_positions, DType storage) {
  CaseBuilder b("Embed_" + std::to_string(width) + "_" + std::to_string(tokens.size()) +
                    (with_positions ? "_positions" : ""),
                storage, {.absolute = 1e-6f, .relative = 1e-6f});
  const int32_t rows = b.Length(static_cast<int32_t>(tokens.size()));
  EmbedOp op;
  op.scale = 4.5f;
  op.tokens = b.Indices(rows, tokens);
  op.table = b.Weight(11, width);
  if (with_positions) {
    op.positions = b.Indices(rows, std::vector<int32_t>(tokens.rbegin(), tokens.rend()));
    op.position_table = b.FloatWeight(11, width);
  }
  op.output = b.Slot(rows, width);
  return b.Build(op);
}

}  // namespace

std::vector<OpCase> EmbedCases(DType storage) {
  std::vector<OpCase> cases;
  for (const int32_t width : {1, 16, 37}) {
    for (const bool with_positions : {false, true}) {
      cases.push_back(Make(width, {}, with_positions, storage));
      cases.push_back(Make(width, {10}, with_positions, storage));
      cases.push_back(Make(width, {0, 10, 3, 3, 7}, with_positions, storage));
    }
  }
  return cases;
}

}  // namespace espalier::conformance
