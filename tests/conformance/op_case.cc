#include "tests/conformance/op_case.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <utility>

#include "runtime/graph/memory_planner.h"
#include "runtime/tensor/half.h"

namespace espalier::conformance {
namespace {

constexpr int32_t kLeftColumns = 3;  // of a slot beside the window, odd so that rows are unaligned
constexpr int32_t kLeftHalves = 6;   // the same of f16, which lie in whole words
constexpr int32_t kRightColumns = 2;
constexpr int32_t kSpareRows = 2;

}  // namespace

float RoundingTolerance(int32_t depth, float step, float weight) {
  return 6.0f * step * 0.29f * weight * 0.58f * std::sqrt(static_cast<float>(depth));
}

float RoundingStep(DType storage, float input) {
  if (storage == DType::kF16) return input * 0x1p-10f;
  if (storage == DType::kBF16) return input * 0x1p-7f;
  return storage == DType::kI8 ? 2.0f * input / 255.0f : 0.0f;
}

CaseBuilder::CaseBuilder(std::string name, DType storage, Tolerance tolerance)
    : storage_(storage), weight_memory_(std::make_shared<WeightMemory>()) {
  case_.name = std::move(name);
  case_.tolerance = tolerance;
  plan_.name = case_.name;
  plan_.of_i8_model = storage == DType::kI8;
}

int32_t CaseBuilder::Length(int32_t rows) {
  plan_.lengths.push_back({.name = "rows", .max = rows + kSpareRows});
  case_.lengths.push_back(rows);
  return static_cast<int32_t>(plan_.lengths.size()) - 1;
}

int32_t CaseBuilder::ConvLength(int32_t source, int32_t kernel, int32_t stride, int32_t padding) {
  const int32_t max = plan_.lengths[static_cast<size_t>(source)].max;
  plan_.lengths.push_back({.name = "derived",
                           .max = (max + 2 * padding - kernel) / stride + 1,
                           .source = source,
                           .kernel = kernel,
                           .stride = stride,
                           .padding = padding});
  return static_cast<int32_t>(plan_.lengths.size()) - 1;
}

float CaseBuilder::Random(float amplitude) {
  state_ = state_ * 6364136223846793005u + 1442695040888963407u;
  return amplitude * (static_cast<float>(state_ >> 40) * 0x1p-23f - 1.0f);
}

TensorRef CaseBuilder::AddSlot(espalier::Slot slot, int32_t columns, float amplitude) {
  const auto index = static_cast<int32_t>(plan_.slots.size());
  slot.name = "slot" + std::to_string(index);
  slot.external = plan_.external_count++;
  const bool is_index = slot.dtype == DType::kI32;
  const bool is_half = slot.dtype == DType::kF16;
  const int32_t left = is_index ? 0 : is_half ? kLeftHalves : kLeftColumns;
  slot.columns = is_index ? columns : left + columns + kRightColumns;
  std::vector<std::byte> bytes(static_cast<size_t>(plan_.MaxBytes(slot)));
  const size_t size = DTypeSize(slot.dtype);
  for (size_t i = 0; !is_index && i + size <= bytes.size(); i += size) {
    const float value = Random(amplitude);
    const uint16_t half = FloatToHalf(value);
    std::memcpy(&bytes[i], is_half ? static_cast<const void*>(&half) : &value, size);
  }
  case_.contents.push_back(std::move(bytes));
  plan_.slots.push_back(std::move(slot));
  return {.slot = index, .column_begin = left, .column_count = columns};
}

TensorRef CaseBuilder::Slot(int32_t length, int32_t columns, float amplitude) {
  return Numbers(DType::kF32, length, columns, amplitude);
}

TensorRef CaseBuilder::FixedSlot(int32_t rows, int32_t columns, float amplitude) {
  return FixedNumbers(DType::kF32, rows, columns, amplitude);
}

TensorRef CaseBuilder::Numbers(DType dtype, int32_t length, int32_t columns, float amplitude) {
  return AddSlot({.name = {}, .dtype = dtype, .length = length}, columns, amplitude);
}

TensorRef CaseBuilder::FixedNumbers(DType dtype, int32_t rows, int32_t columns, float amplitude) {
  return AddSlot({.name = {}, .dtype = dtype, .length = -1, .fixed_rows = rows}, columns,
                 amplitude);
}

TensorRef CaseBuilder::Indices(int32_t length, const std::vector<int32_t>& values) {
  const TensorRef ref = Integers(length, 1);
  if (!values.empty()) {
    std::memcpy(case_.contents.back().data(), values.data(), values.size() * sizeof(int32_t));
  }
  return ref;
}

TensorRef CaseBuilder::FixedIndices(int32_t rows, int32_t columns,
                                    const std::vector<int32_t>& values) {
  const TensorRef ref =
      AddSlot({.name = {}, .dtype = DType::kI32, .length = -1, .fixed_rows = rows}, columns, 0.0f);
  std::memcpy(case_.contents.back().data(), values.data(), values.size() * sizeof(int32_t));
  return ref;
}

TensorRef CaseBuilder::Integers(int32_t length, int32_t columns) {
  return AddSlot({.name = {}, .dtype = DType::kI32, .length = length}, columns, 0.0f);
}

WeightRef CaseBuilder::Weight(int64_t rows, int64_t columns, float amplitude) {
  return AddWeight(storage_, rows, columns, amplitude);
}

WeightRef CaseBuilder::FloatWeight(int64_t rows, int64_t columns, float amplitude) {
  return AddWeight(storage_ == DType::kI8 ? DType::kF16 : storage_, rows, columns, amplitude);
}

WeightRef CaseBuilder::AddWeight(DType storage, int64_t rows, int64_t columns, float amplitude) {
  const int64_t stride = columns + 1;
  const size_t size = DTypeSize(storage);
  // One element in front makes the data aligned to the element and to nothing larger.
  std::vector<uint8_t> bytes(static_cast<size_t>(rows * stride + 1) * size);
  for (size_t i = 0; i < bytes.size(); i += size) {
    const float value = Random(amplitude);
    const uint16_t half = storage == DType::kF16 ? FloatToHalf(value) : FloatToBFloat16(value);
    const auto integer = static_cast<int8_t>(value / amplitude * 128.0f);
    const void* stored = storage == DType::kF32  ? static_cast<const void*>(&value)
                         : storage == DType::kI8 ? static_cast<const void*>(&integer)
                                                 : &half;
    std::memcpy(&bytes[i], stored, size);
  }
  weight_memory_->bytes.push_back(std::move(bytes));
  std::vector<float> scales;
  for (int64_t row = 0; storage == DType::kI8 && row < rows; ++row) {
    scales.push_back(amplitude / 127.0f * (1.0f - 0.25f * static_cast<float>(row % 3)));
  }
  weight_memory_->scales.push_back(std::move(scales));
  const float* row_scales = storage == DType::kI8 ? weight_memory_->scales.back().data() : nullptr;
  const auto index = static_cast<int32_t>(plan_.weights.size());
  plan_.weights.push_back({.name = "weight" + std::to_string(index),
                           .dtype = storage,
                           .rows = rows,
                           .columns = columns,
                           .row_stride = stride,
                           .data = weight_memory_->bytes.back().data() + size,
                           .row_scales = row_scales,
                           .owned = nullptr});
  return {index};
}

WeightRef CaseBuilder::SelectRows(const WeightRef& whole, std::vector<int32_t> ids) {
  espalier::Weight selected = plan_.weights[static_cast<size_t>(whole.index)];
  selected.rows = static_cast<int64_t>(ids.size());
  selected.row_ids = std::make_shared<const std::vector<int32_t>>(std::move(ids));
  plan_.weights.push_back(std::move(selected));
  return {static_cast<int32_t>(plan_.weights.size()) - 1};
}

void CaseBuilder::Poke(const TensorRef& ref, int32_t row, int32_t column, float value) {
  const espalier::Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  const auto index = static_cast<size_t>(row * slot.columns + ref.column_begin + column);
  std::memcpy(&case_.contents[static_cast<size_t>(slot.external)][index * 4], &value, 4);
}

OpCase CaseBuilder::Build(const Op& op) {
  plan_.ops = {op};
  plan_.weights_owner = weight_memory_;
  PlaceSlots(&plan_);
  const Status valid = plan_.Validate();
  EXPECT_TRUE(valid.ok()) << valid.message();
  case_.plan = std::make_shared<const Plan>(std::move(plan_));
  return std::move(case_);
}

}  // namespace espalier::conformance
