// Attention of few queries, and of any over a cache: the keys are split over blocks of 128, a
// second kernel joins the parts. Otherwise a decoder step would occupy as many multiprocessors as
// it has heads.
//
// Without a cache all hypotheses look at the same keys, so a block computes up to eight queries and
// reads each key and value once. With a cache every row has its own history; a block takes one.
// First a thread per key (scores), then a warp per query (softmax), then a lane per column
// (values).
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128, kKeys = kThreads, kWarps = kThreads / kWarp;
constexpr int kQueries = 8;

int Splits(const AttentionParams& p) {
  const int keys = p.history.data != nullptr ? p.position_count : p.keys.most;
  return keys > kKeys ? CeilDiv(keys, kKeys) : 1;
}

// A part: largest score, sum of exponentials, then the weighted sum of the values.
__device__ __forceinline__ float* PartOf(const AttentionParams& p, float* parts, int splits,
                                         int row, int head, int split) {
  const int64_t index = (int64_t{row} * p.heads + head) * splits + split;
  return parts + index * (p.width + 2);
}

__device__ __forceinline__ int KeysOf(const AttentionParams& p, int row) {
  return p.history.data != nullptr ? *RowOf(p.positions, row) + 1 : Count(p.keys);
}

// T: of keys and values.
template <int kRows, bool kCached, typename T>
__global__ void __launch_bounds__(kThreads) AttendKeys(AttentionParams p, float* parts) {
  ESP_DYNAMIC_SHARED(float, queries);  // (kRows, width)
  __shared__ float shares[kRows][kKeys];
  __shared__ float largest[kRows], total[kRows];
  __shared__ float slices[kWarps][kRows][kWarp];
  __shared__ int key_row[kKeys];
  const int first_row = blockIdx.z * kRows, rows = min(Count(p.rows) - first_row, kRows);
  const int head = blockIdx.y, column = head * p.width;
  if (rows <= 0) return;
  const int all_keys = KeysOf(p, first_row), begin = blockIdx.x * kKeys;
  if (begin >= all_keys && blockIdx.x > 0) return;
  const int keys = min(all_keys - begin, kKeys);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  for (int i = threadIdx.x; i < rows * p.width; i += kThreads) {
    queries[i] = RowOf(p.query, first_row + i / p.width)[column + i % p.width];
  }
  const int key = begin + threadIdx.x;
  int at = key;
  if (kCached && static_cast<int>(threadIdx.x) < keys) {
    at = key * p.lane_count + RowOf(p.history, *RowOf(p.lanes, first_row))[key];
  }
  key_row[threadIdx.x] = at;
  __syncthreads();

  float scores[kRows] = {};
  if (static_cast<int>(threadIdx.x) < keys) {
    const T* const k = RowOf<const T>(p.key, at) + column;
    for (int c = 0; c < p.width; ++c) {
      const float x = ToFloat(k[c]);
#pragma unroll
      for (int r = 0; r < kRows; ++r) {
        if (r < rows) scores[r] += queries[r * p.width + c] * x;
      }
    }
  }
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    shares[r][threadIdx.x] = static_cast<int>(threadIdx.x) < keys ? scores[r] * p.scale : -INFINITY;
  }
  __syncthreads();

  for (int r = warp; r < rows; r += kWarps) {
    float top = -INFINITY;
    for (int t = lane; t < keys; t += kWarp) top = fmaxf(top, shares[r][t]);
    top = WarpMax(top);
    float sum = 0.0f;
    for (int t = lane; t < keys; t += kWarp) {
      const float share = expf(shares[r][t] - top);
      shares[r][t] = share;
      sum += share;
    }
    sum = WarpSum(sum);
    if (lane == 0) {
      largest[r] = top;
      total[r] = sum;
    }
  }
  __syncthreads();

  for (int chunk = 0; chunk < p.width; chunk += kWarp) {
    const int c = chunk + lane;
    float sums[kRows] = {};
    if (c < p.width) {
      for (int t = warp; t < keys; t += kWarps) {
        const float v = ToFloat(RowOf<const T>(p.value, key_row[t])[column + c]);
#pragma unroll
        for (int r = 0; r < kRows; ++r) {
          if (r < rows) sums[r] += shares[r][t] * v;
        }
      }
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) slices[warp][r][lane] = sums[r];
    __syncthreads();
    for (int r = warp; r < rows; r += kWarps) {
      float sum = slices[0][r][lane];
      for (int i = 1; i < kWarps; ++i) sum += slices[i][r][lane];
      if (c >= p.width) continue;
      if (gridDim.x == 1) {
        RowOf(p.output, first_row + r)[column + c] = keys > 0 ? sum / total[r] : 0.0f;
      } else {
        float* const part = PartOf(p, parts, gridDim.x, first_row + r, head, blockIdx.x);
        part[2 + c] = sum;
        if (c == 0) {
          part[0] = largest[r];
          part[1] = total[r];
        }
      }
    }
    __syncthreads();
  }
}

__global__ void __launch_bounds__(kThreads) JoinParts(AttentionParams p, float* parts, int splits) {
  const int row = blockIdx.x, head = blockIdx.y;
  if (row >= Count(p.rows)) return;
  const int used = CeilDiv(KeysOf(p, row), kKeys);
  float top = -INFINITY;
  for (int i = 0; i < used; ++i) top = fmaxf(top, PartOf(p, parts, splits, row, head, i)[0]);
  for (int c = threadIdx.x; c < p.width; c += kThreads) {
    float total = 0.0f, sum = 0.0f;
    for (int i = 0; i < used; ++i) {
      const float* const part = PartOf(p, parts, splits, row, head, i);
      const float weight = expf(part[0] - top);
      total += weight * part[1];
      sum += weight * part[2 + c];
    }
    RowOf(p.output, row)[head * p.width + c] = used > 0 ? sum / total : 0.0f;
  }
}

template <typename T>
void LaunchAs(const AttentionParams& params, float* parts, cudaStream_t stream) {
  const auto splits = static_cast<unsigned>(Splits(params));
  const auto heads = static_cast<unsigned>(params.heads);
  const bool cached = params.history.data != nullptr;
  const int rows = cached || params.rows.most <= 1 ? 1 : kQueries;
  const dim3 grid(splits, heads, Blocks(params.rows.most, rows));
  const size_t shared_bytes = sizeof(float) * static_cast<size_t>(rows * params.width);
  if (cached) {
    ESP_LAUNCH((AttendKeys<1, true, T>), grid, dim3(kThreads), shared_bytes, stream, params, parts);
  } else if (rows == 1) {
    ESP_LAUNCH((AttendKeys<1, false, T>), grid, dim3(kThreads), shared_bytes, stream, params,
               parts);
  } else {
    ESP_LAUNCH((AttendKeys<kQueries, false, T>), grid, dim3(kThreads), shared_bytes, stream, params,
               parts);
  }
  if (splits == 1) return;
  ESP_LAUNCH(JoinParts, dim3(Blocks(params.rows.most, 1), heads), dim3(kThreads), 0, stream, params,
             parts, static_cast<int>(splits));
}

}  // namespace

size_t AttentionPartBytes(const AttentionParams& params) {
  const int splits = Splits(params);
  if (splits == 1) return 0;
  return sizeof(float) * static_cast<size_t>(params.rows.most) *
         static_cast<size_t>(params.heads * splits) * static_cast<size_t>(params.width + 2);
}

void LaunchAttentionRows(const AttentionParams& params, float* parts, cudaStream_t stream) {
  params.key.storage == Storage::kF16 ? LaunchAs<__half>(params, parts, stream)
                                      : LaunchAs<float>(params, parts, stream);
}

}  // namespace espalier::cuda
