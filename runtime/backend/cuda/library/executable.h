// A plan compiled for one CUDA device: its programs and the weights that they read.
#pragma once

#include <memory>
#include <vector>

#include "runtime/backend/cuda/library/lowering.h"

namespace espalier::cuda {

class CudaExecutable final : public Executable,
                             public std::enable_shared_from_this<CudaExecutable> {
 public:
  // The plan has passed Validate and Supports. Errors: kExhausted, kDeviceLost, kUnsupported.
  static Result<std::shared_ptr<Executable>> Compile(const Context& context,
                                                     std::shared_ptr<const Plan> plan);

  const Plan& plan() const override { return *plan_; }
  Result<std::unique_ptr<ExecutionState>> Bind(std::span<Buffer* const> externals) override;

  const Context& context() const { return context_; }
  // By rising row counts; the last one takes whatever the plan holds.
  const std::vector<Program>& programs() const { return programs_; }

 private:
  CudaExecutable(const Context& context, std::shared_ptr<const Plan> plan)
      : context_(context), plan_(std::move(plan)) {}
  Status AddProgram(std::vector<int32_t> most_rows);

  Context context_;
  std::shared_ptr<const Plan> plan_;
  std::vector<std::shared_ptr<const DeviceWeight>> weights_;
  std::vector<Program> programs_;
};

}  // namespace espalier::cuda
