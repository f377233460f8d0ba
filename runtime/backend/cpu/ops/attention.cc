// Many query rows: keys and values of every head are packed into panels once, then a task takes one
// block of queries of one head through all keys, a block at a time, with a running softmax (Milakov
// and Gimelshein 2018, arXiv:1805.02867): scores, weights and sums stay in L1 and L2. Few rows (a
// decoder step over the encoder's output) read the keys and values as they lie.
//
// In plans with i8 weights all factors become f16 or bfloat16 where that is faster: what is lost so
// is less than what the weights have lost.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/attention.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/attend-inl.h"
#include "runtime/backend/cpu/bfloat_tile-inl.h"
#include "runtime/backend/cpu/half_tile-inl.h"
#include "runtime/backend/cpu/kernel.h"
#include "runtime/backend/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlockQueries = 48;
constexpr int64_t kBlockKeys = 256;
constexpr int64_t kFewQueries = 12;
static_assert(kBlockKeys % kPanelColumns == 0);

struct AllRows {
  int64_t operator()(int64_t t) const { return t; }
};

struct FloatFactors : FloatProducts {
  using Factor = float;
  using Score = float;
  static float LargestOf(const float* scores, int64_t count) { return Largest(scores, count); }
  static void RoundFactors(const float* from, int64_t count, float scale, float* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i] * scale;
  }
  static float Exponentials(float* scores, int64_t count, float shift) {
    return ExpAndSum(scores, count, 1.0f, shift);
  }
};

// Sizes of a run.
struct Shape {
  int64_t queries, keys, heads, width;

  int64_t padded_width() const { return RoundUp(width, kPanelColumns); }
  int64_t padded_keys() const { return RoundUp(keys, kPanelColumns); }
  // Packed keys of a head: panels of (width, kPanelColumns keys). As floats; bfloats take less.
  int64_t key_floats() const { return padded_keys() * width; }
  // Packed values of a head: panels of (keys, kPanelColumns columns).
  int64_t value_floats() const { return keys * padded_width(); }
};

// A worker's scratch while it takes a block of queries through the keys.
struct BlockScratch {
  float* queries;  // (kBlockQueries, width)
  float* scores;   // (kBlockQueries, kBlockKeys) at most so large
  float* sums;     // (kBlockQueries, padded width)
  float* largest;  // (kBlockQueries) of the scores so far
  float* totals;   // (kBlockQueries) of the exponentials so far

  BlockScratch(float* scratch, const Shape& shape)
      : queries(scratch),
        scores(queries + RoundUp(kBlockQueries * shape.width, 16)),
        sums(scores + kBlockQueries * kBlockKeys),
        largest(sums + kBlockQueries * shape.padded_width()),
        totals(largest + kBlockQueries) {}
  static int64_t Floats(const Shape& shape) {
    return RoundUp(kBlockQueries * shape.width, 16) + kBlockQueries * kBlockKeys +
           kBlockQueries * shape.padded_width() + 2 * kBlockQueries;
  }
};

// `count` numbers as floats: where they are, or in `scratch`, which has room for whole vectors.
inline const float* AsFloats(const float* from, int64_t, float*) { return from; }
inline const float* AsFloats(const Half* from, int64_t count, float* scratch) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(LoadFloats(from + i), Floats(), scratch + i);
  }
  for (; i < count; ++i) scratch[i] = ToFloat(from[i]);
  return scratch;
}

// Keys [begin, begin + kPanelColumns) of a head, transposed; missing keys become zeros. `row` and
// `floats` hold one key each.
template <typename Factors, typename T>
void PackKeyPanel(const MatrixView<T>& keys, int64_t column, int64_t width, int64_t begin,
                  typename Factors::Value* row, float* floats, typename Factors::Value* panel) {
  using Value = typename Factors::Value;
  constexpr int64_t kGroup = Factors::kGroup;
  const int64_t count = std::min(kPanelColumns, keys.rows - begin);
  for (int64_t t = 0; t < count; ++t) {
    Factors::Round(AsFloats(keys.row(begin + t) + column, width, floats), width, row);
    for (int64_t c = 0; c < width; c += kGroup) {
      std::memcpy(panel + c * kPanelColumns + t * kGroup, row + c, kGroup * sizeof(Value));
    }
  }
  for (int64_t c = 0; c < width; c += kGroup) {
    Value* group = panel + c * kPanelColumns;
    std::fill(group + count * kGroup, group + kPanelColumns * kGroup, Value{0});
  }
}

// Columns [column, column + count) of all values; missing columns become zeros. `floats` holds two
// rows of the panel.
template <typename Factors, typename T>
void PackValuePanel(const MatrixView<T>& values, int64_t column, int64_t count, float* floats,
                    typename Factors::Value* panel) {
  constexpr int64_t kGroup = Factors::kGroup;
  for (int64_t t = 0; t < values.rows; t += kGroup, panel += kGroup * kPanelColumns) {
    const float* first = AsFloats(values.row(t) + column, count, floats);
    if constexpr (kGroup == 1) {
      Factors::Round(first, count, panel);
    } else {
      const float* second =
          t + 1 < values.rows ? AsFloats(values.row(t + 1) + column, count, floats + kPanelColumns)
                              : nullptr;
      Factors::RoundTwoRows(first, second, count, panel);
    }
    std::fill(panel + count * kGroup, panel + kPanelColumns * kGroup, 0);
  }
}

// T: of keys and values.
template <typename Factors, typename T>
class AttentionKernel : public Kernel {
 public:
  AttentionKernel(const AttentionOp& op, const Plan& plan)
      : op_(op),
        max_shape_{.queries = plan.MaxRows(plan.slots[static_cast<size_t>(op.query.slot)]),
                   .keys = plan.MaxRows(plan.slots[static_cast<size_t>(op.key.slot)]),
                   .heads = op.heads,
                   .width = op.query.column_count / op.heads} {}

  ScratchSize Scratch() const override {
    const int64_t few = std::min(max_shape_.queries, kFewQueries) * ScoreStride(max_shape_.keys);
    if (max_shape_.queries <= kFewQueries) return {.per_worker = few};
    return {.per_worker = std::max(few, BlockScratch::Floats(max_shape_)),
            .shared = max_shape_.heads * (max_shape_.key_floats() + max_shape_.value_floats())};
  }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    const MatrixView<float> q = operands.F32(op_.query), y = operands.F32(op_.output);
    const MatrixView<T> k = ViewAs<T>(operands, op_.key), v = ViewAs<T>(operands, op_.value);
    const Shape shape{q.rows, k.rows, op_.heads, q.columns / op_.heads};
    if (q.rows == 0) return;
    if (k.rows == 0) {
      for (int64_t r = 0; r < q.rows; ++r) std::fill_n(y.row(r), y.columns, 0.0f);
      return;
    }
    if (q.rows <= kFewQueries) {
      workspace.pool().ParallelFor(op_.heads, [&](int64_t head, int worker) {
        RunFewQueries(q, k, v, y, head, workspace.worker(worker));
      });
      return;
    }
    workspace.pool().ParallelFor(op_.heads, [&](int64_t head, int worker) {
      PackHead(k, v, shape, head, workspace.shared(), workspace.worker(worker));
    });
    const int64_t blocks = (q.rows + kBlockQueries - 1) / kBlockQueries;
    // Blocks of one head follow each other: its packed keys and values are then in L2 or L3.
    workspace.pool().ParallelFor(op_.heads * blocks, [&](int64_t task, int worker) {
      RunBlock(q, y, shape, task / blocks, task % blocks * kBlockQueries, workspace.shared(),
               workspace.worker(worker));
    });
  }

 private:
  using Value = typename Factors::Value;    // of keys and values
  using Factor = typename Factors::Factor;  // of queries and weights
  using Score = typename Factors::Score;
  // Of a row of scores, and of the weights that take their place.
  static constexpr int64_t kScoreStride = kBlockKeys * int64_t{sizeof(float) / sizeof(Score)};
  static constexpr int64_t kWeightStride = kBlockKeys * int64_t{sizeof(float) / sizeof(Factor)};
  static constexpr int64_t kGroup = Factors::kGroup;

  static int64_t ScoreStride(int64_t keys) { return RoundUp(keys, kLanes) + kLanes; }

  void RunFewQueries(const MatrixView<float>& q, const MatrixView<T>& k, const MatrixView<T>& v,
                     const MatrixView<float>& y, int64_t head, float* scores) const {
    const int64_t width = q.columns / op_.heads;
    const float scale = 1.0f / std::sqrt(static_cast<float>(width));
    const HeadMemory<T, AllRows> memory{
        .keys = k, .values = v, .begin = head * width, .width = width, .rows = {}};
    std::array<AttendingRow, static_cast<size_t>(kFewQueries)> rows;
    for (int64_t r = 0; r < q.rows; ++r) {
      rows[static_cast<size_t>(r)] = {.query = q.row(r) + memory.begin,
                                      .count = k.rows,
                                      .scores = scores + r * ScoreStride(k.rows),
                                      .out = y.row(r) + memory.begin};
    }
    AttendRows(memory, scale, rows.data(), q.rows);
  }

  static Value* PackedKeys(const Shape& shape, int64_t head, float* shared) {
    return reinterpret_cast<Value*>(shared + head * (shape.key_floats() + shape.value_floats()));
  }
  static Value* PackedValues(const Shape& shape, int64_t head, float* shared) {
    return PackedKeys(shape, head, shared) + shape.padded_keys() * Depth(shape);
  }
  static int64_t Depth(const Shape& shape) { return RoundUp(shape.width, kGroup); }

  static void PackHead(const MatrixView<T>& k, const MatrixView<T>& v, const Shape& shape,
                       int64_t head, float* shared, float* scratch) {
    const int64_t column = head * shape.width;
    Value* keys = PackedKeys(shape, head, shared);
    auto* row = reinterpret_cast<Value*>(scratch);
    float* floats = scratch + RoundUp(shape.width, kPanelColumns);
    for (int64_t t = 0; t < shape.keys; t += kPanelColumns) {
      PackKeyPanel<Factors>(k, column, shape.width, t, row, floats, keys + t * Depth(shape));
    }
    Value* values = PackedValues(shape, head, shared);
    for (int64_t c = 0; c < shape.width; c += kPanelColumns) {
      PackValuePanel<Factors>(v, column + c, std::min(kPanelColumns, shape.width - c), floats,
                              values + c * RoundUp(shape.keys, kGroup));
    }
  }

  void RunBlock(const MatrixView<float>& q, const MatrixView<float>& y, const Shape& shape,
                int64_t head, int64_t begin, float* shared, float* scratch) const {
    const BlockScratch parts(scratch, shape);
    const int64_t rows = std::min(kBlockQueries, q.rows - begin);
    const int64_t column = head * shape.width;
    const int64_t depth = Depth(shape);
    const float scale = 1.0f / std::sqrt(static_cast<float>(shape.width));
    auto* queries = reinterpret_cast<Factor*>(parts.queries);
    for (int64_t r = 0; r < rows; ++r) {
      Factors::RoundFactors(q.row(begin + r) + column, shape.width, scale, queries + r * depth);
      parts.largest[r] = -std::numeric_limits<float>::infinity();
      parts.totals[r] = 0.0f;
    }
    const Value* keys = PackedKeys(shape, head, shared);
    const Value* values = PackedValues(shape, head, shared);
    for (int64_t t = 0; t < shape.keys; t += kBlockKeys) {
      const int64_t count = std::min(kBlockKeys, shape.keys - t);
      for (int64_t p = 0; p < count; p += kPanelColumns) {
        TileRows<Factors>(queries, depth, rows, keys + (t + p) * depth, depth,
                          reinterpret_cast<Score*>(parts.scores) + p, kScoreStride, false);
      }
      for (int64_t r = 0; r < rows; ++r) SoftenRow(parts, shape, r, count, t > 0);
      const auto* weights = reinterpret_cast<const Factor*>(parts.scores);
      for (int64_t c = 0; c < shape.width; c += kPanelColumns) {
        TileRows<Factors>(weights, kWeightStride, rows,
                          values + c * RoundUp(shape.keys, kGroup) + t * kPanelColumns,
                          RoundUp(count, kGroup), parts.sums + c, shape.padded_width(), t > 0);
      }
    }
    for (int64_t r = 0; r < rows; ++r) {
      const float inverse = 1.0f / parts.totals[r];
      const float* sums = parts.sums + r * shape.padded_width();
      float* to = y.row(begin + r) + column;
      for (int64_t c = 0; c < shape.width; ++c) to[c] = sums[c] * inverse;
    }
  }

  // The scores of one row become weights relative to the largest score so far; what was summed
  // before is brought to the same scale.
  static void SoftenRow(const BlockScratch& parts, const Shape& shape, int64_t r, int64_t count,
                        bool has_sums) {
    auto* scores = reinterpret_cast<Score*>(parts.scores) + r * kScoreStride;
    const float before = parts.largest[r];
    const float largest = std::max(before, Factors::LargestOf(scores, count));
    const float total = Factors::Exponentials(scores, count, -largest);
    if (!has_sums) {
      parts.totals[r] = total;
    } else {
      const float shrink = largest > before ? std::exp(before - largest) : 1.0f;
      parts.totals[r] = parts.totals[r] * shrink + total;
      if (shrink != 1.0f) {
        float* sums = parts.sums + r * shape.padded_width();
        for (int64_t c = 0; c < shape.width; ++c) sums[c] *= shrink;
      }
    }
    parts.largest[r] = largest;
  }

  AttentionOp op_;
  Shape max_shape_;
};

template <typename Factors>
std::unique_ptr<Kernel> MakeWith(const AttentionOp& op, const Preparation& preparation) {
  if (preparation.TypeOf(op.key) == DType::kF16) {
    return std::make_unique<AttentionKernel<Factors, Half>>(op, preparation.plan);
  }
  return std::make_unique<AttentionKernel<Factors, float>>(op, preparation.plan);
}

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const AttentionOp& op, const Preparation& preparation) {
  switch (preparation.rounded_factors) {
#if HWY_TARGET == HWY_AVX3
    case RoundedFactors::kHalf:
      return MakeWith<HalfProducts>(op, preparation);
    case RoundedFactors::kBFloat:
      return MakeWith<BFloatProducts>(op, preparation);
#endif
    default:
      return MakeWith<FloatFactors>(op, preparation);
  }
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
