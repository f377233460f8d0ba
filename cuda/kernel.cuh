// What kernels share: row counts, reductions, weights of any storage, epilogues.
#pragma once

#include "cuda/device.h"
#include "cuda/kernels.h"

namespace espalier::cuda {

constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr int kWarp = 32;

__device__ __forceinline__ int Count(const Rows& rows) {
  return rows.at != nullptr ? *rows.at : rows.most;
}

template <typename T>
__device__ __forceinline__ T* RowOf(const Window<T>& window, int row) {
  return window.data + static_cast<int64_t>(row) * window.stride;
}

// Numbers that are of type T.
template <typename T>
__device__ __forceinline__ Window<T> WindowOf(const Numbers& numbers) {
  return {static_cast<T*>(numbers.data), numbers.stride};
}
template <typename T>
__device__ __forceinline__ T* RowOf(const Numbers& numbers, int row) {
  return RowOf(WindowOf<T>(numbers), row);
}

__host__ __device__ constexpr int CeilDiv(int a, int b) { return (a + b - 1) / b; }
// `count` threads, at least one block: a graph may be made for no rows at all.
inline unsigned Blocks(int64_t count, int64_t threads) {
  return static_cast<unsigned>(count > 0 ? (count + threads - 1) / threads : 1);
}

// Sum and maximum over a warp. Every lane calls and gets the result. fmaxf passes NaN by: it comes
// back through the sum of exponentials.
__device__ __forceinline__ float WarpSum(float x) {
  for (int d = kWarp / 2; d > 0; d /= 2) x += __shfl_xor_sync(kAllLanes, x, d);
  return x;
}
__device__ __forceinline__ float WarpMax(float x) {
  for (int d = kWarp / 2; d > 0; d /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, d));
  return x;
}

// Over a block of kThreads threads, a multiple of kWarp. Every thread calls and gets the result.
template <int kThreads>
__device__ __forceinline__ float BlockSum(float x) {
  __shared__ float parts[kThreads / kWarp];
  x = WarpSum(x);
  __syncthreads();  // what an earlier call left has been read
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = x;
  __syncthreads();
  float sum = parts[0];
  for (int i = 1; i < kThreads / kWarp; ++i) sum += parts[i];
  return sum;
}
template <int kThreads>
__device__ __forceinline__ float BlockMax(float x) {
  __shared__ float parts[kThreads / kWarp];
  x = WarpMax(x);
  __syncthreads();
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = x;
  __syncthreads();
  float largest = parts[0];
  for (int i = 1; i < kThreads / kWarp; ++i) largest = fmaxf(largest, parts[i]);
  return largest;
}

// Weights as floats; i8 without its scale.
__device__ __forceinline__ float ToFloat(float x) { return x; }
__device__ __forceinline__ float ToFloat(__half x) { return __half2float(x); }
__device__ __forceinline__ float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ __forceinline__ float ToFloat(int8_t x) { return static_cast<float>(x); }

// To the type of a product's factors.
template <typename T>
__device__ __forceinline__ T Round(float x);
template <>
__device__ __forceinline__ float Round<float>(float x) {
  return x;
}
// What f16 cannot hold becomes its largest value: infinities would come back as NaN. NaN stays.
template <>
__device__ __forceinline__ __half Round<__half>(float x) {
  constexpr float kLargest = 65504.0f;
  return __float2half(x > kLargest ? kLargest : (x < -kLargest ? -kLargest : x));
}
template <>
__device__ __forceinline__ __nv_bfloat16 Round<__nv_bfloat16>(float x) {
  return __float2bfloat16(x);
}

// One load of 16 bytes.
template <typename T>
struct alignas(16) Pack {
  static constexpr int kCount = 16 / sizeof(T);
  T at[kCount];
};

// Rows that begin at multiples of four elements' bytes.
inline bool HasVectors(const Window<const float>& window) {
  return reinterpret_cast<uintptr_t>(window.data) % 16 == 0 && window.stride % 4 == 0;
}
inline bool HasVectors(const Numbers& numbers) {
  const uintptr_t bytes = numbers.storage == Storage::kF16 ? 8 : 16;
  return reinterpret_cast<uintptr_t>(numbers.data) % bytes == 0 && numbers.stride % 4 == 0;
}
// Elements k … k + 3 of a row; those from `depth` on read as zero, whatever lies there.
__device__ __forceinline__ float4 Load4(const float* row, int k, int depth, bool vectors) {
  if (vectors && k + 4 <= depth) return __ldg(reinterpret_cast<const float4*>(row + k));
  float4 x;
  x.x = k < depth ? row[k] : 0.0f;
  x.y = k + 1 < depth ? row[k + 1] : 0.0f;
  x.z = k + 2 < depth ? row[k + 2] : 0.0f;
  x.w = k + 3 < depth ? row[k + 3] : 0.0f;
  return x;
}

__device__ __forceinline__ float4 Load4(const __half* row, int k, int depth, bool vectors) {
  struct alignas(8) Four {
    __half at[4];
  };
  if (vectors && k + 4 <= depth) {
    const Four x = *reinterpret_cast<const Four*>(row + k);
    return {ToFloat(x.at[0]), ToFloat(x.at[1]), ToFloat(x.at[2]), ToFloat(x.at[3])};
  }
  return {k < depth ? ToFloat(row[k]) : 0.0f, k + 1 < depth ? ToFloat(row[k + 1]) : 0.0f,
          k + 2 < depth ? ToFloat(row[k + 2]) : 0.0f, k + 3 < depth ? ToFloat(row[k + 3]) : 0.0f};
}

__device__ __forceinline__ float Activate(Activation activation, float x) {
  switch (activation) {
    case Activation::kRelu:
      return x < 0.0f ? 0.0f : x;  // keeps NaN
    case Activation::kSwish:
      return x / (1.0f + expf(-x));
    case Activation::kGelu:
      return 0.5f * x * (1.0f + erff(x * 0.707106781f));
    default:
      return x;
  }
}

// `sum`: column `column` of the product, at position `position` of output row `row`.
__device__ __forceinline__ void Store(const Epilogue& e, const float* row_scales, float sum,
                                      int row, int position, int column) {
  const int at = position * e.columns + column;
  float x = row_scales != nullptr ? sum * row_scales[column] : sum;
  if (e.bias != nullptr) x += e.bias[column];
  x = Activate(e.activation, x) * e.scale;
  if (e.residual.data != nullptr) x += RowOf(e.residual, row)[at];
  if (e.output.storage == Storage::kF16) {
    RowOf<__half>(e.output, row)[at] = Round<__half>(x);
  } else {
    RowOf<float>(e.output, row)[at] = x;
  }
}

// Element `k` of row t · positions + f of the left factor.
__device__ __forceinline__ float LeftElement(const Windows& left, int input_rows, int t, int f,
                                             int k) {
  const int segment = left.segments == 1 ? 0 : k / left.segment_length;
  const int row = t * left.row_step + segment - left.padding;
  if (row < 0 || row >= input_rows) return 0.0f;
  return RowOf(left.input, row)[f * left.position_step + k - segment * left.segment_length];
}

}  // namespace espalier::cuda

// Calls launch<T>() with the element type of `storage`.
#define ESP_BY_STORAGE(storage, launch)                   \
  switch (storage) {                                      \
    case Storage::kF32:                                   \
      return launch.template operator()<float>();         \
    case Storage::kF16:                                   \
      return launch.template operator()<__half>();        \
    case Storage::kBF16:                                  \
      return launch.template operator()<__nv_bfloat16>(); \
    case Storage::kI8:                                    \
      return launch.template operator()<int8_t>();        \
  }
