// A plan: the flat list of operations of one stage (stem, encoder, decoder step, ...) for one set
// of gates, with every buffer placed. Built once per context, run for every window and step.
//
// Goals: the whole contract between models and backends; printable; what a closed gate removed is
// simply not in it. Non-goals: control flow, dynamic shapes beyond row counts, training.
// A plan is immutable once PlanBuilder has finished it and may be shared by threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/graph/op.h"
#include "runtime/tensor/dtype.h"

namespace espalier {

// A row count that is known only when the plan runs; buffers are sized for `max`. Lengths are data:
// a shorter window runs on the same plan.
struct Length {
  std::string name;  // "frames", "steps", "rows"
  int32_t max = 0;
  // Given by the caller when source < 0; else ⌊(lengths[source] + 2·padding - kernel) / stride⌋
  // + 1.
  int32_t source = -1;
  int32_t kernel = 1;
  int32_t stride = 1;
  int32_t padding = 0;
};

// An activation matrix, row-major, rows `columns` elements apart: f32, i32, or f16 for keys and
// values that many steps read (the ops say which operands may be). A number written to an f16 slot
// is rounded to the nearest one, a magnitude above 65504 to that: infinities would turn scores into
// NaN. Whether NaN stays is the backend's. Rows and windows of f16 slots are whole 32-bit words
// (even columns), because not every device writes less.
struct Slot {
  std::string name;
  DType dtype = DType::kF32;
  int32_t length = -1;  // row count: index into Plan::lengths, or -1 for fixed_rows
  int32_t fixed_rows = 0;
  int32_t columns = 0;
  int32_t external = -1;     // index into the buffers bound by the caller, or -1: inside the arena
  int64_t offset_bytes = 0;  // in the arena; set by the memory planner
};

// A constant matrix: a view into the model's mapped file, or computed while the plan was built.
struct Weight {
  std::string name;
  DType dtype = DType::kF32;  // f32, f16, bf16, or i8 with row_scales
  int64_t rows = 0;
  int64_t columns = 0;
  int64_t row_stride = 0;      // elements; larger than columns for a column slice
  const void* data = nullptr;  // kept alive by `owned` or Plan::weights_owner
  // i8 only: element (r, c) stands for data[r, c] · row_scales[r]; kept alive as `data`.
  const float* row_scales = nullptr;
  std::shared_ptr<const std::vector<float>> owned;
  // A selection: row r is row (*row_ids)[r] of `data` and of `row_scales`, so that nobody has to
  // copy the rows before a backend packs them. Rising; null: all rows in their order.
  std::shared_ptr<const std::vector<int32_t>> row_ids = nullptr;

  int64_t StoredRow(int64_t row) const {
    return row_ids == nullptr ? row : (*row_ids)[static_cast<size_t>(row)];
  }
  // Where the elements of a row begin.
  const std::byte* Row(int64_t row) const {
    return static_cast<const std::byte*>(data) +
           StoredRow(row) * row_stride * static_cast<int64_t>(DTypeSize(dtype));
  }
  // 1 where there are no scales.
  float RowScale(int64_t row) const {
    return row_scales == nullptr ? 1.0f : row_scales[StoredRow(row)];
  }
};

// A named intermediate that is kept until the end of the run, for dumps (reference/README's names).
struct Tap {
  std::string name;
  TensorRef value;
};

struct Plan {
  std::string name;  // "encoder", ...
  std::vector<Length> lengths;
  std::vector<Slot> slots;
  std::vector<Weight> weights;
  std::vector<Op> ops;
  std::vector<Tap> taps;
  int32_t external_count = 0;
  int64_t arena_bytes = 0;
  // The model has i8 weights, here or in its other plans. They have lost more than 16-bit factors
  // would, so a backend may round what it multiplies to such.
  bool of_i8_model = false;
  std::shared_ptr<const void> weights_owner;

  // Row counts of all lengths from those given by the caller (in order of appearance). Errors:
  // kInvalidArgument when one is negative, above its maximum, or too short for a convolution.
  // `resolved` has lengths.size() elements. Allocates only for an error's message.
  Status ResolveLengths(std::span<const int32_t> given, std::span<int32_t> resolved) const;

  // Largest row count of a slot, and its size in bytes at that count.
  int32_t MaxRows(const Slot& slot) const;
  int64_t MaxBytes(const Slot& slot) const;

  // Checks every op's operands: indices, columns, dtypes, overlaps. A backend relies on it.
  Status Validate() const;

  // One line per length, slot, weight and op: the golden form of a plan.
  std::string ToText() const;
};

}  // namespace espalier
