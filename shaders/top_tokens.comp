#version 450
// The likeliest allowed tokens of each of two groups, and each group's log Σ exp: a workgroup per
// row. Every invocation keeps the best few of its columns; a round takes the best of all, and the
// invocation that gave it looks at its columns again once it has no more.
#extension GL_GOOGLE_include_directive : enable
#include "params/top_tokens.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 8;
#include "lib/reduce.glsl"

const uint BLOCK = 64;  // exponentials of one partial sum, as in log_softmax.comp
const int KEPT = 4;
float Never() { return uintBitsToFloat(0xFF800000u); }

layout(binding = 1, std430) readonly buffer LogProbs { float x[]; };
layout(binding = 2, std430) readonly buffer Allowed { uint allowed[]; };
layout(binding = 3, std430) writeonly buffer Tokens { int tokens[]; };
layout(binding = 4, std430) writeonly buffer Scores { float scores[]; };

shared float best_scores[THREADS];
shared int best_tokens[THREADS];

uint in_at, allowed_at, group;
float kept_scores[KEPT];
int kept_tokens[KEPT];

bool Counts(uint c) {
  const bool in_split = c >= p.split_begin && c < p.split_end;
  return in_split == (group == 1u) && ((allowed[allowed_at + c / 32u] >> (c % 32u)) & 1u) != 0u;
}

// Keeps this invocation's best columns behind (score, token) in the order of the result.
void Scan(float score, int token) {
  for (int i = 0; i < KEPT; ++i) {
    kept_scores[i] = Never();
    kept_tokens[i] = -1;
  }
  for (uint c = gl_LocalInvocationID.x; c < p.columns; c += THREADS) {
    const float value = x[in_at + c];
    const bool behind = value < score || (value == score && int(c) > token);
    if (!(value > kept_scores[KEPT - 1]) || !behind || !Counts(c)) continue;
    float moved = value;
    int moved_token = int(c);
    for (int i = 0; i < KEPT; ++i) {
      if (moved > kept_scores[i] || moved_token != int(c)) {
        const float out_score = kept_scores[i];
        const int out_token = kept_tokens[i];
        kept_scores[i] = moved;
        kept_tokens[i] = moved_token;
        moved = out_score;
        moved_token = out_token;
      }
    }
  }
}

void DropFirst() {
  for (int i = 0; i + 1 < KEPT; ++i) {
    kept_scores[i] = kept_scores[i + 1];
    kept_tokens[i] = kept_tokens[i + 1];
  }
  kept_scores[KEPT - 1] = Never();
  kept_tokens[KEPT - 1] = -1;
}

float LogSum(float largest) {
  const float shift = largest > Never() ? largest : 0.0;
  float total = 0.0;
  for (uint begin = gl_LocalInvocationID.x; begin < p.columns; begin += THREADS * BLOCK) {
    const uint end = min(p.columns, begin + THREADS * BLOCK);
    float sum = 0.0;
    for (uint c = begin; c < end; c += THREADS) {
      if (Counts(c)) sum += Exp(x[in_at + c] - shift);
    }
    total += sum;
  }
  total = ReduceSum(total);
  return total == 0.0 ? Never() : shift + Log(total);
}

void main() {
  const uint thread = gl_LocalInvocationID.x, row = gl_WorkGroupID.x;
  const uint tokens_at = p.tokens_base + row * p.tokens_stride;
  const uint scores_at = p.scores_base + row * p.scores_stride;
  in_at = p.in_base + row * p.in_stride;
  allowed_at = p.allowed_base + row * p.allowed_stride;
  for (group = 0u; group < 2u; ++group) {
    Scan(-Never(), -1);
    float largest = Never();
    for (uint k = 0u; k < p.count; ++k) {
      barrier();  // the round before has been read
      best_scores[thread] = kept_scores[0];
      best_tokens[thread] = kept_tokens[0];
      barrier();
      uint from = 0u;
      for (uint i = 1u; i < THREADS; ++i) {
        const bool same = best_scores[i] == best_scores[from] && best_tokens[i] >= 0;
        if (best_scores[i] > best_scores[from] || (same && best_tokens[i] < best_tokens[from])) {
          from = i;
        }
      }
      const float score = best_scores[from];
      const int token = best_tokens[from];
      if (k == 0u) largest = score;
      if (thread == 0u) {
        tokens[tokens_at + group * p.count + k] = token;
        scores[scores_at + group * p.count + k] = score;
      }
      if (thread == from && token >= 0) {
        DropFirst();
        if (kept_tokens[0] < 0) Scan(score, token);
      }
    }
    const float log_sum = LogSum(largest);
    if (thread == 0u) scores[scores_at + 2u * p.count + group] = log_sum;
  }
  if (thread == 0u) scores[scores_at + 2u * p.count + 2u] = x[in_at + p.watched];
}
