// One block a row. Every thread keeps the best few of its columns in registers; a round takes the
// best of all, and the thread that gave it reads its columns again once it has no more.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kKept = 4;

struct Entry {
  float score;
  int token;  // -1: none
};
__device__ __forceinline__ Entry None() { return {-INFINITY, -1}; }

// Whether `a` stands before `b` in the result.
__device__ __forceinline__ bool Before(const Entry& a, const Entry& b) {
  if (a.token < 0 || b.token < 0) return a.token >= 0 && b.token < 0;
  return a.score > b.score || (a.score == b.score && a.token < b.token);
}

// The first entry of all threads. Every thread calls and gets the result.
__device__ __forceinline__ Entry BlockFirst(Entry mine) {
  __shared__ Entry parts[kThreads / kWarp];
  for (int d = kWarp / 2; d > 0; d /= 2) {
    Entry other;
    other.score = __shfl_xor_sync(kAllLanes, mine.score, d);
    other.token = __shfl_xor_sync(kAllLanes, mine.token, d);
    if (Before(other, mine)) mine = other;
  }
  __syncthreads();
  if (threadIdx.x % kWarp == 0) parts[threadIdx.x / kWarp] = mine;
  __syncthreads();
  Entry first = parts[0];
  for (int i = 1; i < kThreads / kWarp; ++i) {
    if (Before(parts[i], first)) first = parts[i];
  }
  return first;
}

// The columns of one group in one row, as one thread sees them.
struct Group {
  const float* x;
  const int32_t* allowed;
  int columns, split_begin, split_end;
  bool times;

  __device__ __forceinline__ bool Has(int c) const {
    const bool in_split = c >= split_begin && c < split_end;
    return in_split == times && ((static_cast<uint32_t>(allowed[c / 32]) >> (c % 32)) & 1u) != 0;
  }

  // This thread's best columns behind `last`, or of all.
  __device__ __forceinline__ void Scan(const Entry& last, Entry (&kept)[kKept]) const {
#pragma unroll
    for (int i = 0; i < kKept; ++i) kept[i] = None();
    for (int c = threadIdx.x; c < columns; c += kThreads) {
      Entry moved = {x[c], c};
      if (!(moved.score > kept[kKept - 1].score) || !Has(c)) continue;
      if (last.token >= 0 && !Before(last, moved)) continue;
#pragma unroll
      for (int i = 0; i < kKept; ++i) {
        if (Before(moved, kept[i])) {
          const Entry out = kept[i];
          kept[i] = moved;
          moved = out;
        }
      }
    }
  }

  __device__ __forceinline__ float LogSum(float largest) const {
    const float shift = largest > -INFINITY ? largest : 0.0f;
    float sum = 0.0f;
    for (int c = threadIdx.x; c < columns; c += kThreads) {
      if (Has(c)) sum += expf(x[c] - shift);
    }
    return shift + logf(BlockSum<kThreads>(sum));
  }
};

__global__ void __launch_bounds__(kThreads) TopTokens(TopTokensParams p) {
  const int row = blockIdx.x;
  if (row >= Count(p.rows)) return;
  const float* const x = RowOf(p.log_probs, row);
  float* const scores = RowOf(p.scores, row);
  int32_t* const tokens = RowOf(p.tokens, row);
  for (int g = 0; g < 2; ++g) {
    const Group group = {x, RowOf(p.allowed, row), p.columns, p.split_begin, p.split_end, g == 1};
    Entry kept[kKept];
    group.Scan(None(), kept);
    float largest = -INFINITY;
    for (int k = 0; k < p.count; ++k) {
      const Entry first = BlockFirst(kept[0]);
      if (k == 0) largest = first.score;
      if (threadIdx.x == 0) {
        tokens[g * p.count + k] = first.token;
        scores[g * p.count + k] = first.score;
      }
      if (first.token >= 0 && first.token == kept[0].token) {
#pragma unroll
        for (int i = 0; i + 1 < kKept; ++i) kept[i] = kept[i + 1];
        kept[kKept - 1] = None();
        if (kept[0].token < 0) group.Scan(first, kept);
      }
    }
    const float log_sum = group.LogSum(largest);
    if (threadIdx.x == 0) scores[2 * p.count + g] = log_sum;
  }
  if (threadIdx.x == 0) scores[2 * p.count + 2] = x[p.watched];
}

}  // namespace

void LaunchTopTokens(const TopTokensParams& params, cudaStream_t stream) {
  ESP_LAUNCH(TopTokens, dim3(Blocks(params.rows.most, 1)), dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
