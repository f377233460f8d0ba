// Small plans for tests of what a device's backend records, and their buffers.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier::small_plan {

constexpr int32_t kWidth = 8;

// Makes plans over matrices of (rows, 8).
class PlanMaker {
 public:
  explicit PlanMaker(int32_t most_rows) : most_rows_(most_rows) {
    plan_->name = "small";
    plan_->lengths.push_back({.name = "rows", .max = most_rows});
    std::vector<float> values;
    for (int i = 0; i < kWidth * kWidth; ++i) {
      values.push_back(0.1f * static_cast<float>(i % 11) - 0.5f);
    }
    values_ = std::make_shared<const std::vector<float>>(std::move(values));
  }
  TensorRef Slot(bool external) {
    const auto index = static_cast<int32_t>(plan_->slots.size());
    plan_->slots.push_back({.name = "slot" + std::to_string(index),
                            .length = 0,
                            .columns = kWidth,
                            .external = external ? plan_->external_count++ : -1,
                            .offset_bytes = external ? 0 : plan_->arena_bytes});
    if (!external) plan_->arena_bytes += int64_t{most_rows_} * kWidth * 4;
    return {.slot = index, .column_count = kWidth};
  }
  WeightRef Weight(int64_t rows) {
    plan_->weights.push_back({.name = "w",
                              .rows = rows,
                              .columns = kWidth,
                              .row_stride = kWidth,
                              .data = values_->data(),
                              .owned = values_});
    return {static_cast<int32_t>(plan_->weights.size()) - 1};
  }
  void Add(Op op) { plan_->ops.push_back(std::move(op)); }
  void AddCache(const TensorRef& rows) {
    const auto ints = [&](int32_t fixed_rows, int32_t columns, int32_t length) {
      plan_->slots.push_back({.name = "ints",
                              .dtype = DType::kI32,
                              .length = length,
                              .fixed_rows = fixed_rows,
                              .columns = columns,
                              .external = plan_->external_count++});
      return TensorRef{.slot = static_cast<int32_t>(plan_->slots.size()) - 1,
                       .column_count = columns};
    };
    const auto cache = [&] {
      plan_->slots.push_back({.name = "cache",
                              .fixed_rows = 2 * most_rows_,
                              .columns = kWidth,
                              .external = plan_->external_count++});
      return TensorRef{.slot = static_cast<int32_t>(plan_->slots.size()) - 1,
                       .column_count = kWidth};
    };
    CachedAttentionOp op;
    op.query = op.key = op.value = rows;
    op.key_cache = cache();
    op.value_cache = cache();
    op.positions = ints(0, 1, 0);
    op.lanes = ints(0, 1, 0);
    op.history = ints(2, most_rows_, -1);
    op.lane_count = 2;
    op.position_count = most_rows_;
    op.output = Slot(true);
    Add(op);
  }
  std::shared_ptr<const Plan> Finish() {
    const Status valid = plan_->Validate();
    EXPECT_TRUE(valid.ok()) << valid.message();
    return plan_;
  }

 private:
  int32_t most_rows_;
  std::shared_ptr<Plan> plan_ = std::make_shared<Plan>();
  std::shared_ptr<const std::vector<float>> values_;
};

// rows × 8: two products of the same input, then a norm of the first, over slots of the arena; with
// a cache an attention of the second too.
inline std::shared_ptr<const Plan> ThreeOps(int32_t most_rows, bool with_cache) {
  PlanMaker maker(most_rows);
  const TensorRef x = maker.Slot(true), a = maker.Slot(false), b = maker.Slot(false);
  maker.Add(LinearOp{.input = x, .weight = maker.Weight(8), .output = a});
  maker.Add(LinearOp{.input = x, .weight = maker.Weight(8), .output = b});
  maker.Add(LayerNormOp{
      .input = a, .gamma = maker.Weight(1), .beta = maker.Weight(1), .output = maker.Slot(true)});
  if (with_cache) maker.AddCache(b);
  return maker.Finish();
}

// A plan bound to buffers; external 0 counts up, the rest is zero.
struct Bound {
  Bound(Backend& backend, const std::shared_ptr<const Plan>& plan) {
    std::vector<Buffer*> externals;
    buffers.resize(static_cast<size_t>(plan->external_count));
    for (const Slot& slot : plan->slots) {
      if (slot.external < 0) continue;
      auto& buffer = buffers[static_cast<size_t>(slot.external)];
      buffer = *backend.Allocate(static_cast<size_t>(plan->MaxBytes(slot)));
    }
    for (const auto& buffer : buffers) externals.push_back(buffer.get());
    std::vector<float> x(buffers[0]->size_bytes() / sizeof(float));
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i));
    EXPECT_TRUE(buffers[0]->Write(0, std::as_bytes(std::span(x))).ok());
    auto executable = backend.Compile(plan);
    EXPECT_TRUE(executable.ok()) << executable.status().message();
    if (!executable.ok()) return;
    auto made = (*executable)->Bind(externals);
    EXPECT_TRUE(made.ok()) << made.status().message();
    if (made.ok()) state = std::move(made).value();
  }
  std::vector<float> Read(size_t external) const {
    std::vector<float> values(buffers[external]->size_bytes() / 4);
    EXPECT_TRUE(buffers[external]->Read(0, std::as_writable_bytes(std::span(values))).ok());
    return values;
  }
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::unique_ptr<ExecutionState> state;
};

}  // namespace espalier::small_plan
