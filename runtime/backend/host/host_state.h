// The part of an ExecutionState that every host backend has: the arena, the bound buffers, the walk
// over the ops.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "runtime/backend/backend.h"
#include "runtime/backend/host/operands.h"

namespace espalier {

// A subclass runs single ops. It keeps the plan alive.
class HostState : public ExecutionState {
 public:
  explicit HostState(const Plan& plan) : operands_(plan) {}

  // Allocates the arena and resolves every slot. Errors: kInternal (a buffer is missing, too small
  // or not host memory), kExhausted.
  Status BindSlots(std::span<Buffer* const> externals);

  Status Run(std::span<const int32_t> lengths, const std::stop_token& stop) final;
  Result<std::vector<float>> ReadTap(const Tap& tap) const final;

 protected:
  // Runs plan.ops[index] on operands(). Allocates nothing.
  virtual void RunOp(size_t index) = 0;
  const Operands& operands() const { return operands_; }

 private:
  Operands operands_;
  std::unique_ptr<Buffer> arena_;
};

// Errors: kUnsupported when a weight has a storage type that host kernels do not read.
Status CheckHostPlan(const Plan& plan);

}  // namespace espalier
