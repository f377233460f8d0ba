// A Vulkan device that is lost in the middle of a file, at every submit: the CPU goes on with the
// window that is still held, and no word is lost or said twice.
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/backend/vulkan/functions.h"
#include "runtime/backend/vulkan/vulkan_backend.h"
#include "tests/session/two_windows.h"

namespace espalier {
namespace {

// Vulkan's functions take no context, hence the globals.
int submits = 0;
int last_submit = -1;  // the one that fails; -1: none
VkResult failure = VK_ERROR_DEVICE_LOST;
PFN_vkQueueSubmit real_submit = nullptr;

VkResult Submit(VkQueue queue, uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
  return submits++ == last_submit ? failure : real_submit(queue, count, infos, fence);
}

Result<std::unique_ptr<Backend>> OpenFaulty() {
  return MakeVulkanBackend(
      {.validation = true,
       .on_validation_message = [](const std::string& text) { ADD_FAILURE() << text; },
       .adjust_functions =
           [](vulkan::Functions* functions) {
             real_submit = functions->QueueSubmit;
             functions->QueueSubmit = Submit;
           }});
}

TwoWindows Transcribe(int failing_submit) {
  submits = 0;
  last_submit = failing_submit;
  return TranscribeTwoWindows(OpenFaulty);
}

TEST(VulkanLostTest, TheCpuGoesOnWhicheverSubmitIsTheLast) {
  // Every engine makes its kernels afresh; Mesa keeps them where it may.
  setenv("MESA_SHADER_CACHE_DIR", std::getenv("TEST_TMPDIR"), 1);
  if (const auto backend = OpenFaulty(); !backend.ok()) GTEST_SKIP() << backend.status().message();
  const TwoWindows expected = Transcribe(-1);
  ASSERT_GE(expected.observed.size(), 2u);
  const int count = submits;
  ASSERT_GT(count, 10);
  for (int n = 0; n < count; ++n) {
    SCOPED_TRACE(n);
    failure = n % 4 == 3 ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_DEVICE_LOST;
    const TwoWindows outcome = Transcribe(n);
    ExpectSameWords(outcome, expected);
    EXPECT_EQ(submits, n + 1) << "a device that failed is not asked again";
    ASSERT_EQ(outcome.transcript.warnings.size(), expected.transcript.warnings.size() + 1);
    EXPECT_NE(outcome.transcript.warnings.back().find("vulkan:0 failed, the CPU goes on"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace espalier
