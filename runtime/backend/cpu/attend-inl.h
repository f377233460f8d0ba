// Attention of a few query rows of one head, for decoder steps: keys and values are read once, in
// order and as they lie.
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

// scores[j] = query · key of row t + j, j in [0, kCount): several at once, so that their sums are
// independent.
template <int kCount, typename Rows>
HWY_INLINE void ScoreKeys(const HeadMemory<Rows>& memory, const float* query, int64_t t,
                          float* scores) {
  const Floats d;
  const float* keys[kCount];
  V sums[kCount];
  HWY_UNROLL(8) for (int j = 0; j < kCount; ++j) {
    keys[j] = memory.keys.row(memory.rows(t + j)) + memory.begin;
    sums[j] = hn::Zero(d);
  }
  int64_t i = 0;
  for (; i + kLanes <= memory.width; i += kLanes) {
    const V q = hn::LoadU(d, query + i);
    HWY_UNROLL(8) for (int j = 0; j < kCount; ++j) {
      sums[j] = hn::MulAdd(q, hn::LoadU(d, keys[j] + i), sums[j]);
    }
  }
  HWY_UNROLL(8) for (int j = 0; j < kCount; ++j) {
    scores[j] = Sum(sums[j]);
    for (int64_t c = i; c < memory.width; ++c) scores[j] += query[c] * keys[j][c];
  }
}

// scores[t] for t in [begin, end).
template <typename Rows>
void ScoreRange(const HeadMemory<Rows>& memory, const float* query, int64_t begin, int64_t end,
                float* scores) {
  int64_t t = begin;
  for (; t + 4 <= end; t += 4) ScoreKeys<4>(memory, query, t, scores + t);
  for (; t < end; ++t) ScoreKeys<1>(memory, query, t, scores + t);
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

// out[0 … kVectors·kLanes) += Σ weights[t] · values.row(rows(t))[column …], t in [begin, end)
template <int kVectors, typename Rows>
HWY_INLINE void AddWeightedColumns(const HeadMemory<Rows>& memory, int64_t column,
                                   const float* weights, int64_t begin, int64_t end, float* out) {
  const Floats d;
  V sums[kVectors];
  HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) sums[v] = hn::LoadU(d, out + v * kLanes);
  for (int64_t t = begin; t < end; ++t) {
    const float* row = memory.values.row(memory.rows(t)) + column;
    const V weight = hn::Set(d, weights[t]);
    HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
      sums[v] = hn::MulAdd(weight, hn::LoadU(d, row + v * kLanes), sums[v]);
    }
  }
  HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) hn::StoreU(sums[v], d, out + v * kLanes);
}

// out += Σ weights[t] · value of t, t in [begin, end), over the head's columns.
template <typename Rows>
void AddWeighted(const HeadMemory<Rows>& memory, const float* weights, int64_t begin, int64_t end,
                 float* out) {
  int64_t c = 0;
  for (; c + 8 * kLanes <= memory.width; c += 8 * kLanes) {
    AddWeightedColumns<8>(memory, memory.begin + c, weights, begin, end, out + c);
  }
  for (; c + kLanes <= memory.width; c += kLanes) {
    AddWeightedColumns<1>(memory, memory.begin + c, weights, begin, end, out + c);
  }
  for (; c < memory.width; ++c) {
    for (int64_t t = begin; t < end; ++t) {
      out[c] += weights[t] * memory.values.row(memory.rows(t))[memory.begin + c];
    }
  }
}

// What a query row needs and where its result goes.
struct AttendingRow {
  const float* query;
  float* scores;  // room for count + kLanes floats
  float* out;
};

// out = Σ softmax(q·K·scale)·V for `row_count` rows that share keys and values. A block of keys,
// then of values, serves all rows while it is in L1.
template <typename Rows>
void AttendRows(const HeadMemory<Rows>& memory, float scale, const AttendingRow* rows,
                int64_t row_count) {
  constexpr int64_t kBlock = 64;
  for (int64_t r = 0; r < row_count; ++r) std::fill_n(rows[r].out, memory.width, 0.0f);
  if (memory.count == 0) return;  // the softmax over nothing
  for (int64_t t = 0; t < memory.count; t += kBlock) {
    const int64_t end = std::min(memory.count, t + kBlock);
    for (int64_t r = 0; r < row_count; ++r) {
      ScoreRange(memory, rows[r].query, t, end, rows[r].scores);
    }
  }
  for (int64_t r = 0; r < row_count; ++r) {
    float* scores = rows[r].scores;
    const float largest = Largest(scores, memory.count);
    const float total = ExpAndSum(scores, memory.count, scale, -largest * scale);
    const float inverse = 1.0f / total;
    for (int64_t t = 0; t < memory.count; ++t) scores[t] *= inverse;
  }
  for (int64_t t = 0; t < memory.count; t += kBlock) {
    const int64_t end = std::min(memory.count, t + kBlock);
    for (int64_t r = 0; r < row_count; ++r) {
      AddWeighted(memory, rows[r].scores, t, end, rows[r].out);
    }
  }
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
