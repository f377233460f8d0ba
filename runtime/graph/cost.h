// Work of a plan, computed from the plan itself, so that reported savings cannot drift from what
// runs.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/graph/plan.h"

namespace espalier {

struct Cost {
  int64_t multiply_adds = 0;  // norms, softmax and activations left out (reference/flops.md)
  int64_t weight_bytes = 0;   // bytes of constants read once
  Cost& operator+=(const Cost& other) {
    multiply_adds += other.multiply_adds;
    weight_bytes += other.weight_bytes;
    return *this;
  }
};

// One op at the given row counts (as Plan::ResolveLengths gives them). For attention over a cache
// every row is counted as if it saw `cached_positions` positions.
Cost OpCost(const Plan& plan, const Op& op, std::span<const int32_t> lengths,
            int32_t cached_positions = 0);

// The multiply-adds of the whole plan, without looking at weights: cheap enough for every run.
int64_t PlanMultiplyAdds(const Plan& plan, std::span<const int32_t> lengths,
                         int32_t cached_positions = 0);

// The whole plan; a weight that several ops read is counted once.
Cost PlanCost(const Plan& plan, std::span<const int32_t> lengths, int32_t cached_positions = 0);

// Bytes of the constants that a run of the plan reads, each once.
int64_t WeightBytes(const Plan& plan);

}  // namespace espalier
