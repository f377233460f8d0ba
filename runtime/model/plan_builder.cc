#include "runtime/model/plan_builder.h"

#include "runtime/graph/memory_planner.h"

namespace espalier {

PlanBuilder::PlanBuilder(std::string name, std::shared_ptr<const Weights> weights, bool keep_taps)
    : weights_(std::move(weights)), keep_taps_(keep_taps) {
  plan_.name = std::move(name);
  plan_.of_i8_model = weights_->HasI8();
  plan_.weights_owner = weights_;
}

int32_t PlanBuilder::AddLength(const std::string& name, int32_t max) {
  plan_.lengths.push_back({.name = name, .max = max});
  return static_cast<int32_t>(plan_.lengths.size()) - 1;
}

int32_t PlanBuilder::AddConvLength(const std::string& name, int32_t source, int32_t kernel,
                                   int32_t stride, int32_t padding) {
  const int32_t max = (MaxOf(source) + 2 * padding - kernel) / stride + 1;
  plan_.lengths.push_back({.name = name,
                           .max = max,
                           .source = source,
                           .kernel = kernel,
                           .stride = stride,
                           .padding = padding});
  return static_cast<int32_t>(plan_.lengths.size()) - 1;
}

TensorRef PlanBuilder::AddAnySlot(Slot slot) {
  const int32_t columns = slot.columns;
  plan_.slots.push_back(std::move(slot));
  return {static_cast<int32_t>(plan_.slots.size()) - 1, 0, columns};
}

TensorRef PlanBuilder::AddSlot(const std::string& name, int32_t length, int32_t columns) {
  return AddAnySlot({.name = name, .length = length, .columns = columns});
}

TensorRef PlanBuilder::AddFixedSlot(const std::string& name, int32_t rows, int32_t columns) {
  return AddAnySlot({.name = name, .fixed_rows = rows, .columns = columns});
}

TensorRef PlanBuilder::AddExternal(const std::string& name, int32_t length, int32_t columns,
                                   DType dtype) {
  return AddAnySlot({.name = name,
                     .dtype = dtype,
                     .length = length,
                     .columns = columns,
                     .external = plan_.external_count++});
}

TensorRef PlanBuilder::AddFixedExternal(const std::string& name, int32_t rows, int32_t columns,
                                        DType dtype) {
  return AddAnySlot({.name = name,
                     .dtype = dtype,
                     .fixed_rows = rows,
                     .columns = columns,
                     .external = plan_.external_count++});
}

TensorRef PlanBuilder::Columns(const TensorRef& ref, int32_t begin, int32_t count) {
  return {ref.slot, ref.column_begin + begin, count};
}

WeightRef PlanBuilder::AddWeight(Result<Weight> weight) {
  if (!weight.ok()) {
    if (first_error_.ok()) first_error_ = weight.status();
    return {};
  }
  plan_.weights.push_back(std::move(weight).value());
  return {static_cast<int32_t>(plan_.weights.size()) - 1};
}

WeightRef PlanBuilder::Matrix(const std::string& name, int64_t rows, int64_t columns) {
  return AddWeight(weights_->Matrix(name, rows, columns));
}

WeightRef PlanBuilder::Constant(const std::string& name, int64_t rows, int64_t columns,
                                const std::function<Result<std::vector<float>>()>& make) {
  return AddWeight(weights_->Derived(name, rows, columns, make));
}

WeightRef PlanBuilder::Part(const WeightRef& whole, int64_t row_begin, int64_t row_count,
                            int64_t column_begin, int64_t column_count) {
  if (!whole.present()) return {};
  Weight part = plan_.weights[static_cast<size_t>(whole.index)];
  part.name += "[" + std::to_string(row_begin) + ":" + std::to_string(row_begin + row_count) + "," +
               std::to_string(column_begin) + ":" + std::to_string(column_begin + column_count) +
               "]";
  const auto offset = static_cast<size_t>(row_begin * part.row_stride + column_begin);
  part.data = static_cast<const uint8_t*>(part.data) + offset * DTypeSize(part.dtype);
  if (part.row_scales != nullptr) part.row_scales += row_begin;
  part.rows = row_count;
  part.columns = column_count;
  return AddWeight(std::move(part));
}

WeightRef PlanBuilder::SelectRows(const WeightRef& whole, const std::string& name,
                                  std::shared_ptr<const std::vector<int32_t>> ids) {
  if (!whole.present()) return {};
  Weight selected = plan_.weights[static_cast<size_t>(whole.index)];
  selected.name += "[" + name + "]";
  selected.rows = static_cast<int64_t>(ids->size());
  selected.row_ids = std::move(ids);
  return AddWeight(std::move(selected));
}

std::vector<float> PlanBuilder::Values(const WeightRef& ref) const {
  if (!ref.present()) return {};
  return Weights::Values(plan_.weights[static_cast<size_t>(ref.index)]);
}

void PlanBuilder::Add(Op op) { plan_.ops.push_back(std::move(op)); }

void PlanBuilder::Tap(const std::string& name, const TensorRef& value) {
  if (keep_taps_) plan_.taps.push_back({name, value});
}

Result<std::shared_ptr<const Plan>> PlanBuilder::Finish() {
  ESP_RETURN_IF_ERROR(first_error_);
  PlaceSlots(&plan_);
  ESP_RETURN_IF_ERROR(plan_.Validate());
  return std::shared_ptr<const Plan>(std::make_shared<Plan>(std::move(plan_)));
}

}  // namespace espalier
