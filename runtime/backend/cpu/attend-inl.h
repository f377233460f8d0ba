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

#include "hwy/cache_control.h"
#include "runtime/backend/cpu/vector_math-inl.h"
#include "runtime/backend/host/operands.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// Keys and values of one head, f32 or f16: the columns [begin, begin + width) of row rows(t).
// `RowsOf` maps a position t to a row of both matrices.
template <typename T, typename RowsOf>
struct HeadMemory {
  using Number = T;
  MatrixView<T> keys, values;
  int64_t begin, width;
  RowsOf rows;
};

// Rows that are taken through a key or value at once: as many as have their sums in registers.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr int kRowGroup = 5;
#else
constexpr int kRowGroup = 2;
#endif

// What a query row needs and where its result goes.
struct AttendingRow {
  const float* query;
  int64_t count;  // of keys that it attends to, from the first
  float* scores;  // room for count + kLanes floats
  float* out;
};

// to[j] = the sum of sums[j]'s lanes
HWY_INLINE void StoreSums(const V (&sums)[4], float* to) {
#if HWY_TARGET == HWY_SCALAR
  for (int j = 0; j < 4; ++j) to[j] = hn::GetLane(sums[j]);
#else
  const Floats d;
  const hn::RepartitionToWide<Floats> wide;
  // Within blocks of four lanes: sums of two lanes of two vectors, then of two of those.
  const V first =
      hn::Add(hn::InterleaveLower(d, sums[0], sums[1]), hn::InterleaveUpper(d, sums[0], sums[1]));
  const V second =
      hn::Add(hn::InterleaveLower(d, sums[2], sums[3]), hn::InterleaveUpper(d, sums[2], sums[3]));
  const auto a = hn::BitCast(wide, first), b = hn::BitCast(wide, second);
  const V fours = hn::Add(hn::BitCast(d, hn::InterleaveLower(wide, a, b)),
                          hn::BitCast(d, hn::InterleaveUpper(wide, a, b)));
  if constexpr (kLanes == 4) {
    hn::StoreU(fours, d, to);
  } else {
    const hn::Half<Floats> half;
    const auto halves = hn::Add(hn::LowerHalf(half, fours), hn::UpperHalf(half, fours));
    if constexpr (kLanes == 8) {
      hn::StoreU(halves, half, to);
    } else {
      const hn::Half<decltype(half)> quarter;
      hn::StoreU(hn::Add(hn::LowerHalf(quarter, halves), hn::UpperHalf(quarter, halves)), quarter,
                 to);
    }
  }
#endif
}

// A head's part of a row is two to four cache lines, and the next one a row further: too short for
// the processor to see it coming. So many rows ahead are asked for.
constexpr int64_t kAhead = 16;
template <typename T>
HWY_INLINE void FetchRow(const T* row, int64_t width) {
  constexpr int64_t kLine = 64 / sizeof(T);
  for (int64_t i = 0; i < width; i += kLine) hwy::Prefetch(row + i);
}

// rows[r].scores[t + j] = query of row r · key of t + j, j in [0, 4).
template <int kRows, typename Memory>
HWY_INLINE void ScoreFourKeys(const Memory& memory, const AttendingRow* rows, int64_t t) {
  const Floats d;
  const typename Memory::Number* keys[4];
  HWY_UNROLL(4) for (int j = 0; j < 4; ++j) {
    keys[j] = memory.keys.row(memory.rows(t + j)) + memory.begin;
  }
  V sums[kRows][4];
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(4) for (int j = 0; j < 4; ++j) sums[r][j] = hn::Zero(d);
  }
  int64_t i = 0;
  for (; i + kLanes <= memory.width; i += kLanes) {
    V key[4];
    HWY_UNROLL(4) for (int j = 0; j < 4; ++j) key[j] = LoadFloats(keys[j] + i);
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      const V query = hn::LoadU(d, rows[r].query + i);
      HWY_UNROLL(4) for (int j = 0; j < 4; ++j) {
        sums[r][j] = hn::MulAdd(query, key[j], sums[r][j]);
      }
    }
  }
  if (i < memory.width) {
    V key[4];
    HWY_UNROLL(4) for (int j = 0; j < 4; ++j) key[j] = LoadSomeFloats(keys[j] + i, memory.width - i);
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      const V query = LoadSomeFloats(rows[r].query + i, memory.width - i);
      HWY_UNROLL(4) for (int j = 0; j < 4; ++j) {
        sums[r][j] = hn::MulAdd(query, key[j], sums[r][j]);
      }
    }
  }
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) StoreSums(sums[r], rows[r].scores + t);
}

// scores[t] for t in [begin, end) of kRows rows.
template <int kRows, typename Memory>
void ScoreRange(const Memory& memory, const AttendingRow* rows, int64_t begin, int64_t end) {
  int64_t t = begin;
  for (; t + 4 <= end; t += 4) {
    if (t + kAhead + 4 <= end) {
      for (int j = 0; j < 4; ++j) {
        FetchRow(memory.keys.row(memory.rows(t + kAhead + j)) + memory.begin, memory.width);
      }
    }
    ScoreFourKeys<kRows>(memory, rows, t);
  }
  const Floats d;
  for (; t < end; ++t) {
    const auto* key = memory.keys.row(memory.rows(t)) + memory.begin;
    for (int r = 0; r < kRows; ++r) {
      V sum = hn::Zero(d);
      int64_t i = 0;
      for (; i + kLanes <= memory.width; i += kLanes) {
        sum = hn::MulAdd(hn::LoadU(d, rows[r].query + i), LoadFloats(key + i), sum);
      }
      rows[r].scores[t] = Sum(sum);
      for (; i < memory.width; ++i) rows[r].scores[t] += rows[r].query[i] * ToFloat(key[i]);
    }
  }
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

// Columns [column, column + kVectors·kLanes) of the head: rows[r].out += Σ weight of t · value of
// t, t in [begin, end), the weights in `scores`.
template <int kRows, int kVectors, typename Memory>
HWY_INLINE void AddWeightedColumns(const Memory& memory, const AttendingRow* rows, int64_t column,
                                   int64_t begin, int64_t end) {
  const Floats d;
  V sums[kRows][kVectors];
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::LoadU(d, rows[r].out + column + v * kLanes);
    }
  }
  for (int64_t t = begin; t < end; ++t) {
    const auto* row = memory.values.row(memory.rows(t)) + memory.begin + column;
    if (t + kAhead < end) {
      FetchRow(memory.values.row(memory.rows(t + kAhead)) + memory.begin + column,
               kVectors * kLanes);
    }
    V values[kVectors];
    HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) values[v] = LoadFloats(row + v * kLanes);
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      const V weight = hn::Set(d, rows[r].scores[t]);
      HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::MulAdd(weight, values[v], sums[r][v]);
      }
    }
  }
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    HWY_UNROLL(8) for (int v = 0; v < kVectors; ++v) {
      hn::StoreU(sums[r][v], d, rows[r].out + column + v * kLanes);
    }
  }
}

// The same of the last columns, fewer than kLanes.
template <int kRows, typename Memory>
HWY_INLINE void AddWeightedRest(const Memory& memory, const AttendingRow* rows, int64_t column,
                                int64_t begin, int64_t end) {
  const Floats d;
  const int64_t count = memory.width - column;
  V sums[kRows];
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    sums[r] = LoadSomeFloats(rows[r].out + column, count);
  }
  for (int64_t t = begin; t < end; ++t) {
    const auto* row = memory.values.row(memory.rows(t)) + memory.begin;
    const V value = LoadSomeFloats(row + column, count);
    HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
      sums[r] = hn::MulAdd(hn::Set(d, rows[r].scores[t]), value, sums[r]);
    }
  }
  const auto some = hn::FirstN(d, static_cast<size_t>(count));
  HWY_UNROLL(8) for (int r = 0; r < kRows; ++r) {
    hn::BlendedStore(sums[r], some, d, rows[r].out + column);
  }
}

// Over all of the head's columns.
template <int kRows, typename Memory>
void AddWeighted(const Memory& memory, const AttendingRow* rows, int64_t begin, int64_t end) {
  int64_t c = 0;
  if constexpr (kRows == 1) {  // more vectors: sums enough to hide the latency of an addition
    for (; c + 8 * kLanes <= memory.width; c += 8 * kLanes) {
      AddWeightedColumns<1, 8>(memory, rows, c, begin, end);
    }
  }
  for (; c + 4 * kLanes <= memory.width; c += 4 * kLanes) {
    AddWeightedColumns<kRows, 4>(memory, rows, c, begin, end);
  }
  for (; c + kLanes <= memory.width; c += kLanes) {
    AddWeightedColumns<kRows, 1>(memory, rows, c, begin, end);
  }
  if (c < memory.width) AddWeightedRest<kRows>(memory, rows, c, begin, end);
}

// scores[t] = e^(scores[t]·scale) / their sum, t in [0, count)
HWY_INLINE void Soften(const AttendingRow& row, float scale) {
  const float largest = Largest(row.scores, row.count);
  const float total = ExpAndSum(row.scores, row.count, scale, -largest * scale);
  const float inverse = 1.0f / total;
  for (int64_t t = 0; t < row.count; ++t) row.scores[t] *= inverse;
}

// out = Σ softmax(q·K·scale)·V for kRows rows that share keys and values. A block of keys, then of
// values, is read once for all rows.
template <int kRows, typename Memory>
void AttendGroup(const Memory& memory, float scale, const AttendingRow* rows) {
  int64_t shared = rows[0].count;
  for (int r = 0; r < kRows; ++r) {
    std::fill_n(rows[r].out, memory.width, 0.0f);
    shared = std::min(shared, rows[r].count);
  }
  ScoreRange<kRows>(memory, rows, 0, shared);
  for (int r = 0; r < kRows; ++r) {
    ScoreRange<1>(memory, rows + r, shared, rows[r].count);
    if (rows[r].count > 0) Soften(rows[r], scale);  // else the softmax over nothing
  }
  AddWeighted<kRows>(memory, rows, 0, shared);
  for (int r = 0; r < kRows; ++r) AddWeighted<1>(memory, rows + r, shared, rows[r].count);
}

// The same for row_count rows, 0 < row_count <= kRows.
template <int kRows, typename Memory>
void AttendSome(const Memory& memory, float scale, const AttendingRow* rows, int64_t row_count) {
  if (row_count == kRows) return AttendGroup<kRows>(memory, scale, rows);
  if constexpr (kRows > 1) AttendSome<kRows - 1>(memory, scale, rows, row_count);
}

// The same for any number of rows.
template <typename Memory>
void AttendRows(const Memory& memory, float scale, const AttendingRow* rows, int64_t row_count) {
  for (int64_t r = 0; r < row_count; r += kRowGroup) {
    AttendSome<kRowGroup>(memory, scale, rows + r, std::min<int64_t>(kRowGroup, row_count - r));
  }
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
