// Products of factors that are rounded to f16, summed in f16 over short parts of the depth and in
// f32 beyond them: twice the rate of f32 ones on processors with AVX-512 FP16. Intel's of these
// multiply bfloat16 pairs (vdpbf16ps) at half the rate of f32.
#if defined(ESP_CPU_HALF_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_HALF_TILE_INL_H_
#undef ESP_CPU_HALF_TILE_INL_H_
#else
#define ESP_CPU_HALF_TILE_INL_H_
#endif

#include "runtime/backend/cpu/exponentials-inl.h"
#include "runtime/backend/cpu/tile-inl.h"

// Highway 1.0.3 has no target with these instructions, so they are added to AVX3's, for the
// functions of this section only. Isas() asks for them.
#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512fp16")
namespace espalier::cpu::HWY_NAMESPACE {

struct HalfProducts {
  using Value = uint16_t;
  // A left factor lies there twice: 32 bits are broadcast by the load alone, 16 take a shuffle,
  // for which the multipliers' ports would stand still.
  using Factor = uint32_t;
  using Score = uint16_t;
  static constexpr int64_t kGroup = 1;
  // Terms that are summed in f16: its 11 bits lose of a sum of so many what rounding to bfloat16
  // loses of each factor.
  static constexpr int64_t kTerms = 128;

  static void Round(const float* from, int64_t count, Value* to) {
    for (int64_t i = 0; i < count; i += kLanes) {
      const __mmask16 some = SomeLanes(count - i);
      _mm256_mask_storeu_epi16(to + i, some, Bits(_mm512_maskz_loadu_ps(some, from + i)));
    }
  }

  // from[i] · scale as left factors: scores that have their scale already stay far from f16's end.
  static void RoundFactors(const float* from, int64_t count, float scale, Factor* to) {
    const __m512 scales = _mm512_set1_ps(scale);
    for (int64_t i = 0; i < count; i += kLanes) {
      const __mmask16 some = SomeLanes(count - i);
      const __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(some, from + i), scales);
      _mm512_mask_storeu_epi32(to + i, some, Twice(Bits(x)));
    }
  }

  static float LargestOf(const Score* scores, int64_t count) {
    __m512h largest = _mm512_castsi512_ph(_mm512_set1_epi16(static_cast<short>(scores[0])));
    for (int64_t i = 0; i < count; i += kHalves) {
      const __mmask32 some = SomeHalves(count - i);
      largest = _mm512_mask_max_ph(largest, some, Load(some, scores + i), largest);
    }
    return _mm512_reduce_max_ps(_mm512_max_ps(Low(largest), High(largest)));
  }

  // Turns scores into e^(scores[i] + shift) as left factors in the row's own memory; their sum. A
  // shift that is an f16 number costs nothing: small differences of such numbers are exact.
  static float Exponentials(Score* scores, int64_t count, float shift) {
    const __m512h log2e = Set(kLog2E), shifts = Set(shift);
    __m512h sum = _mm512_setzero_ph();
    auto* to = reinterpret_cast<Factor*>(scores);
    // From the end: factors take twice the room of scores.
    for (int64_t i = (count - 1) / kHalves * kHalves; i >= 0; i -= kHalves) {
      const __mmask32 some = SomeHalves(count - i);
      const __m512h x = _mm512_mul_ph(_mm512_add_ph(Load(some, scores + i), shifts), log2e);
      const __m512i bits = _mm512_maskz_mov_epi16(some, _mm512_castph_si512(Exp2Half(x)));
      sum = _mm512_add_ph(sum, _mm512_castsi512_ph(bits));
      _mm512_mask_storeu_epi32(to + i, SomeLanes(count - i), Twice(_mm512_castsi512_si256(bits)));
      if (count - i > kLanes) {
        _mm512_mask_storeu_epi32(to + i + kLanes, SomeLanes(count - i - kLanes),
                                 Twice(_mm512_extracti64x4_epi64(bits, 1)));
      }
    }
    return _mm512_reduce_add_ps(_mm512_add_ps(Low(sum), High(sum)));
  }

  // c = [c +] a · b over `depth`, as Tile (tile-inl.h). C: float or, for scores, f16.
  template <int kRows, typename C>
  static void Tile(const Factor* HWY_RESTRICT a, int64_t a_stride, const Value* HWY_RESTRICT b,
                   int64_t depth, C* HWY_RESTRICT c, int64_t c_stride, bool add) {
    for (int64_t k = 0; k < depth; k += kTerms) {
      const int64_t terms = depth - k < kTerms ? depth - k : kTerms;
      TilePart<kRows>(a + k, a_stride, b + k * kPanelColumns, terms, c, c_stride, add || k > 0);
    }
  }

 private:
  static constexpr int64_t kHalves = 2 * kLanes;
  static constexpr int kVectors = kPanelVectors / 2;

  template <int kRows, typename C>
  static void TilePart(const Factor* HWY_RESTRICT a, int64_t a_stride, const Value* HWY_RESTRICT b,
                       int64_t depth, C* HWY_RESTRICT c, int64_t c_stride, bool add) {
    __m512h sums[kRows][kVectors];
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm512_setzero_ph();
    }
    for (int64_t k = 0; k < depth; ++k, b += kPanelColumns) {
      __m512h weights[kVectors];
      HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
        weights[v] = _mm512_castsi512_ph(_mm512_loadu_si512(b + v * kHalves));
      }
      HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
        const auto pair = static_cast<int>(a[r * a_stride + k]);
        const __m512h factors = _mm512_castsi512_ph(_mm512_set1_epi32(pair));
        HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
          sums[r][v] = _mm512_fmadd_ph(factors, weights[v], sums[r][v]);
        }
      }
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
        Store(sums[r][v], c + r * c_stride + v * kHalves, add);
      }
    }
  }

  static void Store(__m512h sums, float* to, bool add) {
    const __m512 low = Low(sums), high = High(sums);
    _mm512_storeu_ps(to, add ? _mm512_add_ps(low, _mm512_loadu_ps(to)) : low);
    to += kLanes;
    _mm512_storeu_ps(to, add ? _mm512_add_ps(high, _mm512_loadu_ps(to)) : high);
  }
  static void Store(__m512h sums, Score* to, bool add) {
    _mm512_storeu_ph(to, add ? _mm512_add_ph(sums, _mm512_loadu_ph(to)) : sums);
  }

  // As Exp2, relative error 1e-3.
  static __m512h Exp2Half(__m512h x) {
    const __m512h n = _mm512_roundscale_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512h r = _mm512_sub_ph(x, n);
    __m512h p = Set(0.05517167f);
    p = _mm512_fmadd_ph(p, r, Set(0.24261112f));
    p = _mm512_fmadd_ph(p, r, Set(0.69326099f));
    p = _mm512_fmadd_ph(p, r, Set(0.99992807f));
    return _mm512_scalef_ph(p, n);
  }

  static __mmask32 SomeHalves(int64_t count) {
    return static_cast<__mmask32>(count >= kHalves ? 0xffffffff : (1u << count) - 1);
  }
  static __m512h Load(__mmask32 some, const Score* from) {
    return _mm512_castsi512_ph(_mm512_maskz_loadu_epi16(some, from));
  }
  static __m512h Set(float x) { return _mm512_set1_ph(static_cast<_Float16>(x)); }
  static __m512 Low(__m512h x) {
    return _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_castph_si512(x)));
  }
  static __m512 High(__m512h x) {
    return _mm512_cvtph_ps(_mm512_extracti64x4_epi64(_mm512_castph_si512(x), 1));
  }
  static __m256i Bits(__m512 x) { return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT); }
  static __m512i Twice(__m256i bits) {
    const __m512i places = _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8,
                                            8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    return _mm512_permutexvar_epi16(places, _mm512_castsi256_si512(bits));
  }
};

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_POP_ATTRIBUTES
#endif

#endif
