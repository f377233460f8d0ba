// What an op becomes when a plan is compiled for the CPU: an object that holds the op's constants
// in the order in which its loops read them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "hwy/base.h"
#include "runtime/backend/cpu/packed_matrix.h"
#include "runtime/backend/host/operands.h"
#include "runtime/base/thread_pool.h"
#include "runtime/graph/plan.h"

namespace espalier::cpu {

// An f32 or f16 slot as numbers of type T, float or hwy::float16_t.
template <typename T>
MatrixView<T> ViewAs(const Operands& operands, const TensorRef& ref) {
  if constexpr (std::is_same_v<T, float>) {
    return operands.F32(ref);
  } else {
    static_assert(std::is_same_v<T, hwy::float16_t>);
    const MatrixView<uint16_t> bits = operands.F16(ref);
    return {.data = reinterpret_cast<T*>(bits.data),
            .rows = bits.rows,
            .columns = bits.columns,
            .row_stride = bits.row_stride};
  }
}

// Floats of scratch that a kernel uses while it runs, at the plan's largest row counts.
struct ScratchSize {
  int64_t per_worker = 0;
  int64_t shared = 0;

  ScratchSize Max(const ScratchSize& other) const {
    return {std::max(per_worker, other.per_worker), std::max(shared, other.shared)};
  }
};

// The threads and the scratch of one execution state. Scratch is 64-byte aligned and holds whatever
// the last kernel left.
class Workspace {
 public:
  Workspace(ThreadPool& pool, float* scratch, const ScratchSize& size)
      : pool_(pool), shared_(scratch), workers_(scratch + size.shared), stride_(size.per_worker) {}

  ThreadPool& pool() const { return pool_; }
  float* shared() const { return shared_; }
  float* worker(int worker) const { return workers_ + worker * stride_; }

 private:
  ThreadPool& pool_;
  float* shared_;
  float* workers_;
  int64_t stride_;
};

// Immutable; may run in several states at once. Run allocates nothing.
class Kernel {
 public:
  virtual ~Kernel() = default;
  virtual ScratchSize Scratch() const { return {}; }
  virtual void Run(const Operands& operands, const Workspace& workspace) const = 0;
};

// How i8 weights are multiplied (quantized_tile-inl.h).
enum class IntegerProducts {
  kPairsOfFewRows,  // as kPairs for few rows; where there are many the weights become f32
  kPairs,           // activations of 16 bits
  kQuads,           // activations of 8 bits
};

// What, in plans with i8 weights, the factors of attentions of many rows become, and with kBFloat
// those of convolutions.
enum class RoundedFactors {
  kNone,
  kBFloat,  // bfloat_tile-inl.h
  kHalf,    // half_tile-inl.h
};

// What kernels are made from.
struct Preparation {
  const Plan& plan;
  PackedCache& packed;
  ThreadPool& pool;  // to make them with
  IntegerProducts integer_products;
  RoundedFactors rounded_factors;

  // Convolutions multiply pairs of bfloats.
  bool rounds_convolutions() const { return rounded_factors == RoundedFactors::kBFloat; }
  DType TypeOf(const TensorRef& ref) const {
    return plan.slots[static_cast<size_t>(ref.slot)].dtype;
  }
  int64_t MaxRows(const TensorRef& ref) const {
    return plan.MaxRows(plan.slots[static_cast<size_t>(ref.slot)]);
  }
};

// A one-row weight as f32, padded with zeros to `padded` elements; empty without an operand.
std::vector<float> WeightRow(const Plan& plan, const WeightRef& ref, int64_t padded = 0);

// `count` rounded up to a whole number of `unit`s.
constexpr int64_t RoundUp(int64_t count, int64_t unit) { return (count + unit - 1) / unit * unit; }

// Runs task(begin, end) over [0, count) in blocks of at least `block`, a few per thread.
template <typename Task>
void ParallelBlocks(ThreadPool& pool, int64_t count, int64_t block, const Task& task) {
  constexpr int64_t kBlocksPerThread = 4;  // evens out threads that are held up
  const int64_t share = count / (kBlocksPerThread * pool.thread_count());
  const int64_t size = std::max<int64_t>(block, share);
  pool.ParallelFor((count + size - 1) / size, [&](int64_t index, int) {
    task(index * size, std::min(count, (index + 1) * size));
  });
}

// Runs run_row(row) for each row of a matrix; `block_floats`: what is worth waking a thread for.
template <typename Task>
void ParallelRows(ThreadPool& pool, int64_t rows, int64_t columns, int64_t block_floats,
                  const Task& run_row) {
  ParallelBlocks(pool, rows, block_floats / columns + 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) run_row(row);
  });
}

}  // namespace espalier::cpu
