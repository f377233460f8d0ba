// Rows of the left factor of a product as cuBLASLt reads them: rounded to the weights' storage,
// rows aligned, convolution windows written out.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 256;

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
