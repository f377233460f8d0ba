// Every op case on every backend and weight storage, against the reference backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "runtime/backend/reference/reference_backend.h"
#include "runtime/base/string_format.h"
#include "runtime/tensor/half.h"
#include "tests/conformance/backends.h"
#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

using Contents = std::vector<std::vector<std::byte>>;

// The external buffers after one run.
Result<Contents> RunCase(Backend& backend, const OpCase& op_case) {
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<Buffer*> externals;
  for (const auto& bytes : op_case.contents) {
    ESP_ASSIGN_OR_RETURN(buffers.emplace_back(), backend.Allocate(bytes.size()));
    ESP_RETURN_IF_ERROR(buffers.back()->Write(0, bytes));
    externals.push_back(buffers.back().get());
  }
  ESP_ASSIGN_OR_RETURN(auto executable, backend.Compile(op_case.plan));
  ESP_ASSIGN_OR_RETURN(auto state, executable->Bind(externals));
  ESP_RETURN_IF_ERROR(state->Run(op_case.lengths, {}));
  Contents results = op_case.contents;
  for (size_t i = 0; i < results.size(); ++i) {
    ESP_RETURN_IF_ERROR(buffers[i]->Read(0, results[i]));
  }
  return results;
}

bool Close(float got, float expected, const Tolerance& tolerance) {
  if (std::isnan(expected)) return std::isnan(got);
  if (std::isinf(expected)) return got == expected;
  return std::abs(got - expected) <= tolerance.absolute + tolerance.relative * std::abs(expected);
}

float NumberAt(const Slot& slot, const std::byte* bytes) {
  float number;
  uint16_t half;
  if (slot.dtype != DType::kF16) return std::memcpy(&number, bytes, sizeof(number)), number;
  return std::memcpy(&half, bytes, sizeof(half)), HalfToFloat(half);
}

// f16 numbers may be a step apart: what lies between two of them is rounded.
Tolerance ToleranceOf(const Slot& slot, Tolerance tolerance) {
  if (slot.dtype == DType::kF16) tolerance.relative += 0x1p-10f;
  return tolerance;
}

// The first difference between two runs, or nothing.
std::string Difference(const OpCase& op_case, const Tolerance& tolerance, const Contents& got,
                       const Contents& expected) {
  for (const Slot& slot : op_case.plan->slots) {
    const auto& a = got[static_cast<size_t>(slot.external)];
    const auto& b = expected[static_cast<size_t>(slot.external)];
    if (slot.dtype != DType::kF32 && slot.dtype != DType::kF16) {
      if (a != b) return slot.name + " differs";
      continue;
    }
    const size_t size = DTypeSize(slot.dtype);
    for (size_t i = 0; i + size <= a.size(); i += size) {
      const float x = NumberAt(slot, &a[i]), y = NumberAt(slot, &b[i]);
      if (Close(x, y, ToleranceOf(slot, tolerance))) continue;
      const auto columns = static_cast<size_t>(slot.columns);
      return StrFormat("%s[%zu,%zu]: %.9g, expected %.9g", slot.name.c_str(), i / size / columns,
                       i / size % columns, double{x}, double{y});
    }
  }
  return "";
}

using CaseMaker = std::vector<OpCase> (*)(DType);
const std::map<std::string, CaseMaker>& CaseMakers() {
  static const std::map<std::string, CaseMaker> makers = {
#define ESP_OP(name) {#name, name##Cases},
#include "runtime/graph/op_list.inc"
#undef ESP_OP
  };
  return makers;
}

struct Expectation {
  OpCase op_case;
  Contents result;
};

// Cases with the reference's results, computed once for all backends.
const std::vector<Expectation>& Expectations(const std::string& op, DType storage) {
  static std::map<std::pair<std::string, DType>, std::vector<Expectation>> cache;
  auto [it, is_new] = cache.try_emplace({op, storage});
  if (!is_new) return it->second;
  const auto reference = MakeReferenceBackend();
  for (OpCase& op_case : CaseMakers().at(op)(storage)) {
    auto result = RunCase(*reference, op_case);
    EXPECT_TRUE(result.ok()) << op_case.name << ": " << result.status().message();
    if (result.ok()) it->second.push_back({std::move(op_case), std::move(result).value()});
  }
  return it->second;
}

struct Parameter {
  Candidate candidate;
  std::string op;
  DType storage;
};

const Gap* FindGap(const std::vector<Gap>& gaps, const Parameter& parameter,
                   const std::string& case_name) {
  for (const Gap& gap : gaps) {
    if (parameter.candidate.name.starts_with(gap.candidate_prefix) &&
        gap.storage.value_or(parameter.storage) == parameter.storage &&
        case_name == gap.case_name) {
      return &gap;
    }
  }
  return nullptr;
}

void CheckCase(Backend& backend, const Expectation& expectation, bool rounds, const Gap* gap) {
  const OpCase& op_case = expectation.op_case;
  const Status supports = backend.Supports(*op_case.plan);
  if (gap != nullptr && gap->kind == Gap::Kind::kUnsupported) {
    EXPECT_FALSE(supports.ok()) << op_case.name << " is listed as a gap but supported";
    return;
  }
  ASSERT_TRUE(supports.ok()) << op_case.name << ": " << supports.message();
  const auto result = RunCase(backend, op_case);
  ASSERT_TRUE(result.ok()) << op_case.name << ": " << result.status().message();
  Tolerance tolerance = op_case.tolerance;
  if (rounds) tolerance.absolute += op_case.rounding;
  const std::string difference = Difference(op_case, tolerance, *result, expectation.result);
  if (gap != nullptr) {
    EXPECT_NE(difference, "") << op_case.name << " is listed as an expected failure but passes";
  } else {
    EXPECT_EQ(difference, "") << op_case.name;
  }
}

class ConformanceTest : public testing::TestWithParam<Parameter> {};

TEST_P(ConformanceTest, MatchesReference) {
  const Parameter& parameter = GetParam();
  std::string reason;
  const std::unique_ptr<Backend> backend = parameter.candidate.make(&reason);
  if (backend == nullptr) GTEST_SKIP() << parameter.candidate.name << ": " << reason;
  const std::vector<Gap> gaps = Gaps();
  const auto& rounded = parameter.candidate.rounds_activations;
  const bool rounds = std::count(rounded.begin(), rounded.end(), parameter.storage) > 0;
  const auto& expectations = Expectations(parameter.op, parameter.storage);
  EXPECT_FALSE(expectations.empty()) << "no cases for " << parameter.op;
  for (const Expectation& expectation : expectations) {
    CheckCase(*backend, expectation, rounds, FindGap(gaps, parameter, expectation.op_case.name));
  }
}

// Whether i8 weights, or a model that has them, make a difference to an op.
bool HasI8Cases(std::string_view op) {
  constexpr std::string_view kOps[] = {"Linear", "Embed", "Attention", "Conv1d", "Conv2dRelu"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

std::vector<Parameter> Parameters() {
  std::vector<Parameter> parameters;
  for (const Candidate& candidate : Candidates()) {
    for (const auto& [op, maker] : CaseMakers()) {
      for (const DType storage : {DType::kF32, DType::kF16, DType::kBF16}) {
        parameters.push_back({candidate, op, storage});
      }
      if (HasI8Cases(op)) {
        parameters.push_back({candidate, op, DType::kI8});
      }
    }
  }
  return parameters;
}

std::string ParameterName(const testing::TestParamInfo<Parameter>& test) {
  return test.param.candidate.name + "_" + test.param.op + "_" +
         std::string(DTypeName(test.param.storage));
}

INSTANTIATE_TEST_SUITE_P(Ops, ConformanceTest, testing::ValuesIn(Parameters()), ParameterName);

}  // namespace
}  // namespace espalier::conformance
