// One session's run of a CUDA executable: captured when it is made, launched again ever after.
#pragma once

#include <memory>
#include <vector>

#include "runtime/backend/cuda/library/device_buffer.h"
#include "runtime/backend/cuda/library/executable.h"

namespace espalier::cuda {

class CudaState final : public ExecutionState {
 public:
  // Errors: kInternal (a buffer is missing, too small or another backend's), kExhausted,
  // kDeviceLost.
  static Result<std::unique_ptr<ExecutionState>> Create(
      std::shared_ptr<const CudaExecutable> executable, std::span<Buffer* const> externals);

  Status Run(std::span<const int32_t> lengths, const std::stop_token& stop) override;
  Result<std::vector<float>> ReadTap(const Tap& tap) const override;

 private:
  CudaState(std::shared_ptr<const CudaExecutable> executable, std::span<Buffer* const> externals);
  Status CheckExternals() const;
  Status AllocateMemory();
  void PlaceOperands();
  Status CaptureAll();
  Status PutSegment(const Program& program, size_t segment) const;
  const Allocation& MemoryOf(const Slot& slot) const;

  std::shared_ptr<const CudaExecutable> executable_;  // owns the plan and the weights
  std::vector<DeviceBuffer*> externals_;              // null: missing or another backend's
  std::vector<int32_t> lengths_;
  Allocation arena_, scratch_, workspace_, device_lengths_;
  std::unique_ptr<PinnedMemory> host_lengths_;  // copied by the first graph of a run
  std::unique_ptr<Stream> stream_;
  Frame frame_;
  std::vector<std::vector<Graph>> graphs_;  // by program and segment
};

}  // namespace espalier::cuda
