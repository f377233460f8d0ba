#include "runtime/backend/cuda/library/executable.h"

#include "runtime/backend/cuda/library/state.h"

namespace espalier::cuda {

Result<std::shared_ptr<Executable>> CudaExecutable::Compile(const Context& context,
                                                            std::shared_ptr<const Plan> plan) {
  ESP_RETURN_IF_ERROR(context.device.Use());
  std::shared_ptr<CudaExecutable> executable(
      new CudaExecutable(context, std::move(plan)));  // NOLINT: the constructor is private
  for (std::vector<int32_t>& most_rows : RowClasses(executable->plan())) {
    ESP_RETURN_IF_ERROR(executable->AddProgram(std::move(most_rows)));
  }
  return std::shared_ptr<Executable>(std::move(executable));
}

Status CudaExecutable::AddProgram(std::vector<int32_t> most_rows) {
  Program& program = programs_.emplace_back();
  program.most_rows = std::move(most_rows);
  Lowering lowering(context_, *plan_, &weights_, &program);
  for (size_t i = 0; i < plan_->ops.size(); ++i) {
    lowering.set_op(i);
    const Status status =
        std::visit([&](const auto& op) { return Lower(op, lowering); }, plan_->ops[i]);
    ESP_RETURN_IF_ERROR(status.WithContext(plan_->name));
  }
  PlaceSegments(*plan_, &program);
  return OkStatus();
}

Result<std::unique_ptr<ExecutionState>> CudaExecutable::Bind(std::span<Buffer* const> externals) {
  return CudaState::Create(shared_from_this(), externals);
}

}  // namespace espalier::cuda
