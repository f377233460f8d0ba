#include "runtime/backend/speed.h"

#include <algorithm>
#include <array>
#include <limits>

#include "runtime/base/clock.h"

namespace espalier {
namespace {

constexpr int32_t kRows = 128, kWidth = 512;
constexpr int kRuns = 3;

std::shared_ptr<const Plan> ProductPlan() {
  auto plan = std::make_shared<Plan>();
  plan->name = "speed";
  plan->external_count = 2;
  for (const int32_t external : {0, 1}) {
    plan->slots.push_back({.name = external == 0 ? "input" : "output",
                           .fixed_rows = kRows,
                           .columns = kWidth,
                           .external = external});
  }
  const auto values = std::make_shared<std::vector<float>>(size_t{kWidth} * kWidth, 0.01f);
  plan->weights.push_back({.name = "weight",
                           .rows = kWidth,
                           .columns = kWidth,
                           .row_stride = kWidth,
                           .data = values->data(),
                           .owned = values});
  plan->ops.push_back(LinearOp{.input = {.slot = 0, .column_count = kWidth},
                               .weight = {0},
                               .output = {.slot = 1, .column_count = kWidth}});
  return plan;
}

}  // namespace

Result<double> MeasureSeconds(Backend& backend) {
  const auto plan = ProductPlan();
  std::array<std::unique_ptr<Buffer>, 2> buffers;
  for (auto& buffer : buffers) {
    ESP_ASSIGN_OR_RETURN(buffer, backend.Allocate(size_t{kRows} * kWidth * sizeof(float)));
  }
  ESP_ASSIGN_OR_RETURN(const auto executable, backend.Compile(plan));
  const std::array<Buffer*, 2> externals{buffers[0].get(), buffers[1].get()};
  ESP_ASSIGN_OR_RETURN(const auto state, executable->Bind(externals));
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i <= kRuns; ++i) {  // the first one warms up
    const Stopwatch watch;
    ESP_RETURN_IF_ERROR(state->Run({}, {}));
    if (i > 0) best = std::min(best, watch.Seconds());
  }
  return best;
}

bool IsWorthTaking(Backend& candidate, Backend& current) {
  const Result<double> theirs = MeasureSeconds(candidate);
  if (!theirs.ok()) return false;
  const Result<double> ours = MeasureSeconds(current);
  return ours.ok() && *theirs * 2 <= *ours;
}

}  // namespace espalier
