#include "runtime/backend/vulkan/state.h"

#include <algorithm>
#include <cstring>

#include "runtime/backend/device/bound_slots.h"

namespace espalier::vulkan {
namespace {

size_t IndirectCount(const Program& program) {
  return static_cast<size_t>(
      std::count_if(program.dispatches.begin(), program.dispatches.end(),
                    [](const Dispatch& d) { return d.depends_on_lengths(); }));
}

}  // namespace

VulkanState::FenceOwner::~FenceOwner() {
  if (device != nullptr) device->Destroy(device->functions().DestroyFence, fence);
}

VulkanState::VulkanState(std::shared_ptr<const VulkanExecutable> executable,
                         std::span<Buffer* const> externals)
    : executable_(std::move(executable)), lengths_(executable_->plan().lengths.size()) {
  for (Buffer* buffer : externals) externals_.push_back(dynamic_cast<DeviceBuffer*>(buffer));
  externals_.resize(static_cast<size_t>(executable_->plan().external_count));
}

Result<std::unique_ptr<ExecutionState>> VulkanState::Create(
    std::shared_ptr<const VulkanExecutable> executable, std::span<Buffer* const> externals) {
  std::unique_ptr<VulkanState> state(
      new VulkanState(std::move(executable), externals));  // NOLINT: the constructor is private
  ESP_RETURN_IF_ERROR(state->CheckExternals());
  ESP_RETURN_IF_ERROR(state->AllocateMemory());
  ESP_RETURN_IF_ERROR(state->RecordAll());
  ESP_RETURN_IF_ERROR(state->executable_->context().device.instance().CheckValidation());
  return std::unique_ptr<ExecutionState>(std::move(state));
}

Status VulkanState::CheckExternals() const {
  const auto bytes_of = [this](int32_t external) {
    const DeviceBuffer* buffer = externals_[static_cast<size_t>(external)];
    return buffer == nullptr ? 0 : buffer->size_bytes();
  };
  return espalier::CheckExternals(executable_->plan(), bytes_of, "Vulkan");
}

Status VulkanState::AllocateMemory() {
  const Context& context = executable_->context();
  const auto arena_bytes = static_cast<size_t>(executable_->plan().arena_bytes);
  ESP_ASSIGN_OR_RETURN(arena_, context.memory.Allocate(arena_bytes, MemoryUse::kDevice));
  size_t bytes = lengths_.size() * sizeof(int32_t);
  for (const Program& program : executable_->programs()) {
    recordings_.push_back({.segments = {}, .groups_offset = bytes});
    bytes += IndirectCount(program) * sizeof(VkDispatchIndirectCommand);
  }
  ESP_ASSIGN_OR_RETURN(parameters_, context.memory.Allocate(bytes, MemoryUse::kHost));
  ESP_ASSIGN_OR_RETURN(recorder_, Recorder::Create(&context.device, context.pipelines));
  fence_.device = &context.device;
  ESP_ASSIGN_OR_RETURN(fence_.fence, context.device.MakeFence());
  return OkStatus();
}

const Allocation& VulkanState::MemoryOf(int32_t external) const {
  return external < 0 ? arena_ : externals_[static_cast<size_t>(external)]->allocation();
}

BufferRange VulkanState::RangeOf(const Binding& binding) const {
  if (binding.weight != nullptr) {
    return {binding.weight->buffer(), binding.weight->offset(), binding.weight->size_bytes()};
  }
  if (binding.slot >= 0) {
    const SlotRange range = vulkan::RangeOf(executable_->plan(), binding.slot);
    const Allocation& memory = MemoryOf(range.external);
    const VkDeviceSize unit =
        executable_->context().device.physical().limits.minStorageBufferOffsetAlignment;
    const VkDeviceSize begin = range.begin / unit * unit;
    return {memory.buffer(), memory.offset() + begin, range.end - begin};
  }
  // An operand that is not there: the shader never reads it, but a descriptor must be valid.
  return {parameters_.buffer(), parameters_.offset(), parameters_.size_bytes()};
}

std::vector<SetContents> VulkanState::ContentsOf(const Program& program) const {
  std::vector<SetContents> all;
  for (const Dispatch& dispatch : program.dispatches) {
    SetContents& contents = all.emplace_back();
    contents.fill(RangeOf(Binding{}));  // binding 0: the lengths
    for (size_t i = 0; i < dispatch.bindings.size(); ++i) {
      contents[i + 1] = RangeOf(dispatch.bindings[i]);
    }
  }
  return all;
}

Status VulkanState::RecordAll() {
  const Context& context = executable_->context();
  const std::vector<Program>& programs = executable_->programs();
  std::vector<std::vector<SetContents>> contents;
  std::vector<SetContents> all;
  for (const Program& program : programs) {
    contents.push_back(ContentsOf(program));
    all.insert(all.end(), contents.back().begin(), contents.back().end());
  }
  ESP_ASSIGN_OR_RETURN(sets_, DescriptorSets::Create(&context.device, context.pipelines, all));
  for (size_t i = 0; i < programs.size(); ++i) {
    const RunParameters parameters{
        .buffer = parameters_.buffer(),
        .groups_offset = parameters_.offset() + recordings_[i].groups_offset};
    ESP_ASSIGN_OR_RETURN(recordings_[i].segments,
                         recorder_->Record(programs[i], contents[i], *sets_, parameters));
  }
  return OkStatus();
}

void VulkanState::WriteParameters(const Program& program, const Recording& recording) {
  std::memcpy(parameters_.host(), lengths_.data(), lengths_.size() * sizeof(int32_t));
  std::byte* groups = parameters_.host() + recording.groups_offset;
  for (const Dispatch& dispatch : program.dispatches) {
    if (!dispatch.depends_on_lengths()) continue;
    const VkDispatchIndirectCommand command = {.x = dispatch.grid[0].Groups(lengths_),
                                               .y = dispatch.grid[1].Groups(lengths_),
                                               .z = dispatch.grid[2].Groups(lengths_)};
    std::memcpy(groups, &command, sizeof(command));
    groups += sizeof(command);
  }
}

Status VulkanState::Run(std::span<const int32_t> lengths, const std::stop_token& stop) {
  const Plan& plan = executable_->plan();
  ESP_RETURN_IF_ERROR(plan.ResolveLengths(lengths, lengths_));
  const std::vector<Program>& programs = executable_->programs();
  size_t chosen = 0;
  while (!programs[chosen].Fits(lengths_)) ++chosen;  // the last one fits what the plan holds
  const Program& program = programs[chosen];
  const Recording& recording = recordings_[chosen];
  WriteParameters(program, recording);
  Device& device = executable_->context().device;
  for (const VkCommandBuffer commands : recording.segments) {
    if (stop.stop_requested()) return Cancelled(plan.name + ": stopped");
    ESP_RETURN_IF_ERROR(device.SubmitAndWait(commands, fence_.fence).WithContext(plan.name));
  }
  Counters& counters = device.counters();
  counters.dispatches += static_cast<int64_t>(program.dispatches.size());
  counters.barriers += program.barrier_count + 2 * program.segment_count;
  return OkStatus();
}

Result<std::vector<float>> VulkanState::ReadTap(const Tap& tap) const {
  const Plan& plan = executable_->plan();
  const SlotRange range = vulkan::RangeOf(plan, tap.value.slot);
  return ReadTapRows(plan, tap, lengths_, [&](std::span<std::byte> bytes) {
    return executable_->context().transfer.Read(MemoryOf(range.external),
                                                static_cast<size_t>(range.begin), bytes);
  });
}

}  // namespace espalier::vulkan
