// What attentions with rounded factors share: powers of two as exact as those factors, and the
// lanes of a last vector.
#if defined(ESP_CPU_EXPONENTIALS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_EXPONENTIALS_INL_H_
#undef ESP_CPU_EXPONENTIALS_INL_H_
#else
#define ESP_CPU_EXPONENTIALS_INL_H_
#endif

#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
#if HWY_TARGET == HWY_AVX3

constexpr float kLog2E = 1.44269504f;

// The first `count` lanes, at most all.
HWY_INLINE __mmask16 SomeLanes(int64_t count) {
  return static_cast<__mmask16>(count >= kLanes ? 0xffff : (1 << count) - 1);
}

// 2^x by the minimax polynomial of degree 3 on [-1/2, 1/2], relative error 7.5e-5; NaN for NaN.
HWY_INLINE __m512 Exp2(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-150.0f), x);  // -inf would make a NaN
  const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(0.05517167f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.24261112f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.69326099f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.99992807f));
  return _mm512_scalef_ps(p, n);
}

#endif
}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
