// Vulkan calls made to fail in turn: one clear error, nothing waits for ever, nothing leaks (the
// validation layer reports what is left when the device goes).
#include <gtest/gtest.h>

#include "runtime/backend/vulkan/functions.h"
#include "tests/backend/cpu/run_case.h"
#include "tests/backend/device/small_plan.h"
#include "tests/backend/vulkan/open_vulkan.h"
#include "tests/conformance/op_case.h"

namespace espalier {
namespace {

// The call that fails: 0 is the first. Vulkan's functions take no context, hence the globals.
int calls_until_failure = 0;
VkResult failure = VK_ERROR_DEVICE_LOST;
vulkan::Functions real;

bool FailsNow() { return calls_until_failure-- == 0; }

VkResult Submit(VkQueue queue, uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
  return FailsNow() ? failure : real.QueueSubmit(queue, count, infos, fence);
}
VkResult Wait(VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all, uint64_t ns) {
  const VkResult result = real.WaitForFences(device, count, fences, all, ns);
  return FailsNow() ? failure : result;
}
// Gives up while the device is at work.
VkResult WaitNotAtAll(VkDevice device, uint32_t count, const VkFence* fences, VkBool32 all,
                      uint64_t ns) {
  return FailsNow() ? VK_TIMEOUT : real.WaitForFences(device, count, fences, all, ns);
}
VkResult Allocate(VkDevice device, const VkMemoryAllocateInfo* info,
                  const VkAllocationCallbacks* callbacks, VkDeviceMemory* memory) {
  return FailsNow() ? failure : real.AllocateMemory(device, info, callbacks, memory);
}
VkResult Pipeline(VkDevice device, VkPipelineCache cache, uint32_t count,
                  const VkComputePipelineCreateInfo* infos, const VkAllocationCallbacks* callbacks,
                  VkPipeline* pipelines) {
  if (!FailsNow()) {
    return real.CreateComputePipelines(device, cache, count, infos, callbacks, pipelines);
  }
  *pipelines = VK_NULL_HANDLE;
  return failure;
}

VulkanOptions WithFault(void (*replace)(vulkan::Functions*), bool separate_memory = false) {
  return {.separate_memory = separate_memory,
          .adjust_functions = [replace](vulkan::Functions* functions) {
            real = *functions;
            replace(functions);
          }};
}

constexpr int kNever = 1 << 30;

// Opens, compiles, binds and runs `op_case` twice with the n-th call failing, for n = 0, 1, … until
// a run without failure. Returns the statuses that were seen.
std::vector<StatusCode> FailInTurn(const VulkanOptions& options,
                                   const conformance::OpCase& op_case) {
  std::vector<StatusCode> seen;
  for (int n = 0; n < 100; ++n) {
    calls_until_failure = n;
    std::string reason;
    VulkanOptions validated = options;
    validated.validation = true;
    validated.on_validation_message = [](const std::string& text) { ADD_FAILURE() << text; };
    const auto run = [&]() -> Status {
      ESP_ASSIGN_OR_RETURN(const auto backend, MakeVulkanBackend(validated));
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
    };
    const Status status = run();
    if (status.code() == StatusCode::kUnsupported) return {};  // no device
    if (status.ok()) return seen;
    seen.push_back(status.code());
  }
  ADD_FAILURE() << "still failing after 100 calls";
  return seen;
}

conformance::OpCase SmallCase() { return std::move(conformance::LayerNormCases(DType::kF32)[3]); }

// With buffers that are staged where memory is separate, in several pieces.
conformance::OpCase LargeCase() {
  constexpr int32_t kRows = 60'000;  // of 32 bytes
  conformance::OpCase op_case;
  op_case.plan = small_plan::ThreeOps(kRows, false);
  op_case.lengths = {100};
  op_case.contents.assign(2, std::vector<std::byte>(size_t{kRows} * small_plan::kWidth * 4));
  return op_case;
}

bool HasDevice(std::string* reason) { return OpenVulkan(reason) != nullptr; }

TEST(VulkanFaultsTest, DeviceLostAtEverySubmit) {
  std::string reason;
  if (!HasDevice(&reason)) GTEST_SKIP() << reason;
  failure = VK_ERROR_DEVICE_LOST;
  const auto submit = [](vulkan::Functions* f) { f->QueueSubmit = Submit; };
  const auto mapped = FailInTurn(WithFault(submit), SmallCase());
  EXPECT_EQ(mapped, std::vector<StatusCode>(2, StatusCode::kDeviceLost));
  const auto staged = FailInTurn(WithFault(submit, true), LargeCase());
  EXPECT_GT(staged.size(), 8u);
  for (const StatusCode code : staged) EXPECT_EQ(code, StatusCode::kDeviceLost);
}

TEST(VulkanFaultsTest, DeviceLostOrSilentAtEveryWait) {
  std::string reason;
  if (!HasDevice(&reason)) GTEST_SKIP() << reason;
  const auto wait = [](vulkan::Functions* f) { f->WaitForFences = Wait; };
  for (const VkResult result : {VK_ERROR_DEVICE_LOST, VK_TIMEOUT}) {
    failure = result;
    EXPECT_EQ(FailInTurn(WithFault(wait), SmallCase()),
              std::vector<StatusCode>(2, StatusCode::kDeviceLost));
  }
}

// What the device may still read and write must outlive every object of ours.
TEST(VulkanFaultsTest, NothingIsFreedUnderADeviceThatGivesNoAnswer) {
  std::string reason;
  if (!HasDevice(&reason)) GTEST_SKIP() << reason;
  const auto wait = [](vulkan::Functions* f) { f->WaitForFences = WaitNotAtAll; };
  EXPECT_EQ(FailInTurn(WithFault(wait), SmallCase()),
            std::vector<StatusCode>(2, StatusCode::kDeviceLost));
  const auto staged = FailInTurn(WithFault(wait, true), LargeCase());
  EXPECT_GT(staged.size(), 8u);
  for (const StatusCode code : staged) EXPECT_EQ(code, StatusCode::kDeviceLost);
}

TEST(VulkanFaultsTest, ALostDeviceStaysLost) {
  calls_until_failure = kNever;
  failure = VK_ERROR_DEVICE_LOST;
  VULKAN_OR_SKIP(backend, WithFault([](vulkan::Functions* f) { f->QueueSubmit = Submit; }));
  const auto op_case = SmallCase();
  const BoundCase bound(*backend, op_case);
  ASSERT_NE(bound.state(), nullptr);
  ASSERT_TRUE(bound.state()->Run(bound.lengths(), {}).ok());
  calls_until_failure = 0;
  EXPECT_EQ(bound.state()->Run(bound.lengths(), {}).code(), StatusCode::kDeviceLost);
  const Status again = bound.state()->Run(bound.lengths(), {});
  EXPECT_EQ(again.code(), StatusCode::kDeviceLost);
  EXPECT_NE(again.message().find(backend->info().name), std::string::npos);
}

TEST(VulkanFaultsTest, OutOfMemoryAtEveryAllocation) {
  std::string reason;
  if (!HasDevice(&reason)) GTEST_SKIP() << reason;
  failure = VK_ERROR_OUT_OF_DEVICE_MEMORY;
  const auto codes = FailInTurn(
      WithFault([](vulkan::Functions* f) { f->AllocateMemory = Allocate; }), SmallCase());
  EXPECT_GE(codes.size(), 2u);
  for (const StatusCode code : codes) EXPECT_EQ(code, StatusCode::kExhausted);
}

TEST(VulkanFaultsTest, APipelineThatCannotBeMade) {
  std::string reason;
  if (!HasDevice(&reason)) GTEST_SKIP() << reason;
  failure = VK_ERROR_OUT_OF_HOST_MEMORY;
  const auto codes = FailInTurn(
      WithFault([](vulkan::Functions* f) { f->CreateComputePipelines = Pipeline; }), SmallCase());
  EXPECT_EQ(codes, std::vector<StatusCode>(1, StatusCode::kExhausted));
}

}  // namespace
}  // namespace espalier
