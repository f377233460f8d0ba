// The innermost loop of every matrix product: a tile of a few rows and one panel of columns, kept
// in registers over the whole depth.
//
// Versions tried and measured numbers: gemm.cc.
#if defined(ESP_CPU_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_TILE_INL_H_
#undef ESP_CPU_TILE_INL_H_
#else
#define ESP_CPU_TILE_INL_H_
#endif

#include <algorithm>

#include "runtime/backend/cpu/vector_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// 16 vector registers hold 6·2 sums, 2 weights and a factor; 32 hold 6·4, 4 and up to 4.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kPanelVectors = 4;
#else
constexpr int kPanelVectors = 2;
#endif
constexpr int kTileRows = 6;
constexpr int64_t kPanelColumns = kPanelVectors * kLanes;

// c = [c +] a · b over `depth`.
//   a: kRows rows, a_stride apart    b: depth panels' rows of kPanelColumns
//   c: kRows rows of kPanelColumns, c_stride apart
// kParts > 1 sums interleaved parts of the depth apart, so that few rows still have enough
// independent sums to hide the latency of an addition.
template <int kRows, int kParts, typename W>
void Tile(const float* HWY_RESTRICT a, int64_t a_stride, const W* HWY_RESTRICT b, int64_t depth,
          float* HWY_RESTRICT c, int64_t c_stride, bool add) {
  const Floats d;
  V sums[kParts][kRows][kPanelVectors];
  HWY_UNROLL(8) for (int part = 0; part < kParts; ++part) {
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) sums[part][r][v] = hn::Zero(d);
    }
  }
  int64_t k = 0;
  for (; k + kParts <= depth; k += kParts) {
    HWY_UNROLL(8) for (int part = 0; part < kParts; ++part) {
      V weights[kPanelVectors];
      HWY_UNROLL(8)
      for (int v = 0; v < kPanelVectors; ++v) weights[v] = LoadFloats(b + v * kLanes);
      b += kPanelColumns;
      HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
        const V factor = hn::Set(d, a[r * a_stride + k + part]);
        HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
          sums[part][r][v] = hn::MulAdd(factor, weights[v], sums[part][r][v]);
        }
      }
    }
  }
  for (; kParts > 1 && k < depth; ++k, b += kPanelColumns) {
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, a[r * a_stride + k]);
      HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
        sums[0][r][v] = hn::MulAdd(factor, LoadFloats(b + v * kLanes), sums[0][r][v]);
      }
    }
  }
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kPanelVectors; ++v) {
      HWY_UNROLL(8) for (int part = 1; part < kParts; ++part) {
        sums[0][r][v] = hn::Add(sums[0][r][v], sums[part][r][v]);
      }
      float* to = c + r * c_stride + v * kLanes;
      hn::StoreU(add ? hn::Add(sums[0][r][v], hn::LoadU(d, to)) : sums[0][r][v], d, to);
    }
  }
}

// Products of f32 numbers. The same functions of other numbers: quantized_tile-inl.h and
// bfloat_tile-inl.h.
struct FloatProducts {
  using Value = float;
  static constexpr int64_t kGroup = 1;

  // A row as such numbers, filled up with zeros to a whole group.
  static void Round(const float* from, int64_t count, float* to) { std::copy_n(from, count, to); }

  template <int kRows, typename W>
  static void Tile(const float* a, int64_t a_stride, const W* b, int64_t depth, float* c,
                   int64_t c_stride, bool add) {
    constexpr int kParts = kRows == 1 ? 4 : kRows <= 3 ? 2 : 1;
    HWY_NAMESPACE::Tile<kRows, kParts>(a, a_stride, b, depth, c, c_stride, add);
  }
};

// Any number of rows: tiles below each other.
template <typename Products, typename A, typename B, typename C>
void TileRows(const A* a, int64_t a_stride, int64_t rows, const B* b, int64_t depth, C* c,
              int64_t c_stride, bool add) {
  int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    Products::template Tile<kTileRows>(a + r * a_stride, a_stride, b, depth, c + r * c_stride,
                                       c_stride, add);
  }
  a += r * a_stride;
  c += r * c_stride;
  switch (rows - r) {
    case 1:
      return Products::template Tile<1>(a, a_stride, b, depth, c, c_stride, add);
    case 2:
      return Products::template Tile<2>(a, a_stride, b, depth, c, c_stride, add);
    case 3:
      return Products::template Tile<3>(a, a_stride, b, depth, c, c_stride, add);
    case 4:
      return Products::template Tile<4>(a, a_stride, b, depth, c, c_stride, add);
    case 5:
      return Products::template Tile<5>(a, a_stride, b, depth, c, c_stride, add);
    default:
      return;
  }
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
