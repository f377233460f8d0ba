// Attention of one query row of one head, for the few rows of a decoder step: memory is read once
// and in order, nothing is rearranged.
#if defined(ESP_CPU_ATTEND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_ATTEND_INL_H_
#undef ESP_CPU_ATTEND_INL_H_
#else
#define ESP_CPU_ATTEND_INL_H_
#endif

#include <algorithm>
#include <limits>

#include "runtime/backend/cpu/vector_math-inl.h"
#include "runtime/backend/host/operands.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// Keys and values of one head: the columns [begin, begin + width) of row row(t), t in [0, count).
// `Rows` maps t to a row of both matrices.
template <typename Rows>
struct HeadMemory {
  MatrixView<float> keys, values;
  int64_t begin, width, count;
  Rows rows;
};

HWY_INLINE float Dot(const float* a, const float* b, int64_t count) {
  const Floats d;
  V sum0 = hn::Zero(d), sum1 = hn::Zero(d);
  int64_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, a + i + kLanes), hn::LoadU(d, b + i + kLanes), sum1);
  }
  for (; i + kLanes <= count; i += kLanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum0);
  }
  float sum = Sum(hn::Add(sum0, sum1));
  for (; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// Largest of `count` values, count > 0. A NaN may be left out.
HWY_INLINE float Largest(const float* values, int64_t count) {
  const Floats d;
  V largest = hn::Set(d, values[0]);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) largest = hn::Max(hn::LoadU(d, values + i), largest);
  float result = hn::GetLane(hn::MaxOfLanes(d, largest));
  for (; i < count; ++i) result = std::max(result, values[i]);
  return result;
}

// values[i] = e^(values[i]·scale + shift), in place; their sum. Writes up to the next whole vector.
HWY_INLINE float ExpAndSum(float* values, int64_t count, float scale, float shift) {
  const Floats d;
  const V scales = hn::Set(d, scale), shifts = hn::Set(d, shift);
  V sum = hn::Zero(d);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    const V e = Exp(hn::MulAdd(hn::LoadU(d, values + i), scales, shifts));
    hn::StoreU(e, d, values + i);
    sum = hn::Add(sum, e);
  }
  float total = Sum(sum);
  if (i < count) {
    hn::StoreU(Exp(hn::MulAdd(hn::LoadU(d, values + i), scales, shifts)), d, values + i);
    for (; i < count; ++i) total += values[i];
  }
  return total;
}

// out[0 … kVectors·kLanes) = scale · Σ_t weights[t] · values.row(rows(t))[column …]
template <int kVectors, typename Rows>
HWY_INLINE void WeightedColumns(const HeadMemory<Rows>& memory, int64_t column,
                                const float* weights, float scale, float* out) {
  const Floats d;
  V sums[kVectors];
  HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) sums[v] = hn::Zero(d);
  for (int64_t t = 0; t < memory.count; ++t) {
    const float* row = memory.values.row(memory.rows(t)) + column;
    const V weight = hn::Set(d, weights[t]);
    HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
      sums[v] = hn::MulAdd(weight, hn::LoadU(d, row + v * kLanes), sums[v]);
    }
  }
  HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
    hn::StoreU(hn::Mul(sums[v], hn::Set(d, scale)), d, out + v * kLanes);
  }
}

template <typename Rows>
void WeightedSum(const HeadMemory<Rows>& memory, const float* weights, float scale, float* out) {
  int64_t c = 0;
  for (; c + 8 * kLanes <= memory.width; c += 8 * kLanes) {
    WeightedColumns<8>(memory, memory.begin + c, weights, scale, out + c);
  }
  for (; c + kLanes <= memory.width; c += kLanes) {
    WeightedColumns<1>(memory, memory.begin + c, weights, scale, out + c);
  }
  for (; c < memory.width; ++c) {
    float sum = 0.0f;
    for (int64_t t = 0; t < memory.count; ++t) {
      sum += weights[t] * memory.values.row(memory.rows(t))[memory.begin + c];
    }
    out[c] = sum * scale;
  }
}

// out = Σ softmax(q·K·scale)·V over `width` columns. `scores` has room for count + kLanes floats.
template <typename Rows>
void AttendRow(const HeadMemory<Rows>& memory, const float* query, float scale, float* scores,
               float* out) {
  if (memory.count == 0) {
    std::fill_n(out, memory.width, 0.0f);  // the softmax over nothing
    return;
  }
  for (int64_t t = 0; t < memory.count; ++t) {
    scores[t] = Dot(query, memory.keys.row(memory.rows(t)) + memory.begin, memory.width);
  }
  const float largest = Largest(scores, memory.count);
  const float total = ExpAndSum(scores, memory.count, scale, -largest * scale);
  WeightedSum(memory, scores, 1.0f / total, out);
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
