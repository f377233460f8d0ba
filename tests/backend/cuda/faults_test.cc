// CUDA calls made to fail in turn: one clear error, and nothing leaks.
#include "tests/backend/cpu/run_case.h"
#include "tests/backend/cuda/open_emulated.h"
#include "tests/conformance/op_case.h"

namespace espalier {
namespace {

using conformance::OpCase;
using cuda::Functions;

// The call that fails: 0 is the first. CUDA's functions take no context, hence the globals.
int calls_until_failure = 0;
cudaError_t failure = cudaErrorIllegalAddress;
const Functions real;

bool FailsNow() { return calls_until_failure-- == 0; }

cudaError_t Launch(cudaGraphExec_t graph, cudaStream_t stream) {
  return FailsNow() ? failure : real.GraphLaunch(graph, stream);
}
cudaError_t Wait(cudaStream_t stream) {
  const cudaError_t result = real.StreamSynchronize(stream);
  return FailsNow() ? failure : result;
}
cudaError_t Copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t s) {
  return FailsNow() ? failure : real.MemcpyAsync(to, from, bytes, kind, s);
}
cudaError_t Allocate(void** memory, size_t bytes) {
  return FailsNow() ? failure : real.Malloc(memory, bytes);
}
cudaError_t AllocateHost(void** memory, size_t bytes) {
  return FailsNow() ? failure : real.MallocHost(memory, bytes);
}
cudaError_t Instantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long flags) {
  return FailsNow() ? failure : real.GraphInstantiate(made, graph, flags);
}
cudaError_t LastError() { return FailsNow() ? failure : real.GetLastError(); }
cublasStatus_t NoMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t, const void*, const void*,
                        cublasLtMatrixLayout_t, const void*, cublasLtMatrixLayout_t, const void*,
                        const void*, cublasLtMatrixLayout_t, void*, cublasLtMatrixLayout_t,
                        const cublasLtMatmulAlgo_t*, void*, size_t, cudaStream_t) {
  return CUBLAS_STATUS_EXECUTION_FAILED;
}

OpCase LayerNormCase() { return std::move(conformance::LayerNormCases(DType::kF32)[3]); }

// Opens, compiles, binds and runs `op_case` twice.
Status RunTwice(const cuda::DeviceOptions& options, const OpCase& op_case) {
  ESP_ASSIGN_OR_RETURN(const auto backend, cuda::OpenDevice(options));
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<Buffer*> externals;
  for (const auto& bytes : op_case.contents) {
    ESP_ASSIGN_OR_RETURN(buffers.emplace_back(), backend->Allocate(bytes.size()));
    ESP_RETURN_IF_ERROR(buffers.back()->Write(0, bytes));
    externals.push_back(buffers.back().get());
  }
  ESP_ASSIGN_OR_RETURN(const auto executable, backend->Compile(op_case.plan));
  ESP_ASSIGN_OR_RETURN(const auto state, executable->Bind(externals));
  ESP_RETURN_IF_ERROR(state->Run(op_case.lengths, {}));
  return state->Run(op_case.lengths, {});
}

// With the n-th call failing, for n = 0, 1, … until a run without failure. Returns the statuses
// that were seen.
std::vector<StatusCode> FailInTurn(void (*replace)(Functions*), cudaError_t error) {
  failure = error;
  std::vector<StatusCode> seen;
  const OpCase op_case = LayerNormCase();
  for (int n = 0; n < 100; ++n) {
    const LeakCheck leaks;
    calls_until_failure = n;
    const Status status = RunTwice({.block_bytes = 0, .adjust_functions = replace}, op_case);
    if (status.ok()) return seen;
    EXPECT_NE(status.message(), "");
    seen.push_back(status.code());
  }
  ADD_FAILURE() << "still failing after 100 calls";
  return seen;
}

void ExpectAll(const std::vector<StatusCode>& seen, size_t at_least, StatusCode code) {
  EXPECT_GE(seen.size(), at_least);
  for (const StatusCode each : seen) EXPECT_EQ(each, code);
}

TEST(CudaFaultsTest, DeviceLostAtEveryLaunch) {
  const auto replace = [](Functions* f) { f->GraphLaunch = Launch; };
  EXPECT_EQ(FailInTurn(replace, cudaErrorIllegalAddress),
            std::vector<StatusCode>(2, StatusCode::kDeviceLost));
}

TEST(CudaFaultsTest, DeviceLostAtEveryWait) {
  const auto replace = [](Functions* f) { f->StreamSynchronize = Wait; };
  ExpectAll(FailInTurn(replace, cudaErrorLaunchFailure), 6, StatusCode::kDeviceLost);
}

TEST(CudaFaultsTest, DeviceLostAtEveryCopy) {
  const auto replace = [](Functions* f) { f->MemcpyAsync = Copy; };
  ExpectAll(FailInTurn(replace, cudaErrorECCUncorrectable), 4, StatusCode::kDeviceLost);
}

TEST(CudaFaultsTest, OutOfMemoryAtEveryAllocation) {
  ExpectAll(FailInTurn([](Functions* f) { f->Malloc = Allocate; }, cudaErrorMemoryAllocation), 6,
            StatusCode::kExhausted);
  ExpectAll(
      FailInTurn([](Functions* f) { f->MallocHost = AllocateHost; }, cudaErrorMemoryAllocation), 1,
      StatusCode::kExhausted);
  ExpectAll(FailInTurn([](Functions* f) { f->GraphInstantiate = Instantiate; },
                       cudaErrorMemoryAllocation),
            1, StatusCode::kExhausted);
}

TEST(CudaFaultsTest, ALaunchThatIsRefusedFailsWhereItIsCaptured) {
  failure = cudaErrorInvalidConfiguration;
  calls_until_failure = 0;
  const Status status = RunTwice(
      {.block_bytes = 0, .adjust_functions = [](Functions* f) { f->GetLastError = LastError; }},
      LayerNormCase());
  EXPECT_EQ(status.code(), StatusCode::kDeviceLost);
  EXPECT_NE(status.message().find("LayerNorm"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("cudaErrorInvalidConfiguration"), std::string::npos);
}

TEST(CudaFaultsTest, AProductThatFailsIsAnError) {
  const LeakCheck leaks;
  const OpCase op_case = std::move(conformance::LinearCases(DType::kF32)[16]);
  ASSERT_GT(op_case.lengths[0], 8) << "few rows are no matter of cuBLASLt's";
  const Status status =
      RunTwice({.block_bytes = 0, .adjust_functions = [](Functions* f) { f->LtMatmul = NoMatmul; }},
               op_case);
  EXPECT_EQ(status.code(), StatusCode::kDeviceLost) << status.message();
}

TEST(CudaFaultsTest, ALostDeviceStaysLost) {
  failure = cudaErrorIllegalAddress;
  calls_until_failure = 1 << 30;
  const auto backend =
      OpenEmulated({.adjust_functions = [](Functions* f) { f->GraphLaunch = Launch; }});
  ASSERT_NE(backend, nullptr);
  const OpCase op_case = LayerNormCase();
  const BoundCase bound(*backend, op_case);
  ASSERT_NE(bound.state(), nullptr);
  ASSERT_TRUE(bound.state()->Run(bound.lengths(), {}).ok());
  calls_until_failure = 0;
  EXPECT_EQ(bound.state()->Run(bound.lengths(), {}).code(), StatusCode::kDeviceLost);
  const Status again = bound.state()->Run(bound.lengths(), {});
  EXPECT_EQ(again.code(), StatusCode::kDeviceLost);
  EXPECT_NE(again.message().find(backend->info().name), std::string::npos);
  EXPECT_EQ(backend->Allocate(16).status().code(), StatusCode::kDeviceLost);
}

}  // namespace
}  // namespace espalier
