#include "runtime/backend/cuda/library/program.h"

#include <algorithm>

#include "runtime/graph/cost.h"

namespace espalier::cuda {
namespace {

// Multiply-adds of one graph: some tens of milliseconds on the slowest device.
constexpr int64_t kSegmentMultiplyAdds = 200'000'000'000;
// Below, a shorter program saves nothing.
constexpr int32_t kWorthHalving = 64;

bool HasCache(const Plan& plan) {
  return std::any_of(plan.ops.begin(), plan.ops.end(),
                     [](const Op& op) { return std::holds_alternative<CachedAttentionOp>(op); });
}

bool IsLinearLength(const Plan& plan, size_t length) {
  return std::any_of(plan.ops.begin(), plan.ops.end(), [&](const Op& op) {
    const auto* linear = std::get_if<LinearOp>(&op);
    return linear != nullptr && plan.slots[static_cast<size_t>(linear->output.slot)].length ==
                                    static_cast<int32_t>(length);
  });
}

std::vector<std::vector<int32_t>> StepClasses(const Plan& plan) {
  std::vector<std::vector<int32_t>> classes(1);
  for (size_t i = 0; i < plan.lengths.size(); ++i) {
    const int32_t most = plan.lengths[i].max;
    std::vector<int32_t> sizes;
    for (const int32_t size : {1, kGemvRows}) {
      if (size < most && IsLinearLength(plan, i)) sizes.push_back(size);
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

std::vector<std::vector<int32_t>> WindowClasses(const Plan& plan) {
  std::vector<std::vector<int32_t>> classes;
  for (const int32_t divisor : {4, 2, 1}) {
    std::vector<int32_t> given, resolved(plan.lengths.size());
    bool worth = true;
    for (const Length& length : plan.lengths) {
      if (length.source >= 0) continue;
      given.push_back((length.max + divisor - 1) / divisor);
      worth = worth && (divisor == 1 || length.max >= kWorthHalving);
    }
    // Too short for a convolution: no class.
    if (worth && plan.ResolveLengths(given, resolved).ok()) classes.push_back(std::move(resolved));
  }
  if (classes.empty()) {
    std::vector<int32_t>& all = classes.emplace_back();
    for (const Length& length : plan.lengths) all.push_back(length.max);
  }
  return classes;
}

}  // namespace

bool Program::Fits(std::span<const int32_t> lengths) const {
  return std::equal(lengths.begin(), lengths.end(), most_rows.begin(), most_rows.end(),
                    [](int32_t length, int32_t most) { return length <= most; });
}

int64_t Program::LaunchCount() const {
  int64_t count = 0;
  for (const Step& step : steps) count += step.launches;
  return count;
}

std::vector<std::vector<int32_t>> RowClasses(const Plan& plan) {
  return HasCache(plan) ? StepClasses(plan) : WindowClasses(plan);
}

void PlaceSegments(const Plan& plan, Program* program) {
  int64_t work = 0;
  size_t last_op = plan.ops.size();
  for (size_t i = 0; i < program->steps.size(); ++i) {
    const size_t op = program->steps[i].op_index;
    if (op == last_op) continue;
    last_op = op;
    const int64_t op_work = OpCost(plan, plan.ops[op], program->most_rows).multiply_adds;
    if (i > 0 && work + op_work <= kSegmentMultiplyAdds) {
      work += op_work;
    } else {
      program->segments.push_back(i);
      work = op_work;
    }
  }
}

}  // namespace espalier::cuda
