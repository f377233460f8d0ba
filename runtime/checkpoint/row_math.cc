#include "runtime/checkpoint/row_math.h"

#include "runtime/tensor/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/checkpoint/row_math.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using V = hn::Vec<Floats>;
constexpr int64_t kLanes = HWY_LANES(float);
using HalfTag = hn::Rebind<hwy::float16_t, Floats>;

// kVectors sums stay in registers over all rows. Products are rounded before they are added, so that
// every processor makes the same weights.
template <int kVectors>
HWY_INLINE void AddColumns(const float* factors, int64_t row_count, const float* rows,
                           int64_t columns, float* to) {
  const Floats d;
  V sums[kVectors];
  HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) sums[v] = hn::LoadU(d, to + v * kLanes);
  for (int64_t r = 0; r < row_count; ++r, rows += columns) {
    const V factor = hn::Set(d, factors[r]);
    HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
      sums[v] = hn::Add(sums[v], hn::Mul(factor, hn::LoadU(d, rows + v * kLanes)));
    }
  }
  HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, to + v * kLanes);
}

void AddScaledRowsHere(const float* factors, int64_t row_count, const float* rows, int64_t columns,
                       float* to) {
  constexpr int kVectors = 8;
  int64_t i = 0;
  for (; i + kVectors * kLanes <= columns; i += kVectors * kLanes) {
    AddColumns<kVectors>(factors, row_count, rows + i, columns, to + i);
  }
  for (; i + kLanes <= columns; i += kLanes) {
    AddColumns<1>(factors, row_count, rows + i, columns, to + i);
  }
  for (; i < columns; ++i) {
    for (int64_t r = 0; r < row_count; ++r) to[i] += factors[r] * rows[r * columns + i];
  }
}

void AddHalvesHere(const uint16_t* from, int64_t count, float* to) {
  const Floats d;
  const HalfTag half;
  const hn::RebindToUnsigned<HalfTag> bits;
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V more = hn::PromoteTo(d, hn::BitCast(half, hn::LoadU(bits, from + i)));
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), more), d, to + i);
  }
  for (; i < count; ++i) to[i] += HalfToFloat(from[i]);
}

void StoreHalvesHere(const float* from, int64_t count, uint16_t* to) {
  int64_t i = 0;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_NEON
  // Elsewhere Highway cuts bits off instead of rounding.
  const HalfTag half;
  const hn::RebindToUnsigned<HalfTag> bits;
  for (; i + kLanes <= count; i += kLanes) {
    const auto rounded = hn::DemoteTo(half, hn::LoadU(Floats(), from + i));
    hn::StoreU(hn::BitCast(bits, rounded), bits, to + i);
  }
#endif
  for (; i < count; ++i) to[i] = FloatToHalf(from[i]);
}

}  // namespace
}  // namespace espalier::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace espalier {

HWY_EXPORT(AddScaledRowsHere);
HWY_EXPORT(AddHalvesHere);
HWY_EXPORT(StoreHalvesHere);

void AddScaledRows(const float* factors, int64_t row_count, const float* rows, int64_t columns,
                   float* to) {
  HWY_DYNAMIC_DISPATCH(AddScaledRowsHere)(factors, row_count, rows, columns, to);
}

void AddHalves(const uint16_t* from, int64_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(AddHalvesHere)(from, count, to);
}

void StoreHalves(const float* from, int64_t count, uint16_t* to) {
  HWY_DYNAMIC_DISPATCH(StoreHalvesHere)(from, count, to);
}

}  // namespace espalier
#endif
