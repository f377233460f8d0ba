// Vector types of the target being compiled, loads of stored weights, and the elementary functions.
// Included once per target (see Highway's foreach_target.h), hence the toggled guard.
#if defined(ESP_CPU_VECTOR_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_VECTOR_MATH_INL_H_
#undef ESP_CPU_VECTOR_MATH_INL_H_
#else
#define ESP_CPU_VECTOR_MATH_INL_H_
#endif

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/highway.h"
#include "runtime/graph/refs.h"
#include "runtime/tensor/half.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using V = hn::Vec<Floats>;
// Exact because targets whose length is known only at run time are left out (BUILD).
constexpr int64_t kLanes = HWY_LANES(float);

using Half = hwy::float16_t;
using BFloat = hwy::bfloat16_t;

// Stored numbers as floats: weights, keys, values.
HWY_INLINE V LoadFloats(const float* from) { return hn::LoadU(Floats(), from); }
HWY_INLINE V LoadFloats(const Half* from) {
  return hn::PromoteTo(Floats(), hn::LoadU(hn::Rebind<Half, Floats>(), from));
}
HWY_INLINE V LoadFloats(const BFloat* from) {
  return hn::PromoteTo(Floats(), hn::LoadU(hn::Rebind<BFloat, Floats>(), from));
}

HWY_INLINE V LoadFloats(const int8_t* from) {
  const hn::Rebind<int32_t, Floats> di;
  return hn::ConvertTo(Floats(), hn::PromoteTo(di, hn::LoadU(hn::Rebind<int8_t, Floats>(), from)));
}

// The first `count` of them, 0 < count < kLanes; the other lanes are 0.
template <typename W>
HWY_INLINE V LoadSomeFloats(const W* from, int64_t count) {
#if HWY_TARGET == HWY_AVX3
  const auto some = static_cast<__mmask16>((1 << count) - 1);
  if constexpr (std::is_same_v<W, float>) return V{_mm512_maskz_loadu_ps(some, from)};
  if constexpr (std::is_same_v<W, Half>) {
    return V{_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(some, from))};
  }
#endif
  HWY_ALIGN W lanes[kLanes] = {};
  for (int64_t i = 0; i < count; ++i) lanes[i] = from[i];
  return LoadFloats(lanes);
}

// One of them.
inline float ToFloat(float value) { return value; }
// Both 16-bit types by their bits: on ARM one of them is the compiler's own.
template <typename W>
uint16_t BitsOf(const W& value) {
  static_assert(sizeof(W) == sizeof(uint16_t));
  uint16_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
inline float ToFloat(int8_t value) { return static_cast<float>(value); }
inline float ToFloat(const Half& value) { return HalfToFloat(BitsOf(value)); }
inline float ToFloat(const BFloat& value) { return BFloat16ToFloat(BitsOf(value)); }

// to[0, count) = from, as f16 slots hold them (graph/plan.h).
HWY_INLINE void StoreHalves(const float* from, int64_t count, Half* to) {
  const Floats d;
  const hn::Rebind<Half, Floats> half;
  const V largest = hn::Set(d, 65504.0f), smallest = hn::Set(d, -65504.0f);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    V x = hn::Min(largest, hn::Max(smallest, hn::LoadU(d, from + i)));
#if (HWY_ARCH_X86 && HWY_TARGET >= HWY_SSE4) || HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
    // Highway cuts bits off where there is no instruction: add what rounds to nearest even.
    const hn::RebindToUnsigned<Floats> bits;
    const auto word = hn::BitCast(bits, x);
    const auto odd = hn::And(hn::ShiftRight<13>(word), hn::Set(bits, 1));
    x = hn::BitCast(d, hn::Add(word, hn::Add(odd, hn::Set(bits, 0xFFF))));
#endif
    hn::StoreU(hn::DemoteTo(half, x), half, to + i);
  }
  for (; i < count; ++i) {
    const uint16_t bits = FloatToFiniteHalf(from[i]);
    std::memcpy(to + i, &bits, sizeof(bits));
  }
}

// e^x, relative error 2e-7; 0 below -87.3, infinity above 88.8, NaN for NaN. The polynomial is the
// minimax one of degree 5 for the relative error on [-ln 2 / 2, ln 2 / 2], 1.1e-7.
HWY_INLINE V Exp(V x) {
  const Floats d;
  const V wanted = hn::Mul(x, hn::Set(d, 1.44269504f));
#if HWY_TARGET == HWY_AVX3
  const V n{_mm512_roundscale_ps(hn::Min(hn::Set(d, 200.0f), wanted).raw,  // infinity makes a NaN
                                 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
#else
  const hn::RebindToSigned<Floats> di;
  const auto exponent =
      hn::NearestInt(hn::Max(hn::Set(d, -126.0f), hn::Min(hn::Set(d, 127.0f), wanted)));
  const V n = hn::ConvertTo(d, exponent);
#endif
  V r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);  // ln 2 in two parts
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  V p = hn::Set(d, 0.008312501f);
  p = hn::MulAdd(p, r, hn::Set(d, 0.04189033f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.16667116f));
  p = hn::MulAdd(p, r, hn::Set(d, 0.4999923f));
  p = hn::Add(hn::MulAdd(p, hn::Mul(r, r), r), hn::Set(d, 1.0f));
#if HWY_TARGET == HWY_AVX3
  const __mmask16 kept = _mm512_cmp_ps_mask(x.raw, _mm512_set1_ps(-87.3f), _CMP_NLT_US);
  return V{_mm512_maskz_scalef_ps(kept, p.raw, n.raw)};
#else
  const auto scale = hn::ShiftLeft<23>(hn::Add(exponent, hn::Set(di, 127)));
  const V result = hn::Mul(p, hn::BitCast(d, scale));
  return hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -87.3f)), result);
#endif
}

// x · sigmoid(x)
HWY_INLINE V Swish(V x) { return hn::Div(x, hn::Add(hn::Set(Floats(), 1.0f), Exp(hn::Neg(x)))); }

// 1 / x for numbers of ordinary size. On x86 an approximation of 11 bits or more and one step of
// Newton's: a fraction of what a division takes, off by 2^-22 at most.
HWY_INLINE V Reciprocal(V x) {
  const Floats d;
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  const V near = hn::ApproximateReciprocal(x);
  return hn::Mul(near, hn::NegMulAdd(x, near, hn::Set(d, 2.0f)));
#else
  return hn::Div(hn::Set(d, 1.0f), x);
#endif
}

// x · Φ(x) as max(x, 0) - |x|/2 · erfc(|x|/√2): no cancellation for negative x. erfc by Abramowitz
// and Stegun 7.1.26, absolute error 1.5e-7.
HWY_INLINE V Gelu(V x) {
  const Floats d;
  const V z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678f));
  const V t = Reciprocal(hn::MulAdd(z, hn::Set(d, 0.3275911f), hn::Set(d, 1.0f)));
  V p = hn::Set(d, 1.061405429f);
  p = hn::MulAdd(p, t, hn::Set(d, -1.453152027f));
  p = hn::MulAdd(p, t, hn::Set(d, 1.421413741f));
  p = hn::MulAdd(p, t, hn::Set(d, -0.284496736f));
  p = hn::MulAdd(p, t, hn::Set(d, 0.254829592f));
  const V erfc = hn::Mul(hn::Mul(p, t), Exp(hn::Neg(hn::Mul(z, z))));
  const V half = hn::Mul(z, hn::Set(d, 0.70710678f));  // |x| / 2
  const V positive = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
  return hn::NegMulAdd(half, erfc, positive);
}

template <Activation kActivation>
HWY_INLINE V Activate(V x) {
  if constexpr (kActivation == Activation::kRelu) {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(Floats())), hn::Zero(Floats()), x);  // keeps NaN
  } else if constexpr (kActivation == Activation::kSwish) {
    return Swish(x);
  } else if constexpr (kActivation == Activation::kGelu) {
    return Gelu(x);
  } else {
    return x;
  }
}

HWY_INLINE float Sum(V x) { return hn::GetLane(hn::SumOfLanes(Floats(), x)); }

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
