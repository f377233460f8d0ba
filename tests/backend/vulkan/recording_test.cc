// Recorded once: what a run may do beside submitting, and which barriers there are.
#include <gtest/gtest.h>

#include "runtime/backend/vulkan/executable.h"
#include "tests/backend/cpu/run_case.h"
#include "tests/backend/vulkan/open_vulkan.h"
#include "tests/conformance/op_case.h"

namespace espalier {
namespace {

// rows × 8: two products of the same input, then a norm of the first, over slots of the arena.
std::shared_ptr<const Plan> ThreeOps(bool with_cache) {
  auto plan = std::make_shared<Plan>();
  plan->name = "three";
  plan->lengths.push_back({.name = "rows", .max = 20});
  const auto values = std::make_shared<const std::vector<float>>(64, 0.5f);
  const auto add_slot = [&](int32_t external) {
    const int32_t index = static_cast<int32_t>(plan->slots.size());
    plan->slots.push_back({.name = "slot" + std::to_string(index),
                           .length = 0,
                           .columns = 8,
                           .external = external,
                           .offset_bytes = external < 0 ? plan->arena_bytes : 0});
    if (external < 0) plan->arena_bytes += 20 * 8 * 4;
    return TensorRef{.slot = index, .column_count = 8};
  };
  const auto add_weight = [&](int64_t rows) {
    plan->weights.push_back({.name = "w",
                             .rows = rows,
                             .columns = 8,
                             .row_stride = 8,
                             .data = values->data(),
                             .owned = values});
    return WeightRef{static_cast<int32_t>(plan->weights.size()) - 1};
  };
  const TensorRef x = add_slot(0), a = add_slot(-1), b = add_slot(-1), y = add_slot(1);
  plan->external_count = 2;
  plan->ops = {LinearOp{.input = x, .weight = add_weight(8), .output = a},
               LinearOp{.input = x, .weight = add_weight(8), .output = b},
               LayerNormOp{.input = a, .gamma = add_weight(1), .beta = add_weight(1), .output = y}};
  if (with_cache) {
    const auto add_ints = [&](int32_t rows, int32_t columns, int32_t length) {
      plan->slots.push_back({.name = "ints",
                             .dtype = DType::kI32,
                             .length = length,
                             .fixed_rows = rows,
                             .columns = columns,
                             .external = plan->external_count++});
      return TensorRef{.slot = static_cast<int32_t>(plan->slots.size()) - 1,
                       .column_count = columns};
    };
    const auto add_cache = [&] {
      plan->slots.push_back(
          {.name = "cache", .fixed_rows = 40, .columns = 8, .external = plan->external_count++});
      return TensorRef{.slot = static_cast<int32_t>(plan->slots.size()) - 1, .column_count = 8};
    };
    CachedAttentionOp op;
    op.query = op.key = op.value = b;
    op.key_cache = add_cache();
    op.value_cache = add_cache();
    op.positions = add_ints(0, 1, 0);
    op.lanes = add_ints(0, 1, 0);
    op.history = add_ints(2, 20, -1);
    op.lane_count = 2;
    op.position_count = 20;
    op.output = add_slot(plan->external_count++);
    plan->ops.push_back(op);
  }
  const Status valid = plan->Validate();
  EXPECT_TRUE(valid.ok()) << valid.message();
  return plan;
}

// A plan bound to zeroed buffers.
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
    auto executable = backend.Compile(plan);
    EXPECT_TRUE(executable.ok()) << executable.status().message();
    if (!executable.ok()) return;
    auto made = (*executable)->Bind(externals);
    EXPECT_TRUE(made.ok()) << made.status().message();
    if (made.ok()) state = std::move(made).value();
  }
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::unique_ptr<ExecutionState> state;
};

TEST(VulkanRecordingTest, NothingIsRecordedAndNoDescriptorWrittenAfterBinding) {
  VULKAN_OR_SKIP(backend);
  const Bound bound(*backend, ThreeOps(true));
  ASSERT_NE(bound.state, nullptr);
  const DeviceCounters before = backend->counters();
  EXPECT_GT(before.command_buffers, 0);
  EXPECT_GT(before.descriptor_writes, 0);
  // A prompt, then steps of shrinking beams: every class of row counts.
  for (const int32_t rows : {17, 5, 5, 4, 1, 1, 20, 0}) {
    ASSERT_TRUE(bound.state->Run(std::array{rows}, {}).ok());
  }
  const DeviceCounters after = backend->counters();
  EXPECT_EQ(after.command_buffers, before.command_buffers);
  EXPECT_EQ(after.descriptor_writes, before.descriptor_writes);
  EXPECT_EQ(after.submits, before.submits + 8);
  EXPECT_EQ(after.dispatches, before.dispatches + 8 * 5);
  EXPECT_EQ(after.memory_bytes, before.memory_bytes);
}

TEST(VulkanRecordingTest, BarriersStandOnlyWhereBytesMeet) {
  VULKAN_OR_SKIP(backend);
  const auto executable = backend->Compile(ThreeOps(false));
  ASSERT_TRUE(executable.ok()) << executable.status().message();
  const auto& programs = static_cast<vulkan::VulkanExecutable&>(**executable).programs();
  ASSERT_EQ(programs.size(), 1u);
  const auto& dispatches = programs[0].dispatches;
  ASSERT_EQ(dispatches.size(), 3u);
  EXPECT_FALSE(dispatches[0].barrier_before);
  EXPECT_FALSE(dispatches[1].barrier_before) << "the two products do not touch each other";
  EXPECT_TRUE(dispatches[2].barrier_before) << "the norm reads the first product";
  EXPECT_EQ(programs[0].barrier_count, 1);
  EXPECT_EQ(programs[0].segment_count, 1);
}

TEST(VulkanRecordingTest, APlanWithACacheHasAProgramForEachClassOfRows) {
  VULKAN_OR_SKIP(backend);
  const auto executable = backend->Compile(ThreeOps(true));
  ASSERT_TRUE(executable.ok()) << executable.status().message();
  const auto& programs = static_cast<vulkan::VulkanExecutable&>(**executable).programs();
  ASSERT_EQ(programs.size(), 3u);
  EXPECT_EQ(programs[0].most_rows[0], 1);
  EXPECT_EQ(programs[1].most_rows[0], 8);
  EXPECT_EQ(programs[2].most_rows[0], 20);
}

TEST(VulkanRecordingTest, WeightsAreUploadedOncePerDevice) {
  VULKAN_OR_SKIP(backend);
  const auto plan = ThreeOps(false);
  const auto first = backend->Compile(plan);
  ASSERT_TRUE(first.ok());
  const DeviceCounters before = backend->counters();
  ASSERT_TRUE(backend->Compile(plan).ok());
  EXPECT_EQ(backend->counters().written_bytes, before.written_bytes);
  EXPECT_EQ(backend->counters().memory_bytes, before.memory_bytes);
}

TEST(VulkanRecordingTest, BuffersOfAnotherBackendOrTooSmallAreRefused) {
  VULKAN_OR_SKIP(backend);
  const auto executable = backend->Compile(ThreeOps(false));
  ASSERT_TRUE(executable.ok());
  const auto large = *backend->Allocate(640), small = *backend->Allocate(639);
  const std::array<Buffer*, 2> missing{large.get(), nullptr}, short_one{large.get(), small.get()};
  EXPECT_EQ((*executable)->Bind(missing).status().code(), StatusCode::kInternal);
  EXPECT_EQ((*executable)->Bind(short_one).status().code(), StatusCode::kInternal);
}

TEST(VulkanRecordingTest, StopsBeforeASegment) {
  VULKAN_OR_SKIP(backend);
  const Bound bound(*backend, ThreeOps(false));
  ASSERT_NE(bound.state, nullptr);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(bound.state->Run(std::array{3}, source.get_token()).code(), StatusCode::kCancelled);
  EXPECT_EQ(bound.state->Run(std::array{21}, {}).code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace espalier
