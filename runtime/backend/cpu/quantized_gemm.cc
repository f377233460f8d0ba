// Matrix product with i8 weights: quantized_tile-inl.h has the loops. Blocks as in gemm.cc, except
// that all of the left operand is rounded first: a row's scale needs the whole row.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/quantized_gemm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/epilogue-inl.h"
#include "runtime/backend/cpu/quantized_gemm-inl.h"
#include "runtime/backend/cpu/quantized_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlockDepth = 1024;  // a panel's part is 16 KB on AVX2
static_assert(kBlockDepth % 4 == 0);

// The parts of the shared scratch: the rounded rows and how they were rounded.
template <typename Value>
struct RoundedRows {
  RoundedRows(float* scratch, int64_t rows, int64_t depth)
      : stride(RoundUp(depth, kLine)),
        roundings(reinterpret_cast<Rounding*>(scratch)),
        values(reinterpret_cast<Value*>(scratch + 2 * RoundUp(rows, kLine))) {}

  static int64_t Floats(int64_t rows, int64_t depth) {
    return 2 * RoundUp(rows, kLine) +
           rows * RoundUp(depth, kLine) * int64_t{sizeof(Value)} / int64_t{sizeof(float)};
  }

  static constexpr int64_t kLine = 64;  // bytes of a cache line
  int64_t stride;
  Rounding* roundings;
  Value* values;
};
static_assert(sizeof(Rounding) == 2 * sizeof(float));

// The parts of a worker's scratch.
struct BlockScratch {
  explicit BlockScratch(float* scratch) : sums(reinterpret_cast<int32_t*>(scratch)) {}
  static constexpr int64_t kFloats = kBlockPanels * kBlockRows * kPanelColumns;

  int32_t* sums;  // (panels, kBlockRows, kPanelColumns)
};

// How the epilogue reads integer sums: as Σ (x - zero)·w, which is Σ x·w - zero·Σ w, times the
// scales of row and column.
template <bool kHasZero>
struct IntegerSums {
  struct Row {
    const int32_t* sums;
    const float* column_scales;
    const int32_t* column_sums;
    V scale;
    VI zero;

    HWY_INLINE V Load(int64_t c) const {
      const Floats d;
      VI sum = hn::LoadU(Ints(), sums + c);
      if constexpr (kHasZero) {
        sum = hn::Sub(sum, hn::Mul(hn::LoadU(Ints(), column_sums + c), zero));
      }
      return hn::Mul(hn::ConvertTo(d, sum), hn::Mul(scale, hn::LoadU(d, column_scales + c)));
    }
  };

  const int32_t* sums;
  const Rounding* roundings;  // of the tile's rows
  const float* column_scales;
  const int32_t* column_sums;

  Row RowAt(int64_t r) const {
    return {sums + r * kPanelColumns, column_scales, column_sums,
            hn::Set(Floats(), roundings[r].scale), hn::Set(Ints(), roundings[r].zero)};
  }
};

template <typename Products>
class QuantizedProduct {
 public:
  QuantizedProduct(const MatrixView<float>& x, const PackedMatrix& weight,
                   const GemmEpilogue& epilogue, const GemmOutput& output,
                   const Workspace& workspace)
      : x_(x),
        weight_(weight),
        epilogue_(epilogue),
        output_(output),
        workspace_(workspace),
        rows_(workspace.shared(), x.rows, weight.depth()) {}

  void Run() const {
    const auto round_row = [&](int64_t r) {
      rows_.roundings[r] = Products::Round(x_.row(r), x_.columns, rows_.values + r * rows_.stride);
    };
    if (x_.rows <= kFewRows) {
      for (int64_t r = 0; r < x_.rows; ++r) round_row(r);
      return RunFewRows();
    }
    constexpr int64_t kTaskFloats = 1 << 15;
    ParallelRows(workspace_.pool(), x_.rows, x_.columns, kTaskFloats, round_row);
    RunBlocks();
  }

 private:
  const int8_t* Panel(int64_t panel, int64_t depth) const {
    return static_cast<const int8_t*>(weight_.data()) +
           (panel * weight_.packed_depth() + depth) * kPanelColumns;
  }

  void RunFewRows() const {
    const RowPointers outputs = OutputRows(output_, 0, x_.rows);
    constexpr int64_t kTaskBytes = 1 << 15;  // about 2 µs of memory traffic
    const int64_t block = kTaskBytes / (weight_.packed_depth() * kPanelColumns) + 1;
    ParallelBlocks(workspace_.pool(), weight_.panel_count(), block,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t panel = begin; panel < end; ++panel) {
                       HWY_ALIGN int32_t sums[kFewRows * kPanelColumns];
                       TileRows<Products>(rows_.values, rows_.stride, x_.rows, Panel(panel, 0),
                                          weight_.packed_depth(), sums, kPanelColumns, false);
                       FinishSums(sums, 0, x_.rows, panel, outputs);
                     }
                   });
  }

  void RunBlocks() const {
    const int64_t row_blocks = (x_.rows + kBlockRows - 1) / kBlockRows;
    const int64_t panel_blocks = (weight_.panel_count() + kBlockPanels - 1) / kBlockPanels;
    workspace_.pool().ParallelFor(row_blocks * panel_blocks, [&](int64_t task, int worker) {
      RunBlock(task % row_blocks * kBlockRows, task / row_blocks * kBlockPanels,
               BlockScratch(workspace_.worker(worker)));
    });
  }

  void RunBlock(int64_t row_begin, int64_t panel_begin, const BlockScratch& scratch) const {
    const int64_t rows = std::min(kBlockRows, x_.rows - row_begin);
    const int64_t panel_end = std::min(weight_.panel_count(), panel_begin + kBlockPanels);
    const RowPointers outputs = OutputRows(output_, row_begin, rows);
    const auto* values = rows_.values + row_begin * rows_.stride;
    const int64_t depth = weight_.packed_depth();
    for (int64_t k = 0; k < depth; k += kBlockDepth) {
      const int64_t count = std::min(kBlockDepth, depth - k);
      for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
        // With a single depth nothing has to wait, and the sums stay in L1.
        const int64_t place = depth <= kBlockDepth ? 0 : panel - panel_begin;
        int32_t* sums = scratch.sums + place * kBlockRows * kPanelColumns;
        TileRows<Products>(values + k, rows_.stride, rows, Panel(panel, k), count, sums,
                           kPanelColumns, k > 0);
        if (k + count == depth) {
          FinishSums(sums, row_begin, rows, panel, outputs);
        }
      }
    }
  }

  void FinishSums(const int32_t* sums, int64_t row_begin, int64_t rows, int64_t panel,
                  const RowPointers& outputs) const {
    const int64_t column = panel * kPanelColumns;
    const IntegerSums<Products::kGroup == 4> integers{sums, rows_.roundings + row_begin,
                                                      weight_.column_scales().data() + column,
                                                      weight_.column_sums().data() + column};
    Finish(integers, {row_begin, rows, column, std::min(kPanelColumns, weight_.columns() - column)},
           epilogue_, outputs);
  }

  const MatrixView<float>& x_;
  const PackedMatrix& weight_;
  const GemmEpilogue& epilogue_;
  const GemmOutput& output_;
  const Workspace& workspace_;
  const RoundedRows<typename Products::Value> rows_;
};

}  // namespace

void QuantizedGemm(const MatrixView<float>& x, const PackedMatrix& weight,
                   const GemmEpilogue& epilogue, const GemmOutput& output,
                   const Workspace& workspace) {
  if (x.rows == 0) return;
#if HWY_TARGET == HWY_AVX3
  if (weight.depth_group() == QuadProducts::kGroup) {
    return QuantizedProduct<QuadProducts>(x, weight, epilogue, output, workspace).Run();
  }
#endif
  QuantizedProduct<PairProducts>(x, weight, epilogue, output, workspace).Run();
}

ScratchSize QuantizedGemmScratch(int64_t rows, const PackedMatrix& weight) {
  return {.per_worker = rows > kFewRows ? BlockScratch::kFloats : 0,
          .shared = RoundedRows<PairProducts::Value>::Floats(rows, weight.depth())};
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
