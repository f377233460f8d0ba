#include "runtime/backend/cpu/cpu_backend.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <thread>

#include "tests/backend/cpu/run_case.h"
#include "tests/search/allocation_counter.h"

namespace espalier {
namespace {

using conformance::OpCase;

std::unique_ptr<Backend> Open(int threads, std::string isa = "") {
  auto backend = MakeCpuBackend({.threads = threads, .isa = std::move(isa)});
  EXPECT_TRUE(backend.ok()) << backend.status().message();
  return backend.ok() ? std::move(backend).value() : nullptr;
}

class IsaVariable {
 public:
  explicit IsaVariable(const char* value) {
    if (const char* before = std::getenv("ESPALIER_CPU_ISA")) before_ = before;
    setenv("ESPALIER_CPU_ISA", value, 1);
  }
  ~IsaVariable() {
    if (before_.empty()) {
      unsetenv("ESPALIER_CPU_ISA");
    } else {
      setenv("ESPALIER_CPU_ISA", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

TEST(CpuBackendTest, RefusesAnUnknownInstructionSetAndListsThoseThereAre) {
  const auto backend = MakeCpuBackend({.threads = 1, .isa = "mmx"});
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), StatusCode::kInvalidArgument);
  for (const std::string_view name : CpuIsaNames()) {
    EXPECT_NE(backend.status().message().find(name), std::string::npos) << name;
  }
}

TEST(CpuBackendTest, EnvironmentNamesTheInstructionSet) {
  const std::string last(CpuIsaNames().back());  // runs everywhere
  {
    const IsaVariable variable(last.c_str());
    const auto backend = Open(1);
    ASSERT_NE(backend, nullptr);
    EXPECT_EQ(backend->info().detail.substr(0, last.size()), last);
  }
  const IsaVariable variable("mmx");
  const auto backend = MakeCpuBackend({.threads = 1});
  ASSERT_FALSE(backend.ok());
  EXPECT_EQ(backend.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(backend.status().message().substr(0, 16), "ESPALIER_CPU_ISA");
  EXPECT_TRUE(MakeCpuBackend({.threads = 1, .isa = last}).ok()) << "options come first";
}

std::vector<OpCase> AllCases(DType storage) {
  std::vector<OpCase> cases;
#define ESP_OP(name)                                           \
  for (OpCase & op_case : conformance::name##Cases(storage)) { \
    cases.push_back(std::move(op_case));                       \
  }
#include "runtime/graph/op_list.inc"
#undef ESP_OP
  return cases;
}

TEST(CpuBackendTest, RunsWithoutAllocating) {
  for (const int threads : {1, 3}) {
    const auto backend = Open(threads);
    ASSERT_NE(backend, nullptr);
    for (const OpCase& op_case : AllCases(DType::kF16)) {
      const BoundCase bound(*backend, op_case);
      ASSERT_NE(bound.state(), nullptr);
      const size_t before = AllocationCount();
      const bool ok = bound.state()->Run(bound.lengths(), {}).ok();
      EXPECT_EQ(AllocationCount() - before, 0u) << op_case.name << ", " << threads << " threads";
      EXPECT_TRUE(ok) << op_case.name;
    }
  }
}

TEST(CpuBackendTest, SameBitsForAnyNumberOfThreads) {
  const auto alone = Open(1), three = Open(3);
  ASSERT_NE(alone, nullptr);
  ASSERT_NE(three, nullptr);
  for (const OpCase& op_case : AllCases(DType::kF32)) {
    EXPECT_EQ(RunCase(*alone, op_case), RunCase(*three, op_case)) << op_case.name;
  }
}

TEST(CpuBackendTest, StopsBetweenOps) {
  const auto backend = Open(2);
  ASSERT_NE(backend, nullptr);
  const OpCase op_case = conformance::LinearCases(DType::kF32)[4];
  const BoundCase bound(*backend, op_case);
  ASSERT_NE(bound.state(), nullptr);
  std::stop_source source;
  source.request_stop();
  const Status status = bound.state()->Run(bound.lengths(), source.get_token());
  EXPECT_EQ(status.code(), StatusCode::kCancelled);
  EXPECT_EQ(bound.Read(), op_case.contents) << "nothing was computed";
}

TEST(CpuBackendTest, StatesOfOneExecutableRunAtOnce) {
  const auto backend = Open(2);
  ASSERT_NE(backend, nullptr);
  for (const OpCase& op_case : conformance::AttentionCases(DType::kF32)) {
    const auto expected = RunCase(*backend, op_case);
    std::vector<std::vector<std::byte>> results[2];
    {
      std::vector<std::jthread> threads;
      for (auto& result : results) {
        threads.emplace_back([&] {
          for (int i = 0; i < 3; ++i) result = RunCase(*backend, op_case);
        });
      }
    }
    // NaN compares equal here: these are bytes.
    for (const auto& result : results) EXPECT_EQ(result, expected) << op_case.name;
  }
}

}  // namespace
}  // namespace espalier
