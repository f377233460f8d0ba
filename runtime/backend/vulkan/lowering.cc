#include "runtime/backend/vulkan/lowering.h"

#include <algorithm>

#include "runtime/base/string_format.h"
#include "shaders/params/params.h"

namespace espalier::vulkan {

Tensor Lowering::At(const TensorRef& ref) const {
  if (!ref.present()) return {};
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  // Descriptors begin at the device's alignment; what is left of the offset is added to the base.
  const VkDeviceSize rest =
      RangeOf(plan_, ref.slot).begin % device_.limits.minStorageBufferOffsetAlignment;
  return {.slot = ref.slot,
          .base = static_cast<uint32_t>(rest / DTypeSize(slot.dtype)) +
                  static_cast<uint32_t>(ref.column_begin),
          .stride = static_cast<uint32_t>(slot.columns),
          .is_half = slot.dtype == DType::kF16};
}

uint32_t Lowering::Rows(const TensorRef& ref) const {
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  return slot.length >= 0 ? ESP_LENGTH_BIT | static_cast<uint32_t>(slot.length)
                          : static_cast<uint32_t>(slot.fixed_rows);
}

int32_t Lowering::MostRows(const TensorRef& ref) const {
  const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
  return slot.length >= 0 ? program_.most_rows[static_cast<size_t>(slot.length)] : slot.fixed_rows;
}

Result<const DeviceWeight*> Lowering::Upload(const WeightRef& ref, const WeightLayout& layout) {
  ESP_ASSIGN_OR_RETURN(auto weight, weights_.Get(WeightOf(ref), layout));
  kept_.push_back(weight);
  return weight.get();
}

Result<Binding> Lowering::UploadFloats(const WeightRef& ref, WeightLayout::Order order) {
  if (!ref.present()) return Binding{};
  ESP_ASSIGN_OR_RETURN(const DeviceWeight* weight, Upload(ref, {.order = order}));
  return Binding{.weight = &weight->chunks.front().memory};
}

Status Lowering::Add(const DispatchRequest& request, std::span<const std::byte> params) {
  const VkPhysicalDeviceLimits& limits = device_.limits;
  const uint32_t x = request.x.Groups(program_.most_rows);
  const uint32_t y = request.y.Groups(program_.most_rows);
  if (x > limits.maxComputeWorkGroupCount[0] || y > limits.maxComputeWorkGroupCount[1]) {
    return Unsupported(StrFormat(
        "%s: op %zu %s needs %u x %u workgroups, more than the device runs", plan_.name.c_str(),
        op_index_, std::string(OpName(plan_.ops[op_index_])).c_str(), x, y));
  }
  Dispatch& dispatch = program_.dispatches.emplace_back();
  dispatch.op_index = op_index_;
  ESP_ASSIGN_OR_RETURN(dispatch.pipeline, pipelines_.Get(request.shader, request.constants));
  dispatch.bindings = request.bindings;
  std::copy(params.begin(), params.end(), dispatch.params.begin());
  dispatch.params_bytes = static_cast<uint32_t>(params.size());
  dispatch.grid = {request.x, request.y, GridAxis{}};
  return OkStatus();
}

}  // namespace espalier::vulkan
