#include "runtime/backend/cuda/library/state.h"

#include <algorithm>
#include <cstring>

#include "runtime/backend/device/bound_slots.h"

namespace espalier::cuda {

CudaState::CudaState(std::shared_ptr<const CudaExecutable> executable,
                     std::span<Buffer* const> externals)
    : executable_(std::move(executable)), lengths_(executable_->plan().lengths.size()) {
  for (Buffer* buffer : externals) externals_.push_back(dynamic_cast<DeviceBuffer*>(buffer));
  externals_.resize(static_cast<size_t>(executable_->plan().external_count));
}

Result<std::unique_ptr<ExecutionState>> CudaState::Create(
    std::shared_ptr<const CudaExecutable> executable, std::span<Buffer* const> externals) {
  std::unique_ptr<CudaState> state(new CudaState(std::move(executable), externals));  // NOLINT
  ESP_RETURN_IF_ERROR(state->CheckExternals());
  ESP_RETURN_IF_ERROR(state->AllocateMemory());
  state->PlaceOperands();
  ESP_RETURN_IF_ERROR(state->CaptureAll());
  return std::unique_ptr<ExecutionState>(std::move(state));
}

Status CudaState::CheckExternals() const {
  const auto bytes_of = [this](int32_t external) {
    const DeviceBuffer* buffer = externals_[static_cast<size_t>(external)];
    return buffer == nullptr ? 0 : buffer->size_bytes();
  };
  return espalier::CheckExternals(executable_->plan(), bytes_of, "CUDA");
}

Status CudaState::AllocateMemory() {
  const Context& context = executable_->context();
  size_t scratch_bytes = 0;
  for (const Program& program : executable_->programs()) {
    scratch_bytes = std::max(scratch_bytes, program.scratch_bytes);
  }
  const size_t lengths_bytes = lengths_.size() * sizeof(int32_t);
  const auto arena_bytes = static_cast<size_t>(executable_->plan().arena_bytes);
  ESP_ASSIGN_OR_RETURN(arena_, context.memory.Allocate(arena_bytes));
  ESP_ASSIGN_OR_RETURN(scratch_, context.memory.Allocate(scratch_bytes));
  ESP_ASSIGN_OR_RETURN(workspace_, context.memory.Allocate(Products::kWorkspaceBytes));
  ESP_ASSIGN_OR_RETURN(device_lengths_, context.memory.Allocate(lengths_bytes));
  ESP_ASSIGN_OR_RETURN(host_lengths_, PinnedMemory::Create(&context.device, lengths_bytes));
  ESP_ASSIGN_OR_RETURN(stream_, Stream::Create(&context.device));
  return OkStatus();
}

const Allocation& CudaState::MemoryOf(const Slot& slot) const {
  return slot.external < 0 ? arena_ : externals_[static_cast<size_t>(slot.external)]->allocation();
}

void CudaState::PlaceOperands() {
  frame_ = {.stream = stream_->handle(),
            .lengths = reinterpret_cast<const int32_t*>(device_lengths_.data()),
            .slots = {},
            .scratch = scratch_.data(),
            .workspace = workspace_.data()};
  for (const Slot& slot : executable_->plan().slots) {
    frame_.slots.push_back(MemoryOf(slot).data() + (slot.external < 0 ? slot.offset_bytes : 0));
  }
}

Status CudaState::PutSegment(const Program& program, size_t segment) const {
  Device& device = executable_->context().device;
  if (segment == 0 && !lengths_.empty()) {
    ESP_RETURN_IF_ERROR(
        device.Check(device.functions().MemcpyAsync(device_lengths_.data(), host_lengths_->data(),
                                                    lengths_.size() * sizeof(int32_t),
                                                    cudaMemcpyHostToDevice, frame_.stream),
                     "lengths"));
  }
  const bool last = segment + 1 == program.segments.size();
  const size_t end = last ? program.steps.size() : program.segments[segment + 1];
  for (size_t i = program.segments[segment]; i < end; ++i) {
    const Status status = program.steps[i].launch(frame_);
    const Op& op = executable_->plan().ops[program.steps[i].op_index];
    ESP_RETURN_IF_ERROR(status.WithContext(OpName(op)));
  }
  return OkStatus();
}

Status CudaState::CaptureAll() {
  Device& device = executable_->context().device;
  ESP_RETURN_IF_ERROR(device.Use());
  for (const Program& program : executable_->programs()) {
    std::vector<Graph>& graphs = graphs_.emplace_back();
    for (size_t segment = 0; segment < program.segments.size(); ++segment) {
      auto graph = Capture(&device, stream_.get(), [&] { return PutSegment(program, segment); });
      ESP_RETURN_IF_ERROR(graph.status().WithContext(executable_->plan().name));
      graphs.push_back(std::move(graph).value());
    }
  }
  return OkStatus();
}

Status CudaState::Run(std::span<const int32_t> lengths, const std::stop_token& stop) {
  const Plan& plan = executable_->plan();
  ESP_RETURN_IF_ERROR(plan.ResolveLengths(lengths, lengths_));
  const std::vector<Program>& programs = executable_->programs();
  size_t chosen = 0;
  while (!programs[chosen].Fits(lengths_)) ++chosen;  // the last one fits what the plan holds
  if (!lengths_.empty()) {
    std::memcpy(host_lengths_->data(), lengths_.data(), lengths_.size() * sizeof(int32_t));
  }
  for (const Graph& graph : graphs_[chosen]) {
    if (stop.stop_requested()) return Cancelled(plan.name + ": stopped");
    ESP_RETURN_IF_ERROR(graph.Run(stream_.get(), plan.name.c_str()));
  }
  executable_->context().device.counters().dispatches += programs[chosen].LaunchCount();
  return OkStatus();
}

Result<std::vector<float>> CudaState::ReadTap(const Tap& tap) const {
  const Plan& plan = executable_->plan();
  const Slot& slot = plan.slots[static_cast<size_t>(tap.value.slot)];
  const auto offset = static_cast<size_t>(slot.external < 0 ? slot.offset_bytes : 0);
  return ReadTapRows(plan, tap, lengths_, [&](std::span<std::byte> bytes) {
    return executable_->context().transfer.Read(MemoryOf(slot), offset, bytes);
  });
}

}  // namespace espalier::cuda
