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

  void CheckCases(CudaOptions::Products products, DType storage) {
    const LeakCheck leaks;
    const auto backend = OpenEmulated({.products = products, .adjust_functions = {}});
    ASSERT_NE(backend, nullptr);
    const std::vector<OpCase> cases = GetParam().make(storage);
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
};

TEST_P(CudaOrdersTest, GivesTheSameBits) {
  // f32 products too: the own kernels instead of cuBLASLt.
  CheckCases(CudaOptions::Products::kF32, DType::kF16);
  // Those on the tensor cores.
  const std::string op = GetParam().op;
  if (op == "Linear") CheckCases(CudaOptions::Products::kByStorage, DType::kI8);
  if (op == "Attention") CheckCases(CudaOptions::Products::kByStorage, DType::kBF16);
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
