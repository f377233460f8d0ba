// The softmax of one head's scores, written out. A block takes a row, a thread every 128th key; the
// scores lie in the output meanwhile when nothing is added to it, else they are computed anew each
// time.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

template <typename T>
__device__ __forceinline__ float Score(const float* query, const T* key, int width, float scale) {
  float dot = 0.0f;
  for (int c = 0; c < width; ++c) dot += query[c] * ToFloat(key[c]);
  return dot * scale;
}

// T: of the keys.
template <typename T>
__global__ void __launch_bounds__(kThreads) AttentionWeights(AttentionWeightsParams p) {
  const int row = blockIdx.x, keys = Count(p.keys);
  if (row >= Count(p.rows)) return;
  const float* const query = RowOf(p.query, row);
  float* const weights = RowOf(p.weights, row);
  float largest = -INFINITY;
  for (int t = threadIdx.x; t < keys; t += kThreads) {
    const float score = Score(query, RowOf<const T>(p.key, t), p.width, p.score_scale);
    largest = fmaxf(largest, score);
    if (!p.accumulate) weights[t] = score;
  }
  largest = BlockMax<kThreads>(largest);
  float sum = 0.0f;
  for (int t = threadIdx.x; t < keys; t += kThreads) {
    const float score =
        p.accumulate ? Score(query, RowOf<const T>(p.key, t), p.width, p.score_scale) : weights[t];
    const float e = expf(score - largest);
    sum += e;
    if (!p.accumulate) weights[t] = e;
  }
  const float scale = p.weight_scale / BlockSum<kThreads>(sum);
  for (int t = threadIdx.x; t < keys; t += kThreads) {
    if (p.accumulate) {
      weights[t] +=
          scale * expf(Score(query, RowOf<const T>(p.key, t), p.width, p.score_scale) - largest);
    } else {
      weights[t] *= scale;
    }
  }
}

}  // namespace

void LaunchAttentionWeights(const AttentionWeightsParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.rows.most, 1));
  if (params.key.storage == Storage::kF16) {
    ESP_LAUNCH((AttentionWeights<__half>), grid, dim3(kThreads), 0, stream, params);
  } else {
    ESP_LAUNCH((AttentionWeights<float>), grid, dim3(kThreads), 0, stream, params);
  }
}

}  // namespace espalier::cuda
