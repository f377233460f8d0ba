#include "runtime/backend/vulkan/program.h"

#include <algorithm>

#include "runtime/graph/cost.h"
#include "shaders/params/params.h"

namespace espalier::vulkan {
namespace {

// Multiply-adds of one command buffer: well under a second on the slowest GPU, some seconds on
// lavapipe. Also how often a run looks whether it should stop.
constexpr int64_t kSegmentMultiplyAdds = 2'000'000'000;

struct Access {
  SlotRange range;
  bool written = false;
};

bool Conflict(const Access& a, const Access& b) {
  return (a.written || b.written) && a.range.external == b.range.external &&
         a.range.begin < b.range.end && b.range.begin < a.range.end;
}

}  // namespace

bool GridAxis::depends_on_lengths() const { return (rows & ESP_LENGTH_BIT) != 0; }

uint32_t GridAxis::Groups(std::span<const int32_t> lengths) const {
  const uint32_t count =
      depends_on_lengths() ? static_cast<uint32_t>(lengths[rows & ~ESP_LENGTH_BIT]) : rows;
  return static_cast<uint32_t>((uint64_t{count} * multiplier + divisor - 1) / divisor);
}

bool Dispatch::depends_on_lengths() const {
  return std::any_of(grid.begin(), grid.end(),
                     [](const GridAxis& axis) { return axis.depends_on_lengths(); });
}

bool Program::Fits(const std::vector<int32_t>& lengths) const {
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > most_rows[i]) return false;
  }
  return true;
}

SlotRange RangeOf(const Plan& plan, int32_t slot) {
  const Slot& s = plan.slots[static_cast<size_t>(slot)];
  const auto begin = static_cast<VkDeviceSize>(s.external < 0 ? s.offset_bytes : 0);
  return {.external = s.external,
          .begin = begin,
          .end = begin + static_cast<VkDeviceSize>(plan.MaxBytes(s))};
}

void PlaceBarriers(const Plan& plan, Program* program) {
  std::vector<Access> since_barrier;
  int64_t work = 0;
  size_t last_op = plan.ops.size();
  program->segment_count = 0;
  for (Dispatch& dispatch : program->dispatches) {
    // A whole slot is the unit, not the op's window of columns: rows interleave, and validation
    // sees the bound range.
    std::vector<Access> accesses;
    for (const Binding& binding : dispatch.bindings) {
      if (binding.slot < 0) continue;
      accesses.push_back({RangeOf(plan, binding.slot), binding.written});
    }
    if (dispatch.op_index != last_op) {
      last_op = dispatch.op_index;
      const int64_t op_work = OpCost(plan, plan.ops[last_op], program->most_rows).multiply_adds;
      dispatch.begins_segment =
          program->segment_count == 0 || work + op_work > kSegmentMultiplyAdds;
      work = dispatch.begins_segment ? op_work : work + op_work;
    }
    if (dispatch.begins_segment) {
      ++program->segment_count;
      since_barrier.clear();  // a command buffer begins with a barrier
    }
    dispatch.barrier_before = std::any_of(accesses.begin(), accesses.end(), [&](const Access& a) {
      return std::any_of(since_barrier.begin(), since_barrier.end(),
                         [&](const Access& b) { return Conflict(a, b); });
    });
    if (dispatch.barrier_before) {
      ++program->barrier_count;
      since_barrier.clear();
    }
    since_barrier.insert(since_barrier.end(), accesses.begin(), accesses.end());
  }
}

}  // namespace espalier::vulkan
