// Tolerance: as for Attention; of an f16 cache, keys and values that the rows bring may be rounded
// to either neighbour: where the softmax looks at few of them that is a step of 2^-10, scores move
// by less.
#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t heads, width, lanes, positions;
};

// `memory`: of the cache. Rows that each extend one hypothesis: lane l at position at[l].
OpCase Step(const Shape& s, const std::vector<int32_t>& at, DType memory, DType storage) {
  CaseBuilder b("CachedAttention_step_" + std::to_string(s.heads) + "_" + std::to_string(s.width) +
                    "_" + std::to_string(s.lanes) + "_" + std::to_string(at.size()) +
                    (memory == DType::kF16 ? "_f16" : ""),
                storage, {.absolute = 2e-5f, .relative = 1e-5f});
  const int32_t columns = s.heads * s.width;
  const int32_t rows = b.Length(static_cast<int32_t>(at.size()));
  std::vector<int32_t> lanes;
  // A history as beam search leaves it: every earlier position may lie in any lane.
  std::vector<int32_t> history(static_cast<size_t>(s.lanes * s.positions));
  for (int32_t lane = 0; lane < s.lanes; ++lane) {
    for (int32_t p = 0; p < s.positions; ++p) {
      history[static_cast<size_t>(lane * s.positions + p)] = (lane * 7 + p * 3) % s.lanes;
    }
  }
  for (size_t lane = 0; lane < at.size(); ++lane) {
    lanes.push_back(static_cast<int32_t>(lane));
    history[lane * static_cast<size_t>(s.positions) + static_cast<size_t>(at[lane])] =
        static_cast<int32_t>(lane);
  }
  CachedAttentionOp op;
  op.heads = s.heads;
  op.lane_count = s.lanes;
  op.position_count = s.positions;
  op.query = b.Slot(rows, columns, 2.0f);
  op.key = b.Slot(rows, columns, 2.0f);
  op.value = b.Slot(rows, columns);
  op.key_cache = b.FixedNumbers(memory, s.positions * s.lanes, columns, 2.0f);
  op.value_cache = b.FixedNumbers(memory, s.positions * s.lanes, columns);
  op.positions = b.Indices(rows, at);
  op.lanes = b.Indices(rows, lanes);
  op.history = b.FixedIndices(s.lanes, s.positions, history);
  op.output = b.Slot(rows, columns);
  return b.Build(op);
}

// A prompt: rising positions of one lane.
OpCase Prompt(const Shape& s, int32_t first, int32_t count, DType memory, DType storage) {
  CaseBuilder b(
      "CachedAttention_prompt_" + std::to_string(count) + (memory == DType::kF16 ? "_f16" : ""),
      storage, {.absolute = 2e-5f, .relative = 1e-5f});
  const int32_t columns = s.heads * s.width;
  const int32_t rows = b.Length(count);
  const int32_t lane = s.lanes - 1;
  std::vector<int32_t> positions;
  for (int32_t i = 0; i < count; ++i) positions.push_back(first + i);
  CachedAttentionOp op;
  op.heads = s.heads;
  op.lane_count = s.lanes;
  op.position_count = s.positions;
  op.query = b.Slot(rows, columns, 2.0f);
  op.key = b.Slot(rows, columns, 2.0f);
  op.value = b.Slot(rows, columns);
  op.key_cache = b.FixedNumbers(memory, s.positions * s.lanes, columns, 2.0f);
  op.value_cache = b.FixedNumbers(memory, s.positions * s.lanes, columns);
  op.positions = b.Indices(rows, positions);
  op.lanes = b.Indices(rows, std::vector<int32_t>(static_cast<size_t>(count), lane));
  op.history = b.FixedIndices(
      s.lanes, s.positions, std::vector<int32_t>(static_cast<size_t>(s.lanes * s.positions), lane));
  op.output = b.Slot(rows, columns);
  return b.Build(op);
}

}  // namespace

std::vector<OpCase> CachedAttentionCases(DType storage) {
  std::vector<OpCase> cases = {Step({1, 1, 1, 1}, {0}, DType::kF32, storage)};
  for (const DType memory : {DType::kF32, DType::kF16}) {
    cases.push_back(Step({2, 64, 5, 70}, {69, 3, 40, 0, 17}, memory, storage));
    cases.push_back(Step({3, 10, 4, 33}, {31, 32, 15}, memory, storage));
    cases.push_back(Step({2, 7, 3, 9}, {8, 4}, memory, storage));
    cases.push_back(Step({2, 8, 3, 9}, {}, memory, storage));
    cases.push_back(Step({8, 16, 2, 20}, {16, 19}, memory, storage));
    cases.push_back(Prompt({2, 32, 3, 50}, 0, 40, memory, storage));
    cases.push_back(Prompt({2, 12, 2, 20}, 5, 13, memory, storage));
  }
  return cases;
}

}  // namespace espalier::conformance
