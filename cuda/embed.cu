// A token's row of the table, whatever its storage, and its position's.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

template <typename T>
__global__ void __launch_bounds__(kThreads) Embed(EmbedParams p) {
  const int row = blockIdx.x, column = blockIdx.y * kThreads + threadIdx.x;
  if (row >= Count(p.rows) || column >= p.columns) return;
  const int token = *RowOf(p.tokens, row);
  float x = ToFloat(static_cast<const T*>(p.table.data)[int64_t{token} * p.table.stride + column]);
  if (p.table.row_scales != nullptr) x *= p.table.row_scales[token];
  x *= p.scale;
  if (p.position_table != nullptr) {
    x += p.position_table[int64_t{*RowOf(p.positions, row)} * p.columns + column];
  }
  RowOf(p.output, row)[column] = x;
}

}  // namespace

void LaunchEmbed(const EmbedParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1), Blocks(params.columns, kThreads));
  const auto launch = [&]<typename T>() {
    ESP_LAUNCH(Embed<T>, grid, dim3(kThreads), 0, stream, params);
  };
  ESP_BY_STORAGE(params.table.storage, launch)
}

}  // namespace espalier::cuda
