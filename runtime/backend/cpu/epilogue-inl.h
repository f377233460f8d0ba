// What follows a matrix product, while a tile's sums are in L1: bias, activation, scale, residual.
#if defined(ESP_CPU_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_EPILOGUE_INL_H_
#undef ESP_CPU_EPILOGUE_INL_H_
#else
#define ESP_CPU_EPILOGUE_INL_H_
#endif

#include <algorithm>
#include <array>

#include "runtime/backend/cpu/gemm.h"
#include "runtime/backend/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// How f32 and i8 products are cut into tasks.
constexpr int64_t kBlockRows = 48;
constexpr int64_t kBlockPanels = 768 / kPanelColumns;
constexpr int64_t kFewRows = 12;  // at most: a task per panel, which streams the weights once
static_assert(kFewRows <= kBlockRows && kBlockRows % kTileRows == 0);

// Where the rows of a block begin in the output.
struct OutputRow {
  float* data;
  Half* halves;
};
using RowPointers = std::array<OutputRow, static_cast<size_t>(kBlockRows)>;

inline RowPointers OutputRows(const GemmOutput& output, int64_t row_begin, int64_t rows) {
  RowPointers pointers{};
  int64_t group = row_begin / output.group_rows;
  int64_t within = row_begin % output.group_rows;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = group * output.group_stride + within * output.row_stride;
    pointers[static_cast<size_t>(r)] =
        output.halves == nullptr ? OutputRow{.data = output.data + at, .halves = nullptr}
                                 : OutputRow{.data = nullptr, .halves = output.halves + at};
    if (++within == output.group_rows) ++group, within = 0;
  }
  return pointers;
}

// Where a tile of finished sums, (rows, kPanelColumns), belongs.
struct FinishedTile {
  int64_t row_begin, rows, column_begin, columns;
};

// How the sums of a tile are read. The same of integers: quantized_gemm.cc.
struct FloatSums {
  struct Row {
    const float* sums;
    HWY_INLINE V Load(int64_t c) const { return hn::LoadU(Floats(), sums + c); }
  };

  const float* sums;
  Row RowAt(int64_t r) const { return {sums + r * kPanelColumns}; }
};

template <Activation kActivation>
HWY_INLINE V FinishVector(V sum, const GemmEpilogue& epilogue, const float* bias) {
  const Floats d;
  if (bias != nullptr) sum = hn::Add(sum, hn::LoadU(d, bias));
  return hn::Mul(Activate<kActivation>(sum), hn::Set(d, epilogue.scale));
}

// A panel's columns of a row. `bias` and `residual`: kPanelColumns of each, or null.
template <Activation kActivation, typename Row>
HWY_INLINE void FinishRow(const Row& row, const GemmEpilogue& epilogue, const float* bias,
                          const float* residual, float* to) {
  const Floats d;
  for (int64_t c = 0; c < kPanelColumns; c += kLanes) {
    V y = FinishVector<kActivation>(row.Load(c), epilogue, bias == nullptr ? nullptr : bias + c);
    if (residual != nullptr) y = hn::Add(y, hn::LoadU(d, residual + c));
    hn::StoreU(y, d, to + c);
  }
}

// Rows of f16 outputs, and of the last panel, so that nothing beyond the output is touched, go
// through a buffer to where `column` of the output is.
template <Activation kActivation, typename Row>
void FinishRowByBuffer(const Row& row, int64_t columns, const GemmEpilogue& epilogue,
                       const float* bias, const float* residual, const OutputRow& to,
                       int64_t column) {
  HWY_ALIGN float finished[kPanelColumns], added[kPanelColumns];
  if (residual != nullptr && columns < kPanelColumns) {
    std::fill(std::copy_n(residual, columns, added), added + kPanelColumns, 0.0f);
    residual = added;
  }
  FinishRow<kActivation>(row, epilogue, bias, residual, finished);
  if (to.halves != nullptr) {
    StoreHalves(finished, columns, to.halves + column);
  } else {
    std::copy_n(finished, columns, to.data + column);
  }
}

template <Activation kActivation, typename Sums>
void FinishAs(const Sums& sums, const FinishedTile& tile, const GemmEpilogue& epilogue,
              const RowPointers& outputs) {
  const int64_t column = tile.column_begin;
  const float* bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + column;
  const float* residual = epilogue.residual;
  if (residual != nullptr) residual += tile.row_begin * epilogue.residual_stride + column;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const auto row = sums.RowAt(r);
    const OutputRow& to = outputs[static_cast<size_t>(r)];
    if (to.halves != nullptr || tile.columns < kPanelColumns) {
      FinishRowByBuffer<kActivation>(row, tile.columns, epilogue, bias, residual, to, column);
    } else {
      FinishRow<kActivation>(row, epilogue, bias, residual, to.data + column);
    }
    if (residual != nullptr) residual += epilogue.residual_stride;
  }
}

template <typename Sums>
void Finish(const Sums& sums, const FinishedTile& tile, const GemmEpilogue& epilogue,
            const RowPointers& outputs) {
  switch (epilogue.activation) {
    case Activation::kNone:
      return FinishAs<Activation::kNone>(sums, tile, epilogue, outputs);
    case Activation::kRelu:
      return FinishAs<Activation::kRelu>(sums, tile, epilogue, outputs);
    case Activation::kSwish:
      return FinishAs<Activation::kSwish>(sums, tile, epilogue, outputs);
    case Activation::kGelu:
      return FinishAs<Activation::kGelu>(sums, tile, epilogue, outputs);
  }
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
