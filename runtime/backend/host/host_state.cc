#include "runtime/backend/host/host_state.h"

#include <algorithm>

#include "runtime/backend/host/host_buffer.h"
#include "runtime/base/stop_scope.h"
#include "runtime/base/string_format.h"

namespace espalier {

Status HostState::BindSlots(std::span<Buffer* const> externals) {
  const Plan& plan = operands_.plan();
  ESP_ASSIGN_OR_RETURN(arena_, AllocateHostBuffer(static_cast<size_t>(plan.arena_bytes)));
  for (size_t i = 0; i < plan.slots.size(); ++i) {
    const Slot& slot = plan.slots[i];
    if (slot.external < 0) {
      operands_.slots()[i] = arena_->host() + slot.offset_bytes;
      continue;
    }
    const auto external = static_cast<size_t>(slot.external);
    Buffer* buffer = external < externals.size() ? externals[external] : nullptr;
    const auto needed_bytes = static_cast<size_t>(plan.MaxBytes(slot));
    if (buffer == nullptr || buffer->host() == nullptr || buffer->size_bytes() < needed_bytes) {
      return Internal(StrFormat("%s: slot %s needs a host buffer of %zu bytes as external %d",
                                plan.name.c_str(), slot.name.c_str(), needed_bytes, slot.external));
    }
    operands_.slots()[i] = buffer->host();
  }
  return OkStatus();
}

Status HostState::Run(std::span<const int32_t> lengths, const std::stop_token& stop) {
  const Plan& plan = operands_.plan();
  ESP_RETURN_IF_ERROR(plan.ResolveLengths(lengths, operands_.lengths()));
  const StopScope scope(stop);
  for (size_t i = 0; i < plan.ops.size(); ++i) {
    if (stop.stop_requested()) return Cancelled(plan.name + ": stopped");
    RunOp(i);
  }
  // The last op may have left tasks out.
  return stop.stop_requested() ? Cancelled(plan.name + ": stopped") : OkStatus();
}

Result<std::vector<float>> HostState::ReadTap(const Tap& tap) const {
  const MatrixView<float> view = operands_.F32(tap.value);
  std::vector<float> values(static_cast<size_t>(view.rows * view.columns));
  for (int64_t r = 0; r < view.rows; ++r) {
    std::copy_n(view.row(r), view.columns, values.begin() + r * view.columns);
  }
  return values;
}

Status CheckHostPlan(const Plan& plan) {
  for (const Weight& weight : plan.weights) {
    if (weight.dtype != DType::kF32 && weight.dtype != DType::kF16 &&
        weight.dtype != DType::kBF16 && weight.dtype != DType::kI8) {
      return Unsupported(StrFormat("%s: weight %s is stored as %s, which no kernel reads",
                                   plan.name.c_str(), weight.name.c_str(),
                                   std::string(DTypeName(weight.dtype)).c_str()));
    }
  }
  return OkStatus();
}

}  // namespace espalier
