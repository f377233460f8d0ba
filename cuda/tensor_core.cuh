// The tensor cores' instructions, one inline function each: the only inline PTX here. emu/ computes
// what they compute, the lanes' places in the operands included (PTX ISA, "Warp Level Matrix
// Multiply-Accumulate Instructions"), so that tests find a fragment that is laid out wrongly.
//
// Of A (16, 16), lane l holds rows l / 4 (registers 0 and 2) and l / 4 + 8 (1 and 3), columns
// 2 · (l % 4) and the next one (0 and 1), the same + 8 (2 and 3). Of B (16, 8): column l / 4, rows
// as A's columns. Of D (16, 8): rows l / 4 (0 and 1) and l / 4 + 8 (2 and 3), columns 2 · (l % 4)
// and the next one.
#pragma once

#include "cuda/kernel.cuh"

namespace espalier::cuda {

// Eight elements more to each row of a tile in shared memory: eight rows below each other then lie
// in different banks, as LoadMatrices reads them.
constexpr int kTilePadding = 8;

// Two neighbours in a row, the first one in the lower half.
template <typename T>
__device__ __forceinline__ uint32_t PackPair(T first, T second) {
  return static_cast<uint32_t>(__builtin_bit_cast(uint16_t, first)) |
         static_cast<uint32_t>(__builtin_bit_cast(uint16_t, second)) << 16;
}
// The same of values that T can hold.
__device__ __forceinline__ uint32_t PackPair(float first, float second, __half) {
  return PackPair(__float2half(first), __float2half(second));
}
__device__ __forceinline__ uint32_t PackPair(float first, float second, __nv_bfloat16) {
  return PackPair(__float2bfloat16(first), __float2bfloat16(second));
}

#ifdef __CUDACC__

// d += a · b with sums in f32. Every lane calls.
__device__ __forceinline__ void MultiplyAdd(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                            uint32_t b1, __half) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ void MultiplyAdd(float (&d)[4], const uint32_t (&a)[4], uint32_t b0,
                                            uint32_t b1, __nv_bfloat16) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Four (8, 8) matrices of 16-bit elements from shared memory: lane l gives the address of row l % 8
// of matrix l / 8, a multiple of 16 bytes, and gets of matrix i row l / 4, columns 2 · (l % 4) and
// the next one; of the transposed matrix with kTransposed. Every lane calls.
template <bool kTransposed>
__device__ __forceinline__ void LoadMatrices(uint32_t (&to)[4], const void* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  if constexpr (kTransposed) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
  }
}

#else

template <typename T>
void MultiplyAdd(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1, T) {
  float elements[12];
  for (int i = 0; i < 6; ++i) {
    const uint32_t pair = i < 4 ? a[i] : (i == 4 ? b0 : b1);
    elements[2 * i] = ToFloat(__builtin_bit_cast(T, static_cast<uint16_t>(pair)));
    elements[2 * i + 1] = ToFloat(__builtin_bit_cast(T, static_cast<uint16_t>(pair >> 16)));
  }
  emu::MultiplyAdd(d, elements);
}
template <bool kTransposed>
void LoadMatrices(uint32_t (&to)[4], const void* row) {
  emu::LoadMatrices(to, row, kTransposed);
}

#endif

}  // namespace espalier::cuda
