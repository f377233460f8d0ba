#include "runtime/model/weights.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "runtime/base/string_format.h"
#include "runtime/checkpoint/fingerprint.h"
#include "runtime/tensor/tensor_view.h"

namespace espalier {
namespace {

// Whether the tensor holds the row scales of another one.
bool IsScale(const TensorStore& store, const std::string& name) {
  const std::string_view suffix = kScaleSuffix;
  if (!name.ends_with(suffix)) return false;
  const TensorView* scaled =
      store.Find(std::string_view(name).substr(0, name.size() - suffix.size()));
  return scaled != nullptr && scaled->dtype == DType::kI8;
}

}  // namespace

Result<Weight> Weights::Matrix(const std::string& name, int64_t rows, int64_t columns) const {
  const TensorView* tensor = store_->Find(name);
  if (tensor == nullptr) return Corrupt(name + ": this tensor is not in the model's weights");
  const bool vector = tensor->shape.size() == 1;
  const int64_t found_rows = vector ? 1 : tensor->shape.empty() ? 0 : tensor->shape[0];
  if (found_rows != rows || tensor->element_count() != rows * columns) {
    return Corrupt(StrFormat("%s: shape %s, expected %lld x %lld", name.c_str(),
                             ShapeText(tensor->shape).c_str(), static_cast<long long>(rows),
                             static_cast<long long>(columns)));
  }
  Weight weight{.name = name,
                .dtype = tensor->dtype,
                .rows = rows,
                .columns = columns,
                .row_stride = columns,
                .data = tensor->data,
                .owned = nullptr};
  switch (tensor->dtype) {
    case DType::kF32:
    case DType::kF16:
      return weight;
    case DType::kI8: {
      const std::array<int64_t, 1> shape = {rows};
      ESP_ASSIGN_OR_RETURN(const TensorView scales, store_->Require(name + kScaleSuffix, shape));
      if (scales.dtype != DType::kF32) return Corrupt(name + kScaleSuffix + ": expected f32");
      weight.row_scales = static_cast<const float*>(scales.data);
      return weight;
    }
    default:
      return Unsupported(name + ": stored as " + std::string(DTypeName(tensor->dtype)) +
                         "; f32, f16 and i8 are supported");
  }
}

bool Weights::Has(const std::string& name) const { return store_->Find(name) != nullptr; }

bool Weights::HasI8() const {
  const std::vector<std::string>& names = store_->names();
  return std::any_of(names.begin(), names.end(), [this](const std::string& name) {
    return store_->Find(name)->dtype == DType::kI8;
  });
}

bool Weights::IsRounded(const std::string& name) const {
  const TensorView* tensor = store_->Find(name);
  return tensor != nullptr && DTypeSize(tensor->dtype) <= 2;
}

int64_t Weights::parameter_count() const {
  int64_t count = 0;
  for (const std::string& name : store_->names()) {
    if (!IsScale(*store_, name)) count += store_->Find(name)->element_count();
  }
  return count;
}

std::string Weights::BaseFingerprint(const ModelConfig& config) const {
  return espalier::BaseFingerprint(config, *store_);
}

std::vector<float> Weights::Values(const Weight& weight) {
  std::vector<float> values;
  values.reserve(static_cast<size_t>(weight.rows * weight.columns));
  for (int64_t row = 0; row < weight.rows; ++row) {
    const auto* data = reinterpret_cast<const uint8_t*>(weight.Row(row));
    std::vector<float> one = ToFloat(TensorView{weight.dtype, {weight.columns}, data});
    for (float& value : one) value *= weight.RowScale(row);
    values.insert(values.end(), one.begin(), one.end());
  }
  return values;
}

Result<Weight> Weights::Derived(const std::string& name, int64_t rows, int64_t columns,
                                const std::function<Result<std::vector<float>>()>& make) const {
  const std::lock_guard lock(mutex_);
  const auto found = derived_.find(name);
  if (found != derived_.end()) return found->second;
  ESP_ASSIGN_OR_RETURN(std::vector<float> values, make());
  if (static_cast<int64_t>(values.size()) != rows * columns) {
    return Internal(name + ": derived with the wrong size");
  }
  Weight weight{.name = name,
                .dtype = DType::kF32,
                .rows = rows,
                .columns = columns,
                .row_stride = columns,
                .data = nullptr,
                .owned = std::make_shared<const std::vector<float>>(std::move(values))};
  weight.data = weight.owned->data();
  derived_.emplace(name, weight);
  return weight;
}

}  // namespace espalier
