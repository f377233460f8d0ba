// A plan as launches: what is left to do when buffers are bound is to capture them.
//
// A graph's launches are made for fixed row counts, and smaller ones leave blocks idle and products
// too large. So a plan gets one program for each class of row counts, captured when it is bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "cuda/kernels.h"
#include "runtime/backend/backend.h"

namespace espalier::cuda {

// A window of a slot, its place not yet known.
struct Operand {
  int32_t slot = -1;
  int64_t first = 0;  // element
  int32_t stride = 0;
  Storage storage = Storage::kF32;  // of an f32 or f16 slot
};

// A row count: fixed, or a length of the plan.
struct RowSource {
  int32_t length = -1;
  int32_t most = 0;  // in this program
};

// What a launch runs on: the slots of one session at their places.
struct Frame {
  cudaStream_t stream = nullptr;
  const int32_t* lengths = nullptr;  // on the device, by length of the plan
  std::vector<std::byte*> slots;
  std::byte* scratch = nullptr;    // Program::scratch_bytes
  std::byte* workspace = nullptr;  // Products::kWorkspaceBytes

  template <typename T = float>
  Window<T> At(const Operand& operand) const {
    if (operand.slot < 0) return {};
    T* const data = reinterpret_cast<T*>(slots[static_cast<size_t>(operand.slot)]);
    return {.data = data + operand.first, .stride = operand.stride};
  }
  Numbers NumbersAt(const Operand& operand) const {
    if (operand.slot < 0) return {};
    const int64_t size_bytes = operand.storage == Storage::kF16 ? 2 : 4;
    return {.data = slots[static_cast<size_t>(operand.slot)] + operand.first * size_bytes,
            .stride = operand.stride,
            .storage = operand.storage};
  }
  Window<const float> Read(const Operand& operand) const { return At<const float>(operand); }
  Window<const int32_t> Indices(const Operand& operand) const { return At<const int32_t>(operand); }
  Window<int32_t> WritableIndices(const Operand& operand) const { return At<int32_t>(operand); }
  Rows Count(const RowSource& rows) const {
    return {.at = rows.length >= 0 ? lengths + rows.length : nullptr, .most = rows.most};
  }
};

// One or two launches of an op. `launches`: how many.
struct Step {
  size_t op_index = 0;
  int launches = 1;
  std::function<Status(const Frame&)> launch;
};

struct Program {
  std::vector<int32_t> most_rows;  // by length of the plan: what the program was made for
  std::vector<Step> steps;
  std::vector<size_t> segments;  // first step of each: a graph of its own
  size_t scratch_bytes = 0;      // used by one step at a time

  bool Fits(std::span<const int32_t> lengths) const;
  int64_t LaunchCount() const;
};

// Row counts that programs are made for, each by length of the plan, rising: the first that fits is
// the best. For a plan with a key/value cache every combination of a single row, few and the most
// where the row count decides on a kernel; for others a quarter, a half and all of what the caller
// may give.
std::vector<std::vector<int32_t>> RowClasses(const Plan& plan);

// Cuts the program where a session should look whether to stop.
void PlaceSegments(const Plan& plan, Program* program);

}  // namespace espalier::cuda
