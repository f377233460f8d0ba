#include "runtime/backend/vulkan/cooperative_check.h"

#include <array>
#include <utility>

#include "runtime/base/string_format.h"
#include "runtime/tensor/half.h"

namespace espalier::vulkan {
namespace {

// Every size ends within a tile, a panel and a staged piece of the depth.
constexpr int32_t kRows = 70, kDepth = 76, kColumns = 100;

// Multiples of 1/16 up to 4: exact in f16, and every sum of kDepth products in f32.
float Number(size_t i) { return static_cast<float>(static_cast<int>(i * 37 % 129) - 64) / 16.0f; }

std::shared_ptr<const Plan> ProductPlan(const std::vector<uint16_t>& weights) {
  auto plan = std::make_shared<Plan>();
  plan->name = "cooperative check";
  plan->lengths = {{.name = "rows", .max = kRows}};
  plan->slots = {{.name = "input", .length = 0, .columns = kDepth, .external = 0},
                 {.name = "output", .length = 0, .columns = kColumns, .external = 1}};
  plan->external_count = 2;
  plan->weights = {{.name = "weight",
                    .dtype = DType::kF16,
                    .rows = kColumns,
                    .columns = kDepth,
                    .row_stride = kDepth,
                    .data = weights.data(),
                    .owned = {}}};
  plan->ops = {LinearOp{.input = {.slot = 0, .column_count = kDepth},
                        .weight = {0},
                        .output = {.slot = 1, .column_count = kColumns}}};
  return plan;
}

Result<std::vector<float>> Product(const Context& context, std::shared_ptr<const Plan> plan) {
  std::vector<float> values(size_t{kRows} * kDepth);
  for (size_t i = 0; i < values.size(); ++i) values[i] = Number(i);
  std::vector<float> result(size_t{kRows} * kColumns);
  const auto source = std::as_bytes(std::span(values));
  const auto target = std::as_writable_bytes(std::span(result));
  ESP_ASSIGN_OR_RETURN(Allocation in, context.memory.Allocate(source.size(), MemoryUse::kHost));
  ESP_ASSIGN_OR_RETURN(Allocation out, context.memory.Allocate(target.size(), MemoryUse::kHost));
  DeviceBuffer input(std::move(in), &context.transfer), output(std::move(out), &context.transfer);
  ESP_RETURN_IF_ERROR(input.Write(0, source));
  ESP_ASSIGN_OR_RETURN(const auto executable, VulkanExecutable::Compile(context, std::move(plan)));
  const std::array<Buffer*, 2> externals{&input, &output};
  ESP_ASSIGN_OR_RETURN(const auto state, executable->Bind(externals));
  const std::array lengths{kRows};
  ESP_RETURN_IF_ERROR(state->Run(lengths, {}));
  ESP_RETURN_IF_ERROR(output.Read(0, target));
  return result;
}

}  // namespace

std::string CheckCooperative(const Context& context) {
  std::vector<uint16_t> weights(size_t{kColumns} * kDepth);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = FloatToHalf(Number(i * 5 + 3));
  const auto plan = ProductPlan(weights);
  Context plain = context;
  plain.tuning.cooperative = {};
  const auto expected = Product(plain, plan);
  const auto got = Product(context, plan);
  if (!expected.ok()) return expected.status().message();
  if (!got.ok()) return got.status().message();
  for (size_t i = 0; i < got->size(); ++i) {
    if ((*got)[i] == (*expected)[i]) continue;
    return StrFormat("%g at row %zu, column %zu of a product, not %g", (*got)[i], i / kColumns,
                     i % kColumns, (*expected)[i]);
  }
  return "";
}

}  // namespace espalier::vulkan
