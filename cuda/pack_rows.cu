// Rows of the left factor of a product as cuBLASLt reads them: rounded to the weights' storage,
// rows aligned, convolution windows written out.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 256;

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

template <typename T>
__global__ void __launch_bounds__(kThreads) PackRows(PackRowsParams p) {
  const int k = blockIdx.y * kThreads + threadIdx.x;
  const int m = p.first + blockIdx.x;
  const int t = m / p.left.positions, f = m % p.left.positions;
  if (k >= p.stride || t >= Count(p.left.rows)) return;
  const int depth = p.left.segments * p.left.segment_length;
  const float x = k < depth ? LeftElement(p.left, Count(p.left.input_rows), t, f, k) : 0.0f;
  static_cast<T*>(p.output)[int64_t{blockIdx.x} * p.stride + k] = Round<T>(x);
}

}  // namespace

void LaunchPackRows(const PackRowsParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.count, 1), Blocks(params.stride, kThreads));
  const auto launch = [&]<typename T>() {
    ESP_LAUNCH(PackRows<T>, grid, dim3(kThreads), 0, stream, params);
  };
  switch (params.storage) {
    case Storage::kF16:
      return launch.template operator()<__half>();
    case Storage::kBF16:
      return launch.template operator()<__nv_bfloat16>();
    default:
      return launch.template operator()<float>();
  }
}

}  // namespace espalier::cuda
