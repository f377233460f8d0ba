// Long audio through a Transcriber: the segments that ESPnet's decode_long gives (spec §10).
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/session/transcriber.h"
#include "tests/golden/waveform.h"
#include "tests/session/memory_reader.h"

namespace espalier {
namespace {

using Json = nlohmann::json;

const std::string kData = "tests/golden/data/";

std::vector<float> LongWaveform() {
  const auto golden = SafetensorsFile::Open(kData + "plain/case2_eng_asr.safetensors");
  EXPECT_TRUE(golden.ok()) << golden.status().message();
  return golden.ok() ? Waveform(**golden) : std::vector<float>();
}

Json SegmentsOf(const std::vector<Segment>& segments) {
  Json json = Json::array();
  for (const Segment& segment : segments) {
    json.push_back({static_cast<double>(segment.start_ms) / 1000,
                    static_cast<double>(segment.end_ms) / 1000, segment.text});
  }
  return json;
}

class LongFormTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto engine =
        Engine::Open({.model_folder = kData + "model_plain", .device = GetParam(), .threads = 1});
    ASSERT_TRUE(engine.ok()) << engine.status().message();
    auto transcriber = Transcriber::Create(std::move(engine).value());
    ASSERT_TRUE(transcriber.ok()) << transcriber.status().message();
    transcriber_ = std::move(transcriber).value();
  }

  std::unique_ptr<Transcriber> transcriber_;
};

TEST_P(LongFormTest, SegmentsAreEspnets) {
  std::ifstream file(kData + "plain/case2_eng_asr.json");
  const Json golden = Json::parse(file);
  ASSERT_EQ(golden["long_form"].size(), 2u);
  // One transcriber for both: nothing of the first run may reach the second.
  for (const Json& expected : golden["long_form"]) {
    const Json& setting = expected["setting"];
    SCOPED_TRACE(setting.dump());
    TranscribeOptions options;
    options.language = golden["lang"];
    options.task = golden["task"];
    options.beam_size = setting["beam_size"];
    options.carry_prompt = setting["condition"];
    options.end_time_threshold = setting["end_time_threshold"];
    std::vector<Segment> observed;
    std::vector<double> progress;
    const TranscribeObserver observer{
        .on_segment = [&](const Segment& segment) { observed.push_back(segment); },
        .on_progress = [&](double done_s, double) { progress.push_back(done_s); }};
    MemoryReader audio(LongWaveform());
    const auto transcript = transcriber_->Transcribe(audio, options, observer, {});
    ASSERT_TRUE(transcript.ok()) << transcript.status().message();
    EXPECT_EQ(SegmentsOf(transcript->segments), expected["segments"]);
    EXPECT_EQ(SegmentsOf(observed), expected["segments"]);
    EXPECT_EQ(transcript->duration_ms, 6500);
    EXPECT_EQ(transcript->language, "en");
    EXPECT_TRUE(std::is_sorted(progress.begin(), progress.end()));
    EXPECT_EQ(static_cast<int64_t>(progress.size()), transcript->timings.window_count);
  }
}

TEST_P(LongFormTest, CancellingStopsAtTheNextWindow) {
  std::stop_source source;
  int windows = 0;
  const TranscribeObserver observer{.on_segment = {}, .on_progress = [&](double, double) {
                                      ++windows;
                                      source.request_stop();
                                    }};
  TranscribeOptions options;
  options.language = "eng";
  MemoryReader audio(LongWaveform());
  const auto transcript = transcriber_->Transcribe(audio, options, observer, source.get_token());
  EXPECT_EQ(transcript.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(windows, 1);
}

TEST_P(LongFormTest, AnUnknownThresholdIsRefused) {
  TranscribeOptions options;
  options.language = "eng";
  options.end_time_threshold = "<2.11>";
  MemoryReader audio(LongWaveform());
  const auto transcript = transcriber_->Transcribe(audio, options, {}, {});
  EXPECT_EQ(transcript.status().code(), StatusCode::kInvalidArgument);
}

TEST_P(LongFormTest, DigitalSilenceHasNoWords) {
  std::vector<float> silence(160000);
  for (size_t i = 0; i < silence.size(); i += 3) silence[i] = 1.0f / 32768.0f;  // dither
  MemoryReader reader(silence);
  TranscribeOptions options;
  options.language = "eng";
  options.end_time_threshold = "<2.10>";
  const auto transcript = transcriber_->Transcribe(reader, options, {}, {});
  ASSERT_TRUE(transcript.ok()) << transcript.status().message();
  EXPECT_TRUE(transcript->segments.empty());
  EXPECT_EQ(transcript->duration_ms, 10000);
  EXPECT_EQ(transcript->timings.token_count, 0);
}

INSTANTIATE_TEST_SUITE_P(Devices, LongFormTest, testing::Values("reference", "cpu"),
                         [](const auto& param_info) { return std::string(param_info.param); });

}  // namespace
}  // namespace espalier
