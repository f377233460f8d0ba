#version 450
// CTC prefix scores (graph/ops/ctc_prefix_score.h): a workgroup per hypothesis and candidate. The
// recursion over the steps is cut into a run of neighbouring steps for each invocation: x ->
// (x + a) ⊕ b composes, so every invocation first walks its run from nothing, a scan gives what
// comes in from the left, and that is added to what was written.
#extension GL_GOOGLE_include_directive : enable
#include "params/ctc_prefix_score.h"
#include "lib/rows.glsl"
#include "lib/math.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 8;

layout(binding = 1, std430) readonly buffer LogProbs { float log_probs[]; };
layout(binding = 2, std430) readonly buffer Tokens { int tokens[]; };
layout(binding = 3, std430) readonly buffer Hypotheses { int hypotheses[]; };
layout(binding = 4, std430) buffer State { float state[]; };
layout(binding = 5, std430) writeonly buffer Scores { float scores[]; };

shared float scan_a[2 * THREADS];
shared float scan_b[2 * THREADS];

int parent, token, last_token, column;
uint begin, end;  // this invocation's steps

float LogAdd(float x, float y) {
  const float high = max(x, y);
  return high + Log(1.0 + Exp(min(x, y) - high));
}

// b of all runs so far, this one's included, and of those before it; the first run's a must be
// log_zero.
void Scan(float a, float b, out float before, out float total) {
  const uint thread = gl_LocalInvocationID.x;
  uint half_at = 0u;
  barrier();  // the scan before has been read
  scan_a[thread] = a;
  scan_b[thread] = b;
  barrier();
  for (uint d = 1u; d < THREADS; d *= 2u) {
    if (thread >= d) {
      b = LogAdd(scan_b[half_at + thread - d] + a, b);
      a += scan_a[half_at + thread - d];
    }
    half_at = THREADS - half_at;
    scan_a[half_at + thread] = a;
    scan_b[half_at + thread] = b;
    barrier();
  }
  before = thread > 0u ? scan_b[half_at + thread - 1u] : p.log_zero;
  total = scan_b[half_at + THREADS - 1u];
}

// Sums of the blank's log-probabilities over the runs before this one, and over all.
void ScanBlanks(float sum, out float before, out float total) {
  const uint thread = gl_LocalInvocationID.x;
  scan_a[thread] = sum;
  barrier();
  before = total = 0.0;
  for (uint i = 0u; i < THREADS; ++i) {
    if (i == thread) before = total;
    total += scan_a[i];
  }
}

float LogProb(uint t, int id) {
  if (id < 0) return p.log_zero;
  return max(p.log_zero, log_probs[p.log_probs_base + t * p.log_probs_stride + uint(id)]);
}
float Blank(uint t) { return LogProb(t, int(p.blank)); }
float LabelSum(int of, uint t) { return state[p.label_base + t * p.state_stride + uint(of)]; }
float BlankSum(int of, uint t) { return state[p.blank_base + t * p.state_stride + uint(of)]; }

void main() {
  const uint thread = gl_LocalInvocationID.x, row = gl_WorkGroupID.x, candidate = gl_WorkGroupID.y;
  const uint steps = Rows(p.steps);
  const uint scores_at = p.scores_base + row * p.scores_stride;
  const uint about = p.hypotheses_base + row * p.hypotheses_stride;
  const int k = hypotheses[about + 3u] - 1;
  if (k < 0 || steps == 0u) {
    if (thread == 0u) {
      scores[scores_at + candidate] = p.log_zero;
      if (candidate == 0u) scores[scores_at + p.candidates] = p.log_zero;
    }
    return;
  }
  parent = hypotheses[about];
  column = hypotheses[about + 1u] + int(candidate);
  last_token = hypotheses[about + 2u];
  token = tokens[p.tokens_base + row * p.tokens_stride + candidate];
  const uint first = uint(max(k, 1));
  const uint each = (steps + THREADS - 1u) / THREADS;
  begin = min(thread * each, steps);
  end = min(begin + each, steps);

  // A primer's paths are blanks so far: their running sum stands for its state.
  float blanks = 0.0, all_blanks = 0.0;
  if (parent < 0) {
    float sum = 0.0;
    for (uint t = begin; t < end; ++t) sum += Blank(t);
    ScanBlanks(sum, blanks, all_blanks);
  }

  float a = 0.0, b = p.log_zero, psi = p.log_zero;
  for (uint t = begin; t < end; ++t) {
    if (t < first) {
      b = psi = t == 0u && k == 0 ? LogProb(0u, token) : p.log_zero;
      a = p.log_zero;
    } else {
      float phi = blanks;
      if (parent >= 0) {
        phi = BlankSum(parent, t - 1u);
        if (token != last_token) phi = LogAdd(LabelSum(parent, t - 1u), phi);
      }
      const float x = LogProb(t, token);
      b = LogAdd(b, phi) + x;
      psi = LogAdd(psi, phi + x);
      a += x;
    }
    if (parent < 0) blanks += Blank(t);
    state[p.label_base + t * p.state_stride + uint(column)] = b;
  }
  float psi_before, psi_total;
  Scan(0.0, psi, psi_before, psi_total);

  // What comes in from the left, then the same for the paths that end in a blank.
  float incoming, unused;
  Scan(a, b, incoming, unused);
  a = 0.0;
  float a_blank = 0.0, b_blank = p.log_zero, label_before = incoming;
  for (uint t = begin; t < end; ++t) {
    a = t < first ? p.log_zero : a + LogProb(t, token);
    if (t < first) {
      a_blank = b_blank = p.log_zero;
    } else {
      const float x = Blank(t);
      b_blank = LogAdd(label_before, b_blank) + x;
      a_blank += x;
    }
    label_before = LogAdd(incoming + a, LabelSum(column, t));
    state[p.label_base + t * p.state_stride + uint(column)] = label_before;
    state[p.blank_base + t * p.state_stride + uint(column)] = b_blank;
  }
  Scan(a_blank, b_blank, incoming, unused);
  a_blank = 0.0;
  for (uint t = begin; t < end; ++t) {
    a_blank = t < first ? p.log_zero : a_blank + Blank(t);
    state[p.blank_base + t * p.state_stride + uint(column)] =
        LogAdd(incoming + a_blank, BlankSum(column, t));
  }

  if (thread != 0u) return;
  float eos = all_blanks;
  if (parent >= 0) eos = LogAdd(LabelSum(parent, steps - 1u), BlankSum(parent, steps - 1u));
  float score = psi_total;
  if (token == int(p.blank)) score = p.log_zero;
  if (token == int(p.eos)) score = eos;
  scores[scores_at + candidate] = score;
  if (candidate == 0u) scores[scores_at + p.candidates] = eos;
}
