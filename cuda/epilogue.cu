// What follows a product where cuBLASLt cannot do it: swish, exact GELU, a residual behind an
// activation, an output whose rows beyond the present count must stay.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 256;

__global__ void __launch_bounds__(kThreads) StoreSums(EpilogueParams p) {
  const int column = blockIdx.y * kThreads + threadIdx.x;
  const int m = p.first + blockIdx.x;
  const int t = m / p.positions;
  if (column >= p.epilogue.columns || t >= Count(p.rows)) return;
  const float sum = p.sums[int64_t{blockIdx.x} * p.epilogue.columns + column];
  Store(p.epilogue, nullptr, sum, t, m % p.positions, column);
}

}  // namespace

void LaunchEpilogue(const EpilogueParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.count, 1), Blocks(params.epilogue.columns, kThreads));
  ESP_LAUNCH(StoreSums, grid, dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
