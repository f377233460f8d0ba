// Products of factors that are rounded to bfloat16, two at a time (vdpbf16ps): twice the rate of
// f32 ones, sums of f32. For processors with AVX-512 BF16.
#if defined(ESP_CPU_BFLOAT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_BFLOAT_TILE_INL_H_
#undef ESP_CPU_BFLOAT_TILE_INL_H_
#else
#define ESP_CPU_BFLOAT_TILE_INL_H_
#endif

#include <cstring>

#include "runtime/backend/cpu/exponentials-inl.h"
#include "runtime/backend/cpu/tile-inl.h"

// Highway 1.0.3 has no target with these instructions, so they are added to AVX3's, for the
// functions of this section only. Isas() asks for them.
#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512bf16")
namespace espalier::cpu::HWY_NAMESPACE {

struct BFloatProducts {
  using Value = uint16_t;
  using Factor = Value;
  using Score = float;
  static constexpr int64_t kGroup = 2;  // neighbours along the depth lie side by side

  static float LargestOf(const float* scores, int64_t count) {
    __m512 largest = _mm512_set1_ps(scores[0]);
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      largest = _mm512_max_ps(_mm512_loadu_ps(scores + i), largest);
    }
    if (i < count) {
      const __mmask16 some = SomeLanes(count - i);
      largest = _mm512_mask_max_ps(largest, some, _mm512_maskz_loadu_ps(some, scores + i), largest);
    }
    return _mm512_reduce_max_ps(largest);
  }

  // `to` is filled up with a zero to a whole group.
  static void Round(const float* from, int64_t count, Value* to) {
    RoundFactors(from, count, 1.0f, to);
  }
  // The same of from[i] · scale.
  static void RoundFactors(const float* from, int64_t count, float scale, Factor* to) {
    const __m512 scales = _mm512_set1_ps(scale);
    for (int64_t i = 0; i < count; i += kLanes) {
      const __mmask16 some = SomeLanes(count - i), written = SomeLanes(count + count % kGroup - i);
      const __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(some, from + i), scales);
      _mm256_mask_storeu_epi16(to + i, written, Bits(x));
    }
  }

  // Groups of two rows, column by column; without a second row its places become zeros.
  static void RoundTwoRows(const float* first, const float* second, int64_t count, Value* to) {
    for (int64_t i = 0; i < count; i += kLanes) {
      const __mmask16 some = SomeLanes(count - i);
      const __m512 x = _mm512_maskz_loadu_ps(some, first + i);
      const __m512 y =
          second == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(some, second + i);
      _mm512_mask_storeu_epi32(to + kGroup * i, some, Pairs(x, y));
    }
  }

  // Rounds e^(scores[i] + shift) into the row's own memory; their sum before rounding.
  static float Exponentials(float* scores, int64_t count, float shift) {
    const __m512 log2e = _mm512_set1_ps(kLog2E), shifts = _mm512_set1_ps(shift * kLog2E);
    auto* to = reinterpret_cast<Factor*>(scores);
    __m512 sum = _mm512_setzero_ps();
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      const __m512 e = Exp2(_mm512_fmadd_ps(_mm512_loadu_ps(scores + i), log2e, shifts));
      sum = _mm512_add_ps(sum, e);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), Bits(e));
    }
    if (i < count) {
      const __mmask16 some = SomeLanes(count - i), written = SomeLanes(count + count % kGroup - i);
      const __m512 x = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(some, scores + i), log2e, shifts);
      const __m512 e = _mm512_maskz_mov_ps(some, Exp2(x));
      sum = _mm512_add_ps(sum, e);
      _mm256_mask_storeu_epi16(to + i, written, Bits(e));
    }
    return _mm512_reduce_add_ps(sum);
  }

  // c = [c +] a · b over `depth`, as Tile (tile-inl.h), of groups.
  template <int kRows>
  static void Tile(const Factor* HWY_RESTRICT a, int64_t a_stride, const Value* HWY_RESTRICT b,
                   int64_t depth, float* HWY_RESTRICT c, int64_t c_stride, bool add) {
    __m512 sums[kRows][kPanelVectors];
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) sums[r][v] = _mm512_setzero_ps();
    }
    for (int64_t k = 0; k < depth; k += kGroup, b += kGroup * kPanelColumns) {
      __m512i weights[kPanelVectors];
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        weights[v] = _mm512_loadu_si512(b + v * kGroup * kLanes);
      }
      HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
        int32_t pair;
        std::memcpy(&pair, a + r * a_stride + k, sizeof(pair));
        const __m512i factors = _mm512_set1_epi32(pair);
        HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
          sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)factors, (__m512bh)weights[v]);
        }
      }
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        float* to = c + r * c_stride + v * kLanes;
        const __m512 sum = sums[r][v];
        _mm512_storeu_ps(to, add ? _mm512_add_ps(sum, _mm512_loadu_ps(to)) : sum);
      }
    }
  }

 private:
  // Lane by lane x's bits and, above them, y's.
  static __m512i Pairs(__m512 x, __m512 y) {
    const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(Bits(y)), 16);
    return _mm512_or_si512(_mm512_cvtepu16_epi32(Bits(x)), high);
  }
  static __m256i Bits(__m512 x) { return (__m256i)_mm512_cvtneps_pbh(x); }
};

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_POP_ATTRIBUTES
#endif

#endif
