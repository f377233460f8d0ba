// Every kernel in three orders of its threads, bit for bit: a missing barrier would show.
#include <gtest/gtest.h>

#include "cuda/emu/emulator.h"
#include "tests/backend/cpu/run_case.h"
#include "tests/backend/cuda/open_emulated.h"
#include "tests/conformance/op_case.h"

namespace espalier {
namespace {

using conformance::OpCase;
using Maker = std::vector<OpCase> (*)(DType);

struct Parameter {
  const char* op;
  Maker make;
};

class CudaOrdersTest : public testing::TestWithParam<Parameter> {
 protected:
  ~CudaOrdersTest() override { emu::SetOrder(emu::Order::kForward); }
};

TEST_P(CudaOrdersTest, GivesTheSameBits) {
  const LeakCheck leaks;
  // f32 products too: the own kernels instead of cuBLASLt.
  const auto backend =
      OpenEmulated({.products = CudaOptions::Products::kF32, .adjust_functions = {}});
  ASSERT_NE(backend, nullptr);
  const std::vector<OpCase> cases = GetParam().make(DType::kF16);
  // Every second case: enough shapes for each path of a kernel.
  for (size_t i = 0; i < cases.size(); i += 2) {
    emu::SetOrder(emu::Order::kForward);
    const auto expected = RunCase(*backend, cases[i]);
    for (const auto order : {emu::Order::kReverse, emu::Order::kShuffled}) {
      emu::SetOrder(order);
      EXPECT_TRUE(RunCase(*backend, cases[i]) == expected) << cases[i].name;
    }
  }
}

std::vector<Parameter> AllOps() {
  return {
#define ESP_OP(name) Parameter{#name, conformance::name##Cases},
#include "runtime/graph/op_list.inc"
#undef ESP_OP
  };
}

INSTANTIATE_TEST_SUITE_P(Ops, CudaOrdersTest, testing::ValuesIn(AllOps()),
                         [](const auto& test) { return test.param.op; });

}  // namespace
}  // namespace espalier
