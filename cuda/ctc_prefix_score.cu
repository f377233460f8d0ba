// A warp per hypothesis and candidate. The recursion over the steps is cut into a run of
// neighbouring steps for each lane: x → (x + a) ⊕ b composes, so every lane first walks its run
// from nothing, a scan gives what comes in from the left, and that is added to what was written.
// One lane after the other, a window's 750 steps would be 750 dependent exponentials.
#include "cuda/kernel.cuh"

namespace espalier::cuda {
namespace {

constexpr int kThreads = 128;

__device__ __forceinline__ float LogAdd(float x, float y) {
  const float high = fmaxf(x, y);
  return high + log1pf(expf(fminf(x, y) - high));
}

__device__ __forceinline__ float FromLeft(float x, int distance) {
  const int lane = threadIdx.x % kWarp;
  return __shfl_sync(kAllLanes, x, lane >= distance ? lane - distance : lane);
}

// `before`: b of all runs before this lane's; returns that of all. The first run's a must be zero's
// logarithm.
__device__ __forceinline__ float Scan(float a, float b, float zero, float* before) {
  const int lane = threadIdx.x % kWarp;
  for (int d = 1; d < kWarp; d *= 2) {
    const float left_a = FromLeft(a, d), left_b = FromLeft(b, d);
    if (lane >= d) {
      b = LogAdd(left_b + a, b);
      a += left_a;
    }
  }
  const float left = FromLeft(b, 1);
  *before = lane > 0 ? left : zero;
  return __shfl_sync(kAllLanes, b, kWarp - 1);
}

// The sum over the lanes before this one.
__device__ __forceinline__ float SumBefore(float x) {
  const int lane = threadIdx.x % kWarp;
  float sum = x;
  for (int d = 1; d < kWarp; d *= 2) {
    const float left = FromLeft(sum, d);
    if (lane >= d) sum += left;
  }
  const float left = FromLeft(sum, 1);
  return lane > 0 ? left : 0.0f;
}

// A column of the state: forward log-sums that end in a label and in a blank, by step.
struct Paths {
  float *labels, *blanks;
  int stride;
  __device__ __forceinline__ float& label(int t) const {
    return labels[static_cast<int64_t>(t) * stride];
  }
  __device__ __forceinline__ float& blank(int t) const {
    return blanks[static_cast<int64_t>(t) * stride];
  }
};
__device__ __forceinline__ Paths PathsAt(const CtcPrefixScoreParams& p, int column) {
  return {p.state.data + column, RowOf(p.state, p.most_steps) + column, p.state.stride};
}

__device__ __forceinline__ float LogProb(const CtcPrefixScoreParams& p, int t, int token) {
  return token < 0 ? p.log_zero : fmaxf(p.log_zero, RowOf(p.log_probs, t)[token]);
}

// One candidate of a hypothesis as a warp sees it.
struct Candidate {
  const CtcPrefixScoreParams& p;
  int token, last_token, k, parent;
  Paths from, to;
  int begin, end;  // this lane's steps

  __device__ __forceinline__ int first() const { return k > 1 ? k : 1; }

  // Writes the labels' sums as they are without what comes in from the left. `blanks`: of a primer,
  // whose paths are blanks so far, their sum before this lane's steps. `a`, `b`: this lane's part.
  // Returns this lane's part of ψ.
  __device__ __forceinline__ float WalkLabels(float blanks, float* a, float* b) const {
    float psi = p.log_zero;
    *a = 0.0f;
    *b = p.log_zero;
    for (int t = begin; t < end; ++t) {
      if (t < first()) {
        *b = psi = t == 0 && k == 0 ? LogProb(p, 0, token) : p.log_zero;
        *a = p.log_zero;
      } else {
        float phi = blanks;
        if (parent >= 0) {
          phi = from.blank(t - 1);
          if (token != last_token) phi = LogAdd(from.label(t - 1), phi);
        }
        const float x = LogProb(p, t, token);
        *b = LogAdd(*b, phi) + x;
        psi = LogAdd(psi, phi + x);
        *a += x;
      }
      if (parent < 0) blanks += LogProb(p, t, p.blank);
      to.label(t) = *b;
    }
    return psi;
  }

  // Adds what comes in to the labels' sums, and writes the blanks' as WalkLabels.
  __device__ __forceinline__ void WalkBlanks(float incoming, float* a, float* b) const {
    float label_a = 0.0f, label_before = incoming;
    *a = 0.0f;
    *b = p.log_zero;
    for (int t = begin; t < end; ++t) {
      if (t < first()) {
        label_a = *a = *b = p.log_zero;
      } else {
        const float x = LogProb(p, t, p.blank);
        label_a += LogProb(p, t, token);
        *b = LogAdd(label_before, *b) + x;
        *a += x;
      }
      label_before = LogAdd(incoming + label_a, to.label(t));
      to.label(t) = label_before;
      to.blank(t) = *b;
    }
  }

  __device__ __forceinline__ void AddToBlanks(float incoming) const {
    float a = 0.0f;
    for (int t = begin; t < end; ++t) {
      a = t < first() ? p.log_zero : a + LogProb(p, t, p.blank);
      to.blank(t) = LogAdd(incoming + a, to.blank(t));
    }
  }
};

__global__ void __launch_bounds__(kThreads) CtcPrefixScore(CtcPrefixScoreParams p) {
  const int row = blockIdx.y, lane = threadIdx.x % kWarp;
  const int index = blockIdx.x * (kThreads / kWarp) + threadIdx.x / kWarp;
  if (row >= Count(p.rows) || index >= p.candidates) return;  // whole warps
  const int steps = Count(p.steps);
  const int32_t* const about = RowOf(p.hypotheses, row);
  float* const scores = RowOf(p.scores, row);
  if (about[3] < 1 || steps < 1) {
    if (lane == 0) scores[index] = p.log_zero;
    if (lane == 0 && index == 0) scores[p.candidates] = p.log_zero;
    return;
  }
  const int each = CeilDiv(steps, kWarp), parent = about[0];
  const int begin = min(lane * each, steps);
  const Candidate candidate = {.p = p,
                               .token = RowOf(p.tokens, row)[index],
                               .last_token = about[2],
                               .k = about[3] - 1,
                               .parent = parent,
                               .from = PathsAt(p, parent < 0 ? 0 : parent),
                               .to = PathsAt(p, about[1] + index),
                               .begin = begin,
                               .end = min(begin + each, steps)};
  float blanks = 0.0f, eos;
  if (parent < 0) {
    for (int t = candidate.begin; t < candidate.end; ++t) blanks += LogProb(p, t, p.blank);
    eos = WarpSum(blanks);
    blanks = SumBefore(blanks);
  } else {
    eos = LogAdd(candidate.from.label(steps - 1), candidate.from.blank(steps - 1));
  }
  float a, b, incoming;
  float psi = candidate.WalkLabels(blanks, &a, &b);
  Scan(a, b, p.log_zero, &incoming);
  psi = Scan(0.0f, psi, p.log_zero, &b);
  candidate.WalkBlanks(incoming, &a, &b);
  Scan(a, b, p.log_zero, &incoming);
  candidate.AddToBlanks(incoming);
  if (lane != 0) return;
  if (candidate.token == p.blank) psi = p.log_zero;
  scores[index] = candidate.token == p.eos ? eos : psi;
  if (index == 0) scores[p.candidates] = eos;
}

}  // namespace

void LaunchCtcPrefixScore(const CtcPrefixScoreParams& params, cudaStream_t stream) {
  const dim3 grid(Blocks(params.candidates, kThreads / kWarp), Blocks(params.rows.most, 1));
  ESP_LAUNCH(CtcPrefixScore, grid, dim3(kThreads), 0, stream, params);
}

}  // namespace espalier::cuda
