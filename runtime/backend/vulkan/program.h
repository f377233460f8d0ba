// A plan as dispatches: what is left to do when buffers are bound is to write descriptors and
// record.
//
// A plan with a key/value cache runs for whole prompts and for single steps; it gets one program
// for each class of row counts, so that a step takes the kernels for few rows. All are made when
// the plan is compiled and recorded when it is bound.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/backend/vulkan/pipelines.h"
#include "runtime/backend/vulkan/weights.h"

namespace espalier::vulkan {

// What a binding of a dispatch refers to: a slot of the plan, a piece of a weight, or nothing.
struct Binding {
  int32_t slot = -1;
  const Allocation* weight = nullptr;
  bool written = false;
};

// Workgroups along one axis: ⌈rows · multiplier / divisor⌉. `rows` as in shaders/params/params.h.
struct GridAxis {
  uint32_t rows = 1;
  uint32_t multiplier = 1;
  uint32_t divisor = 1;

  bool depends_on_lengths() const;
  // `lengths`: the row counts of the run, by length of the plan.
  uint32_t Groups(std::span<const int32_t> lengths) const;
};

struct Dispatch {
  size_t op_index = 0;
  VkPipeline pipeline = VK_NULL_HANDLE;
  std::vector<Binding> bindings;  // from binding 1 on
  std::array<std::byte, kPushConstantBytes> params = {};
  uint32_t params_bytes = 0;
  std::array<GridAxis, 3> grid = {};
  bool barrier_before = false;  // an earlier dispatch of the segment touches the same bytes
  bool begins_segment = false;  // a command buffer of its own begins here

  bool depends_on_lengths() const;  // the grid does: it is dispatched indirectly
};

struct Program {
  std::vector<int32_t> most_rows;  // by length of the plan: what the program was made for
  std::vector<Dispatch> dispatches;
  int64_t barrier_count = 0;
  int64_t segment_count = 0;

  bool Fits(const std::vector<int32_t>& lengths) const;
};

// Bytes of a slot: in the arena, or in the buffer that is bound as `external`.
struct SlotRange {
  int32_t external = -1;
  VkDeviceSize begin = 0;
  VkDeviceSize end = 0;
};
SlotRange RangeOf(const Plan& plan, int32_t slot);

// Sets barrier_before where a dispatch reads or writes bytes that an earlier one wrote, or writes
// bytes that it read; cuts segments so that none works longer than a driver's watchdog allows.
void PlaceBarriers(const Plan& plan, Program* program);

}  // namespace espalier::vulkan
