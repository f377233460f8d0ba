#include "runtime/backend/vulkan/executable.h"

#include <algorithm>

#include "runtime/backend/vulkan/state.h"
#include "shaders/params/params.h"

namespace espalier::vulkan {
namespace {

bool HasCache(const Plan& plan) {
  return std::any_of(plan.ops.begin(), plan.ops.end(),
                     [](const Op& op) { return std::holds_alternative<CachedAttentionOp>(op); });
}

// Is `length` the row count of a Linear, the op whose kernel depends on it?
bool IsLinearLength(const Plan& plan, int32_t length) {
  return std::any_of(plan.ops.begin(), plan.ops.end(), [&](const Op& op) {
    const auto* linear = std::get_if<LinearOp>(&op);
    return linear != nullptr &&
           plan.slots[static_cast<size_t>(linear->output.slot)].length == length;
  });
}

// The row counts that programs are made for: every combination of a single row, few and the most,
// for the lengths where that makes a difference. Rising, so that the first that fits is the best.
std::vector<std::vector<int32_t>> RowClasses(const Plan& plan) {
  std::vector<std::vector<int32_t>> classes(1);
  for (size_t i = 0; i < plan.lengths.size(); ++i) {
    const int32_t most = plan.lengths[i].max;
    std::vector<int32_t> sizes;
    if (HasCache(plan) && IsLinearLength(plan, static_cast<int32_t>(i))) {
      for (const int32_t size : {1, static_cast<int32_t>(ESP_GEMV_ROWS)}) {
        if (size < most) sizes.push_back(size);
      }
    }
    sizes.push_back(most);
    std::vector<std::vector<int32_t>> longer;
    for (const auto& begun : classes) {
      for (const int32_t size : sizes) {
        longer.push_back(begun);
        longer.back().push_back(size);
      }
    }
    classes = std::move(longer);
  }
  return classes;
}

}  // namespace

Result<std::shared_ptr<Executable>> VulkanExecutable::Compile(const Context& context,
                                                              std::shared_ptr<const Plan> plan) {
  std::shared_ptr<VulkanExecutable> executable(
      new VulkanExecutable(context, std::move(plan)));  // NOLINT: the constructor is private
  for (std::vector<int32_t>& most_rows : RowClasses(executable->plan())) {
    ESP_RETURN_IF_ERROR(executable->AddProgram(std::move(most_rows)));
  }
  ESP_RETURN_IF_ERROR(context.device.instance().CheckValidation());
  return std::shared_ptr<Executable>(std::move(executable));
}

Status VulkanExecutable::AddProgram(std::vector<int32_t> most_rows) {
  Program& program = programs_.emplace_back();
  program.most_rows = std::move(most_rows);
  Lowering lowering(*plan_, context_.device.physical(), context_.tuning, &context_.pipelines,
                    &context_.weights, &weights_, &program);
  for (size_t i = 0; i < plan_->ops.size(); ++i) {
    lowering.set_op(i);
    ESP_RETURN_IF_ERROR(
        std::visit([&](const auto& op) { return Lower(op, lowering); }, plan_->ops[i]));
  }
  PlaceBarriers(*plan_, &program);
  return OkStatus();
}

Result<std::unique_ptr<ExecutionState>> VulkanExecutable::Bind(std::span<Buffer* const> externals) {
  return VulkanState::Create(shared_from_this(), externals);
}

}  // namespace espalier::vulkan
