// Matrix product with i8 weights.
//
// The activations become 16-bit, not 8-bit, integers: without VNNI the widest step that cannot
// overflow multiplies 16-bit numbers and adds pairs of products to 32-bit sums (vpmaddwd), so the
// extra bits are free, and what is lost is lost by the weights alone. Blocks as in gemm.cc, except
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

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

using Ints = hn::Repartition<int32_t, Floats>;
using VI = hn::Vec<Ints>;

constexpr int64_t kBlockDepth = 1024;  // a panel's part is 16 KB on AVX2
static_assert(kBlockDepth % 2 == 0);

// sums = [sums +] x · w over `pairs` pairs of depths.
//   x: kRows rows, x_stride apart    w: the panel's pairs    sums: kRows rows of kPanelColumns
#if HWY_TARGET == HWY_SCALAR

template <int kRows>
void PairTile(const int16_t* x, int64_t x_stride, const int8_t* w, int64_t pairs, int32_t* sums,
              bool add) {
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kPanelColumns; ++c) {
      int32_t sum = add ? sums[r * kPanelColumns + c] : 0;
      for (int64_t k = 0; k < 2 * pairs; ++k) {
        sum += x[r * x_stride + k] * w[(k / 2 * kPanelColumns + c) * 2 + k % 2];
      }
      sums[r * kPanelColumns + c] = sum;
    }
  }
}

#else

using Shorts = hn::Repartition<int16_t, Floats>;

// sums + the products of neighbours, added in pairs
HWY_INLINE VI AddPairs(VI sums, hn::Vec<Shorts> a, hn::Vec<Shorts> b) {
#if HWY_ARCH_X86
  VI unused = hn::Zero(Ints());  // one instruction gives all sums, in their places
  return hn::ReorderWidenMulAccumulate(Ints(), a, b, sums, unused);
#else
  VI odd = hn::Zero(Ints());
  const VI even = hn::ReorderWidenMulAccumulate(Ints(), a, b, hn::Zero(Ints()), odd);
  return hn::Add(sums, hn::RearrangeToOddPlusEven(even, odd));
#endif
}

template <int kRows>
void PairTile(const int16_t* HWY_RESTRICT x, int64_t x_stride, const int8_t* HWY_RESTRICT w,
              int64_t pairs, int32_t* HWY_RESTRICT sums, bool add) {
  const Ints di;
  const Shorts d16;
  const hn::Rebind<int8_t, Shorts> d8;
  VI acc[kRows][kPanelVectors];
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) acc[r][v] = hn::Zero(di);
  }
  for (int64_t k = 0; k < pairs; ++k, w += 2 * kPanelColumns) {
    hn::Vec<Shorts> weights[kPanelVectors];
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
      weights[v] = hn::PromoteTo(d16, hn::LoadU(d8, w + v * 2 * kLanes));
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      int32_t pair;
      std::memcpy(&pair, x + r * x_stride + 2 * k, sizeof(pair));
      const auto factors = hn::BitCast(d16, hn::Set(di, pair));
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        acc[r][v] = AddPairs(acc[r][v], factors, weights[v]);
      }
    }
  }
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
      int32_t* to = sums + r * kPanelColumns + v * kLanes;
      hn::StoreU(add ? hn::Add(acc[r][v], hn::LoadU(di, to)) : acc[r][v], di, to);
    }
  }
}

#endif

void PairTileRows(const int16_t* x, int64_t x_stride, int64_t rows, const int8_t* w, int64_t pairs,
                  int32_t* sums, bool add) {
  int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    PairTile<kTileRows>(x + r * x_stride, x_stride, w, pairs, sums + r * kPanelColumns, add);
  }
  x += r * x_stride;
  sums += r * kPanelColumns;
  switch (rows - r) {
    case 1:
      return PairTile<1>(x, x_stride, w, pairs, sums, add);
    case 2:
      return PairTile<2>(x, x_stride, w, pairs, sums, add);
    case 3:
      return PairTile<3>(x, x_stride, w, pairs, sums, add);
    case 4:
      return PairTile<4>(x, x_stride, w, pairs, sums, add);
    case 5:
      return PairTile<5>(x, x_stride, w, pairs, sums, add);
    default:
      return;
  }
}

// The largest integer that a row may have: `depth` products with -128 stay below 2^31.
int32_t LargestInteger(int64_t depth) {
  return static_cast<int32_t>(std::min<int64_t>(32767, ((int64_t{1} << 24) - 1) / depth));
}

// to[c] = round(x[c] / scale) with the scale that is returned; zeros and NaN when a number is not
// finite. `to` has columns rounded up to an even number.
float QuantizeRow(const float* x, int64_t columns, int16_t* to) {
  const Floats d;
  const hn::Rebind<int16_t, Floats> d16;
  V largest = hn::Zero(d), poison = hn::Zero(d);
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    const V value = hn::LoadU(d, x + c);
    largest = hn::Max(largest, hn::Abs(value));
    poison = hn::MulAdd(value, hn::Zero(d), poison);  // stays 0 for finite numbers only
  }
  float magnitude = hn::GetLane(hn::MaxOfLanes(d, largest));
  float check = hn::GetLane(hn::SumOfLanes(d, poison));
  for (int64_t rest = c; rest < columns; ++rest) {
    magnitude = std::max(magnitude, std::fabs(x[rest]));
    check += x[rest] * 0.0f;
  }
  constexpr float kSmallest = 1e-30f;  // below it the scale's inverse is not a number
  to[columns - 1 + columns % 2] = 0;
  if (!(check == 0.0f) || magnitude < kSmallest) {
    std::fill_n(to, columns, int16_t{0});
    return check == 0.0f ? 0.0f : std::numeric_limits<float>::quiet_NaN();
  }
  const auto limit = static_cast<float>(LargestInteger(columns));
  const float inverse = limit / magnitude;
  const V factor = hn::Set(d, inverse);
  for (c = 0; c + kLanes <= columns; c += kLanes) {
    const auto integers = hn::NearestInt(hn::Mul(hn::LoadU(d, x + c), factor));
    hn::StoreU(hn::DemoteTo(d16, integers), d16, to + c);
  }
  for (; c < columns; ++c) to[c] = static_cast<int16_t>(std::lrint(x[c] * inverse));
  return magnitude / limit;
}

// The parts of the shared scratch: the rounded rows and their scales.
struct QuantizedRows {
  QuantizedRows(float* scratch, int64_t rows, int64_t depth)
      : stride(RoundUp(depth, kUnit)),
        scales(scratch),
        values(reinterpret_cast<int16_t*>(scratch + RoundUp(rows, kUnit))) {}

  static int64_t Floats(int64_t rows, int64_t depth) {
    return RoundUp(rows, kUnit) + rows * RoundUp(depth, kUnit) / 2;
  }

  static constexpr int64_t kUnit = 32;  // 16-bit numbers of a cache line
  int64_t stride;
  float* scales;
  int16_t* values;
};

// The parts of a worker's scratch.
struct BlockScratch {
  explicit BlockScratch(float* scratch)
      : finished(scratch), sums(reinterpret_cast<int32_t*>(scratch + kBlockRows * kPanelColumns)) {}
  static constexpr int64_t kFloats = (1 + kBlockPanels) * kBlockRows * kPanelColumns;

  float* finished;  // (kBlockRows, kPanelColumns)
  int32_t* sums;    // (panels, kBlockRows, kPanelColumns)
};

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
    const auto quantize = [&](int64_t r) {
      rows_.scales[r] = QuantizeRow(x_.row(r), x_.columns, rows_.values + r * rows_.stride);
    };
    if (x_.rows <= kFewRows) {
      for (int64_t r = 0; r < x_.rows; ++r) quantize(r);
      return RunFewRows();
    }
    constexpr int64_t kTaskFloats = 1 << 15;
    ParallelRows(workspace_.pool(), x_.rows, x_.columns, kTaskFloats, quantize);
    RunBlocks();
  }

 private:
  const int8_t* Panel(int64_t panel, int64_t pair) const {
    return static_cast<const int8_t*>(weight_.data()) +
           (panel * Pairs() + pair) * 2 * kPanelColumns;
  }
  int64_t Pairs() const { return (weight_.depth() + 1) / 2; }

  void RunFewRows() const {
    const RowPointers outputs = OutputRows(output_, 0, x_.rows);
    constexpr int64_t kTaskBytes = 1 << 15;  // about 2 µs of memory traffic
    const int64_t block = kTaskBytes / (2 * Pairs() * kPanelColumns) + 1;
    ParallelBlocks(workspace_.pool(), weight_.panel_count(), block,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t panel = begin; panel < end; ++panel) {
                       HWY_ALIGN int32_t sums[kFewRows * kPanelColumns];
                       HWY_ALIGN float finished[kFewRows * kPanelColumns];
                       PairTileRows(rows_.values, rows_.stride, x_.rows, Panel(panel, 0), Pairs(),
                                    sums, false);
                       FinishSums(sums, 0, x_.rows, panel, finished, outputs);
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
    const int16_t* values = rows_.values + row_begin * rows_.stride;
    constexpr int64_t kBlockPairs = kBlockDepth / 2;
    for (int64_t pair = 0; pair < Pairs(); pair += kBlockPairs) {
      const int64_t count = std::min(kBlockPairs, Pairs() - pair);
      for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
        // With a single depth nothing has to wait, and the sums stay in L1.
        const int64_t place = Pairs() <= kBlockPairs ? 0 : panel - panel_begin;
        int32_t* sums = scratch.sums + place * kBlockRows * kPanelColumns;
        PairTileRows(values + 2 * pair, rows_.stride, rows, Panel(panel, pair), count, sums,
                     pair > 0);
        if (pair + count == Pairs()) {
          FinishSums(sums, row_begin, rows, panel, scratch.finished, outputs);
        }
      }
    }
  }

  // Integers to numbers, then the epilogue.
  void FinishSums(const int32_t* sums, int64_t row_begin, int64_t rows, int64_t panel,
                  float* finished, const RowPointers& outputs) const {
    const Floats d;
    const float* column_scales = weight_.column_scales().data() + panel * kPanelColumns;
    for (int64_t r = 0; r < rows; ++r) {
      const V row_scale = hn::Set(d, rows_.scales[row_begin + r]);
      for (int64_t c = 0; c < kPanelColumns; c += kLanes) {
        const V scale = hn::Mul(row_scale, hn::LoadU(d, column_scales + c));
        const V sum = hn::ConvertTo(d, hn::LoadU(Ints(), sums + r * kPanelColumns + c));
        hn::StoreU(hn::Mul(sum, scale), d, finished + r * kPanelColumns + c);
      }
    }
    const int64_t column = panel * kPanelColumns;
    Finish({finished, row_begin, rows, column, std::min(kPanelColumns, weight_.columns() - column)},
           epilogue_, outputs);
  }

  const MatrixView<float>& x_;
  const PackedMatrix& weight_;
  const GemmEpilogue& epilogue_;
  const GemmOutput& output_;
  const Workspace& workspace_;
  const QuantizedRows rows_;
};

}  // namespace

void QuantizedGemm(const MatrixView<float>& x, const PackedMatrix& weight,
                   const GemmEpilogue& epilogue, const GemmOutput& output,
                   const Workspace& workspace) {
  if (x.rows > 0) QuantizedProduct(x, weight, epilogue, output, workspace).Run();
}

ScratchSize QuantizedGemmScratch(int64_t rows, const PackedMatrix& weight) {
  return {.per_worker = rows > kFewRows ? BlockScratch::kFloats : 0,
          .shared = QuantizedRows::Floats(rows, weight.depth())};
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
