#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

Operand Lowering::At(const TensorRef& ref) const {
  if (!ref.present()) return {};
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  return {.slot = ref.slot,
          .first = ref.column_begin,
          .stride = slot.columns,
          .storage = slot.dtype == DType::kF16 ? Storage::kF16 : Storage::kF32};
}

RowSource Lowering::Rows(const TensorRef& ref) const {
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  if (slot.length < 0) return {.length = -1, .most = slot.fixed_rows};
  return {.length = slot.length, .most = program_.most_rows[static_cast<size_t>(slot.length)]};
}

bool Lowering::IsInArena(const TensorRef& ref) const {
  return plan_.slots[static_cast<size_t>(ref.slot)].external < 0;
}

uint32_t Lowering::Alignment(const TensorRef& ref) const {
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  const int64_t begin = (slot.external < 0 ? slot.offset_bytes : 0) + 4 * ref.column_begin;
  const int64_t stride = 4 * slot.columns;
  return begin % 16 == 0 && stride % 16 == 0 ? 16 : 4;
}

Storage Lowering::FactorStorage() const {
  if (context_.rounding == CudaOptions::Products::kF32) return Storage::kF32;
  Storage factors = Storage::kF32;
  for (const Weight& weight : plan_.weights) {
    if (weight.dtype == DType::kBF16) return Storage::kBF16;
    if (weight.dtype != DType::kF32) factors = Storage::kF16;
  }
  return factors;
}

Result<const DeviceWeight*> Lowering::Upload(const WeightRef& ref, const WeightLayout& layout) {
  ESP_ASSIGN_OR_RETURN(auto weight, context_.weights.Get(WeightOf(ref), layout));
  kept_.push_back(weight);
  return weight.get();
}

Result<const float*> Lowering::Floats(const WeightRef& ref, const WeightLayout& layout) {
  if (!ref.present()) return static_cast<const float*>(nullptr);
  ESP_ASSIGN_OR_RETURN(const DeviceWeight* weight, Upload(ref, layout));
  return weight->floats();
}

Result<Matrix> Lowering::UploadMatrix(const WeightRef& ref, int64_t taps) {
  ESP_ASSIGN_OR_RETURN(const DeviceWeight* weight,
                       Upload(ref, {.order = WeightLayout::Order::kMatrix, .taps = taps}));
  return weight->matrix;
}

}  // namespace espalier::cuda
