// The innermost loops of the product with i8 weights, and how a row of activations is rounded for
// each: 16-bit integers in pairs everywhere, 8-bit ones in fours where AVX-512 VNNI is there.
#if defined(ESP_CPU_QUANTIZED_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_QUANTIZED_TILE_INL_H_
#undef ESP_CPU_QUANTIZED_TILE_INL_H_
#else
#define ESP_CPU_QUANTIZED_TILE_INL_H_
#endif

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "hwy/cache_control.h"
#include "runtime/backend/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

using Ints = hn::Repartition<int32_t, Floats>;
using VI = hn::Vec<Ints>;

// x ≈ scale · (integer - zero) for all integers of a rounded row.
struct Rounding {
  float scale;
  int32_t zero;
};

// Smallest and largest number of a row, zero included.
struct Extremes {
  float low = 0.0f, high = 0.0f;
  bool finite = true;
};

inline Extremes ExtremesOf(const float* x, int64_t columns) {
  const Floats d;
  V low = hn::Zero(d), high = hn::Zero(d), poison = hn::Zero(d);
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    const V value = hn::LoadU(d, x + c);
    low = hn::Min(low, value);
    high = hn::Max(high, value);
    poison = hn::MulAdd(value, hn::Zero(d), poison);  // stays 0 for finite numbers only
  }
  Extremes found{hn::GetLane(hn::MinOfLanes(d, low)), hn::GetLane(hn::MaxOfLanes(d, high))};
  float check = Sum(poison);
  for (; c < columns; ++c) {
    found.low = std::min(found.low, x[c]);
    found.high = std::max(found.high, x[c]);
    check += x[c] * 0.0f;
  }
  found.finite = check == 0.0f;
  return found;
}

constexpr float kSmallestMagnitude = 1e-30f;  // below it the scale's inverse is not a number

// What stands for a row without a size, or with a number that is not finite: zeros, and NaN.
inline Rounding NothingToRound(const Extremes& extremes) {
  return {extremes.finite ? 0.0f : std::numeric_limits<float>::quiet_NaN(), 0};
}

// to[c] = round(x[c] · inverse) + zero, as integers that `To` holds.
template <typename To>
void RoundInto(const float* x, int64_t columns, float inverse, int32_t zero, To* to) {
  const Floats d;
  const hn::Rebind<To, Floats> narrow;
  const V factor = hn::Set(d, inverse);
  const VI zeros = hn::Set(Ints(), zero);
  int64_t c = 0;
  for (; c + kLanes <= columns; c += kLanes) {
    const VI integers = hn::NearestInt(hn::Mul(hn::LoadU(d, x + c), factor));
    hn::StoreU(hn::DemoteTo(narrow, hn::Add(integers, zeros)), narrow, to + c);
  }
  constexpr int64_t kLow = std::numeric_limits<To>::min(), kHigh = std::numeric_limits<To>::max();
  for (; c < columns; ++c) {
    to[c] = static_cast<To>(std::clamp(std::lrint(x[c] * inverse) + zero, kLow, kHigh));
  }
}

// Products of 16-bit activations, added in pairs. Without VNNI the widest step that cannot overflow
// multiplies 16-bit numbers (vpmaddwd), so the activations' extra bits are free, and what is lost
// is lost by the weights alone.
struct PairProducts {
  using Value = int16_t;
  static constexpr int64_t kGroup = 2;  // of depths

  // `to`: columns rounded up to whole groups.
  static Rounding Round(const float* x, int64_t columns, Value* to) {
    const Extremes extremes = ExtremesOf(x, columns);
    const float magnitude = std::max(-extremes.low, extremes.high);
    to[columns - 1 + columns % 2] = 0;
    if (!extremes.finite || magnitude < kSmallestMagnitude) {
      std::fill_n(to, columns, Value{0});
      return NothingToRound(extremes);
    }
    const auto limit = static_cast<float>(LargestInteger(columns));
    RoundInto(x, columns, limit / magnitude, 0, to);
    return {magnitude / limit, 0};
  }

  // The largest integer that a row may have: `depth` products with -128 stay below 2^31.
  static int32_t LargestInteger(int64_t depth) {
    return static_cast<int32_t>(std::min<int64_t>(32767, ((int64_t{1} << 24) - 1) / depth));
  }

  // As Tile (tile-inl.h); `depth` is a whole number of groups.
  template <int kRows>
  static void Tile(const Value* HWY_RESTRICT a, int64_t a_stride, const int8_t* HWY_RESTRICT b,
                   int64_t depth, int32_t* HWY_RESTRICT c, int64_t c_stride, bool add);
};

#if HWY_TARGET == HWY_SCALAR

template <int kRows>
void PairProducts::Tile(const Value* HWY_RESTRICT a, int64_t a_stride, const int8_t* HWY_RESTRICT b,
                        int64_t depth, int32_t* HWY_RESTRICT c, int64_t c_stride, bool add) {
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t column = 0; column < kPanelColumns; ++column) {
      int32_t* to = c + r * c_stride + column;
      int32_t sum = add ? *to : 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum += a[r * a_stride + k] * b[(k / 2 * kPanelColumns + column) * 2 + k % 2];
      }
      *to = sum;
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
void PairProducts::Tile(const Value* HWY_RESTRICT a, int64_t a_stride, const int8_t* HWY_RESTRICT b,
                        int64_t depth, int32_t* HWY_RESTRICT c, int64_t c_stride, bool add) {
  const Ints di;
  const Shorts d16;
  const hn::Rebind<int8_t, Shorts> d8;
  // Begins with what is there already: from zeros that it knows GCC 12 unrolls the first step apart
  // and then keeps half of the sums in memory, at 0.6 of the speed.
  VI sums[kRows][kPanelVectors];
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
      sums[r][v] = add ? hn::LoadU(di, c + r * c_stride + v * kLanes) : hn::Zero(di);
    }
  }
  for (int64_t k = 0; k < depth; k += kGroup, b += kGroup * kPanelColumns) {
    hn::Vec<Shorts> weights[kPanelVectors];
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
      weights[v] = hn::PromoteTo(d16, hn::LoadU(d8, b + v * kGroup * kLanes));
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      int32_t pair;
      std::memcpy(&pair, a + r * a_stride + k, sizeof(pair));
      const auto factors = hn::BitCast(d16, hn::Set(di, pair));
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        sums[r][v] = AddPairs(sums[r][v], factors, weights[v]);
      }
    }
  }
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
      hn::StoreU(sums[r][v], di, c + r * c_stride + v * kLanes);
    }
  }
}

#endif

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

// Highway 1.0.3 has no target with these instructions that AMD's processors have too, so they are
// added to AVX3's, for the functions of this section only. Isas() asks for them.
#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
namespace espalier::cpu::HWY_NAMESPACE {

// Products of unsigned 8-bit activations, added in fours (vpdpbusd): twice the pairs' products per
// instruction, and no widening of the weights. The zero lies where the row's smallest number needs
// it, so that what a GELU leaves keeps its eighth bit.
struct QuadProducts {
  using Value = uint8_t;
  static constexpr int64_t kGroup = 4;
  // Few rows stream their weights from memory: so far ahead they are asked for, because the
  // processor itself looks no further than a page.
  static constexpr int64_t kFetchBytes = 4096;

  static Rounding Round(const float* x, int64_t columns, Value* to) {
    const Extremes extremes = ExtremesOf(x, columns);
    const float span = extremes.high - extremes.low;
    for (int64_t c = columns; c % kGroup != 0; ++c) to[c] = 0;
    if (!extremes.finite || !(span >= kSmallestMagnitude) || std::isinf(span)) {
      std::fill_n(to, columns, Value{0});
      return NothingToRound(extremes);
    }
    const float inverse = 255.0f / span;
    const auto zero = static_cast<int32_t>(std::lrint(-extremes.low * inverse));
    RoundInto(x, columns, inverse, zero, to);
    return {span / 255.0f, zero};
  }

  template <int kRows>
  static void Tile(const Value* HWY_RESTRICT a, int64_t a_stride, const int8_t* HWY_RESTRICT b,
                   int64_t depth, int32_t* HWY_RESTRICT c, int64_t c_stride, bool add) {
    __m512i sums[kRows][kPanelVectors];
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) sums[r][v] = _mm512_setzero_si512();
    }
    for (int64_t k = 0; k < depth; k += kGroup, b += kGroup * kPanelColumns) {
      __m512i weights[kPanelVectors];
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        weights[v] = _mm512_loadu_si512(b + v * kGroup * kLanes);
      }
      if constexpr (kRows < kTileRows) {
        HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
          hwy::Prefetch(b + kFetchBytes + v * kGroup * kLanes);
        }
      }
      HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
        int32_t quad;
        std::memcpy(&quad, a + r * a_stride + k, sizeof(quad));
        const __m512i factors = _mm512_set1_epi32(quad);
        HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
          sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], factors, weights[v]);
        }
      }
    }
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        int32_t* to = c + r * c_stride + v * kLanes;
        const __m512i sum = sums[r][v];
        _mm512_storeu_si512(to, add ? _mm512_add_epi32(sum, _mm512_loadu_si512(to)) : sum);
      }
    }
  }
};

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_POP_ATTRIBUTES
#endif

#endif
