// Rows of tables that stay where the model's file has them: embeddings and positions.
#if defined(ESP_CPU_WEIGHT_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_WEIGHT_ROWS_INL_H_
#undef ESP_CPU_WEIGHT_ROWS_INL_H_
#else
#define ESP_CPU_WEIGHT_ROWS_INL_H_
#endif

#include "runtime/backend/cpu/vector_math-inl.h"
#include "runtime/backend/host/operands.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// A row of a stored table.
struct StoredRow {
  const void* data;
  DType dtype;
  float scale;  // of i8 elements; else 1
};

inline StoredRow WeightElements(const Weight& table, int64_t row) {
  return {table.Row(row), table.dtype, table.RowScale(row)};
}

// y = x · scale + row; y = row · scale without x. y may be x.
template <bool kHasInput, typename W>
void CombineRow(const float* x, float scale, const W* row, int64_t columns, float* y) {
  const Floats d;
  const V scales = hn::Set(d, scale);
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    const V stored = LoadFloats(row + c);
    V result;
    if constexpr (kHasInput) {
      result = hn::MulAdd(hn::LoadU(d, x + c), scales, stored);
    } else {
      result = hn::Mul(stored, scales);
    }
    hn::StoreU(result, d, y + c);
  }
  for (; c < columns; ++c) {
    if constexpr (kHasInput) {
      y[c] = x[c] * scale + ToFloat(row[c]);
    } else {
      y[c] = ToFloat(row[c]) * scale;
    }
  }
}

template <bool kHasInput>
void CombineStored(const float* x, float scale, const StoredRow& row, int64_t columns, float* y) {
  switch (row.dtype) {
    case DType::kF16:
      return CombineRow<kHasInput>(x, scale, static_cast<const Half*>(row.data), columns, y);
    case DType::kBF16:
      return CombineRow<kHasInput>(x, scale, static_cast<const BFloat*>(row.data), columns, y);
    default:
      return CombineRow<kHasInput>(x, scale, static_cast<const float*>(row.data), columns, y);
  }
}

// y = x · scale + row; y may be x. Not for i8 (Plan::Validate).
inline void AddScaled(const float* x, float scale, const StoredRow& row, int64_t columns,
                      float* y) {
  CombineStored<true>(x, scale, row, columns, y);
}

// y = row · scale
inline void ScaleRow(const StoredRow& row, float scale, int64_t columns, float* y) {
  if (row.dtype == DType::kI8) {
    const auto* stored = static_cast<const int8_t*>(row.data);
    return CombineRow<false>(nullptr, scale * row.scale, stored, columns, y);
  }
  CombineStored<false>(nullptr, scale, row, columns, y);
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
