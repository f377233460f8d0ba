// One op with its operands and their contents: what every backend must compute alike.
//
// Every operand is an external buffer that is wider and longer than the op needs, filled with
// noise, and compared whole afterwards: a kernel that writes outside its window fails.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/graph/plan.h"

namespace espalier::conformance {

// |got - expected| <= absolute + relative * |expected|.
struct Tolerance {
  float absolute = 0.0f;
  float relative = 0.0f;
};

struct OpCase {
  std::string name;
  std::shared_ptr<const Plan> plan;
  std::vector<int32_t> lengths;
  std::vector<std::vector<std::byte>> contents;  // of each external buffer before the run
  Tolerance tolerance;
  // Added to the absolute tolerance of a backend that rounds the activations of products to the
  // weights' 16-bit type, or to 8 bits for i8 weights (Candidate::rounds_activations).
  float rounding = 0.0f;
};

// Six standard deviations of a sum of `depth` products whose inputs, of magnitude `input`, are off
// by up to half a step, with weights of magnitude `weight`.
float RoundingTolerance(int32_t depth, float step, float weight);
// The step of activations of magnitude `input` in the 16-bit type `storage`, or in 8 bits for all
// of
// [-input, input] (i8); 0 for f32.
float RoundingStep(DType storage, float input);

class CaseBuilder {
 public:
  // `storage`: how the weights are stored (f32, f16, bf16, or i8 with a scale for each row).
  CaseBuilder(std::string name, DType storage, Tolerance tolerance);

  // A row count of the run, and a larger one that the buffers hold.
  int32_t Length(int32_t rows);
  int32_t ConvLength(int32_t source, int32_t kernel, int32_t stride, int32_t padding);

  // A window into a wider slot: uniform values in [-amplitude, amplitude].
  TensorRef Slot(int32_t length, int32_t columns, float amplitude = 1.0f);
  TensorRef FixedSlot(int32_t rows, int32_t columns, float amplitude = 1.0f);
  // The same of a slot that is f32 or f16.
  TensorRef Numbers(DType dtype, int32_t length, int32_t columns, float amplitude = 1.0f);
  TensorRef FixedNumbers(DType dtype, int32_t rows, int32_t columns, float amplitude = 1.0f);
  // (length or rows, columns) indices; those behind `values` are zero.
  TensorRef Indices(int32_t length, const std::vector<int32_t>& values);
  TensorRef FixedIndices(int32_t rows, int32_t columns, const std::vector<int32_t>& values);
  // (length, columns) integers that the op writes.
  TensorRef Integers(int32_t length, int32_t columns);
  // A weight with a row stride wider than its columns, aligned to its element only.
  WeightRef Weight(int64_t rows, int64_t columns, float amplitude = 1.0f);
  // The same for operands that are never i8 (Plan::Validate): f16 then.
  WeightRef FloatWeight(int64_t rows, int64_t columns, float amplitude = 1.0f);

  // The weight cut down to the rows `ids` (Weight::row_ids).
  WeightRef SelectRows(const WeightRef& whole, std::vector<int32_t> ids);

  // Overwrites one element of the window, which is f32.
  void Poke(const TensorRef& ref, int32_t row, int32_t column, float value);

  // OpCase::rounding of a product of `depth`.
  void AllowRounding(int32_t depth, float input, float weight) {
    case_.rounding = RoundingTolerance(depth, RoundingStep(storage_, input), weight);
  }
  // OpCase::rounding of an op without weights, in a plan that holds 16-bit or i8 ones, on a backend
  // that then rounds the op's operands: to bfloat16, or to f16, whose step is an eighth.
  void AllowRounding(float to_bfloat16) {
    if (storage_ == DType::kF32) return;
    Weight(1, 1);
    case_.rounding = storage_ == DType::kF16 ? to_bfloat16 / 8 : to_bfloat16;
  }

  OpCase Build(const Op& op);

 private:
  WeightRef AddWeight(DType storage, int64_t rows, int64_t columns, float amplitude);
  TensorRef AddSlot(espalier::Slot slot, int32_t columns, float amplitude);
  float Random(float amplitude);

  OpCase case_;
  Plan plan_;
  DType storage_;
  uint64_t state_ = 0x9E3779B97F4A7C15u;
  struct WeightMemory {
    std::vector<std::vector<uint8_t>> bytes;
    std::vector<std::vector<float>> scales;
  };
  std::shared_ptr<WeightMemory> weight_memory_;
};

// The cases of each op, in ops/<op>_cases.cc. A missing file is a link error that names the op.
#define ESP_OP(name) std::vector<OpCase> name##Cases(DType storage);
#include "runtime/graph/op_list.inc"
#undef ESP_OP

}  // namespace espalier::conformance
