// A Vulkan device that is lost in the middle of a file, at every submit: the CPU goes on with the
// window that is still held, and no word is lost or said twice.
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/backend/vulkan/functions.h"
#include "runtime/backend/vulkan/vulkan_backend.h"
#include "runtime/session/transcriber.h"
#include "tests/session/memory_reader.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

using scripted_whisper::kEnd;
using scripted_whisper::kFirstTime;
using scripted_whisper::kLetterA;

constexpr int kSamples = 16000 * 3 / 2;  // two windows

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

std::string ModelFolder() {
  static const std::string folder = scripted_whisper::WriteFolder(
      {.steps = {{kFirstTime}, {kLetterA}, {kFirstTime + 20}, {kEnd}}});
  return folder;
}

// The texts in the order in which they were given out, then the warnings.
std::vector<std::string> Transcribe(int failing_submit) {
  submits = 0;
  last_submit = failing_submit;
  auto engine =
      Engine::Open({.model_folder = ModelFolder(), .threads = 1, .open_backend = OpenFaulty});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  if (!engine.ok()) return {};
  auto transcriber = Transcriber::Create(std::move(engine).value());
  EXPECT_TRUE(transcriber.ok()) << transcriber.status().message();
  MemoryReader audio(std::vector<float>(kSamples, 0.25f));
  TranscribeOptions options;
  options.language = "en";
  std::vector<std::string> texts;
  const TranscribeObserver observer{
      .on_segment = [&](const Segment& segment) { texts.push_back(segment.text); },
      .on_progress = {}};
  const auto transcript = (*transcriber)->Transcribe(audio, options, observer, {});
  EXPECT_TRUE(transcript.ok()) << transcript.status().message();
  if (transcript.ok()) {
    texts.insert(texts.end(), transcript->warnings.begin(), transcript->warnings.end());
  }
  return texts;
}

TEST(VulkanLostTest, TheCpuGoesOnWhicheverSubmitIsTheLast) {
  // Every engine makes its kernels afresh; Mesa keeps them where it may.
  setenv("MESA_SHADER_CACHE_DIR", std::getenv("TEST_TMPDIR"), 1);
  if (const auto backend = OpenFaulty(); !backend.ok()) GTEST_SKIP() << backend.status().message();
  const std::vector<std::string> expected = Transcribe(-1);
  ASSERT_GE(expected.size(), 2u);
  const int count = submits;
  ASSERT_GT(count, 10);
  for (int n = 0; n < count; ++n) {
    SCOPED_TRACE(n);
    failure = n % 4 == 3 ? VK_ERROR_OUT_OF_DEVICE_MEMORY : VK_ERROR_DEVICE_LOST;
    std::vector<std::string> texts = Transcribe(n);
    ASSERT_FALSE(texts.empty());
    EXPECT_NE(texts.back().find("vulkan:0 failed, the CPU goes on"), std::string::npos);
    EXPECT_EQ(submits, n + 1) << "a device that failed is not asked again";
    texts.pop_back();
    EXPECT_EQ(texts, expected);
  }
}

}  // namespace
}  // namespace espalier
