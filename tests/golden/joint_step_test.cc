// What a beam step with a CTC weight asks of a device: one submit of what was recorded before, and
// no matrix of log-probabilities on the host.
#include <gtest/gtest.h>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/model/stages.h"
#include "runtime/search/beam_search.h"
#include "runtime/session/inference.h"
#include "runtime/session/owsm_text.h"
#include "runtime/session/window.h"
#include "tests/golden/devices.h"
#include "tests/golden/waveform.h"

namespace espalier {
namespace {

const std::string kData = "tests/golden/data/";

class JointStepTest : public testing::TestWithParam<GoldenDevice> {};

TEST_P(JointStepTest, RunsOnTheDevice) {
  auto opened = Engine::Open(
      {.model_folder = kData + "model_plain", .device = GetParam().name, .threads = 1});
  if (GetParam().may_be_missing && opened.status().code() == StatusCode::kUnsupported) {
    GTEST_SKIP() << opened.status().message();
  }
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  Engine& engine = **opened;
  const auto golden = SafetensorsFile::Open(kData + "plain/case0_eng_asr.safetensors");
  ASSERT_TRUE(golden.ok()) << golden.status().message();
  const auto context = ResolveContext(engine, "eng", "asr");
  ASSERT_TRUE(context.ok()) << context.status().message();
  const auto primer = OwsmPrimer(engine, *context, false, std::nullopt);
  ASSERT_TRUE(primer.ok()) << primer.status().message();

  Inference inference(*opened, {});
  const int vocabulary = inference.vocabulary_size();
  ASSERT_TRUE(inference.ScoreByCtc(CtcCandidateCount(5, vocabulary)).ok());
  ASSERT_TRUE(inference.Embed(WindowFeatures(engine, Waveform(**golden))).ok());
  ASSERT_TRUE(inference.Encode(AllOpen(engine.config())).ok());
  const BeamOptions options{.beam_size = 5, .ctc_weight = 0.3, .maxlen_ratio = -12};
  // The first run binds the CTC stage.
  const auto search = [&] {
    const auto result = BeamSearch(inference, TimeRulesOf(*engine.config().owsm), *primer,
                                   inference.encoder_steps(), options, {});
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? *result : BeamResult{};
  };
  const BeamResult first = search();
  const Timings before = inference.timings();
  const DeviceCounters device_before = engine.backend().counters();
  const BeamResult second = search();
  ASSERT_FALSE(second.nbest.empty());
  EXPECT_EQ(second.nbest[0].tokens, first.nbest[0].tokens) << "nothing of a search stays";
  EXPECT_LT(second.nbest[0].parts.ctc, 0.0);
  if (device_before.submits == 0) return;  // a host backend
  const DeviceCounters device = engine.backend().counters().Since(device_before);
  const int64_t steps = inference.timings().token_count - before.token_count;
  EXPECT_GT(steps, 5);
  if (GetParam().name == "vulkan") {
    EXPECT_EQ(device.submits, steps) << "CUDA counts its copies too";
  }
  EXPECT_EQ(device.command_buffers, 0);
  EXPECT_EQ(device.descriptor_writes, 0);
  const auto row_bytes = static_cast<int64_t>(sizeof(float)) * (2 * 2 * ChoiceCount(8) + 3 + 8);
  EXPECT_LE(device.read_bytes, steps * 5 * row_bytes);
}

INSTANTIATE_TEST_SUITE_P(Devices, JointStepTest, testing::ValuesIn(GoldenDevices()),
                         [](const auto& param_info) { return param_info.param.name; });

}  // namespace
}  // namespace espalier
