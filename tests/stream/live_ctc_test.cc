// What CTC hears decides what reaches the decoder.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "runtime/checkpoint/safetensors.h"
#include "runtime/stream/live_session.h"
#include "tests/stream/signals.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

const std::string kModel = "tests/golden/data/model_plain";

// The golden model whose CTC hears `token` at every step.
std::string ModelThatHears(int token) {
  const std::string folder =
      std::string(std::getenv("TEST_TMPDIR")) + "/hears" + std::to_string(token);
  fs::create_directories(folder);
  for (const char* file : {"config.json", "bpe.model"}) {
    fs::copy_file(kModel + "/" + file, folder + "/" + file, fs::copy_options::overwrite_existing);
  }
  const auto model = SafetensorsFile::Open(kModel + "/model.safetensors");
  EXPECT_TRUE(model.ok());
  std::vector<NamedTensor> tensors;
  std::vector<float> bias;
  for (const std::string& name : (*model)->names()) {
    NamedTensor tensor{name, *(*model)->Find(name)};
    if (name == "ctc.ctc_lo.bias") {
      bias.resize(static_cast<size_t>(tensor.view.element_count()));
      bias[static_cast<size_t>(token)] = 1000;
      tensor.view.data = bias.data();
    }
    tensors.push_back(tensor);
  }
  EXPECT_FALSE(bias.empty());
  EXPECT_TRUE(WriteSafetensors(folder + "/model.safetensors", tensors).ok());
  return folder;
}

// Texts of the finals, and whether an utterance begins and ends.
std::vector<LiveEvent> FinalsOf(const std::string& folder, int64_t* token_count) {
  auto engine = Engine::Open({.model_folder = folder, .threads = 1, .beam_size_max = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  LiveOptions options;
  options.language = "eng";
  options.first_update_ms = 300;
  auto session = LiveSession::Create(*engine, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  std::vector<float> samples = SpeechLike(1.5, 1);
  Append(Silence(1), &samples);
  EXPECT_TRUE((*session)->Push(samples).ok());
  EXPECT_TRUE((*session)->Finish().ok());
  *token_count = (*session)->status().timings.token_count;
  std::vector<LiveEvent> finals;
  while (auto event = (*session)->Next()) {
    if (event->type == LiveEventType::kFinal) finals.push_back(*std::move(event));
  }
  return finals;
}

TEST(LiveCtcTest, WhereItHearsBlanksTheDecoderIsNotAsked) {
  constexpr int kBlank = 0, kToken = 20;
  int64_t decoded = 0;
  const auto silent = FinalsOf(ModelThatHears(kBlank), &decoded);
  ASSERT_EQ(silent.size(), 1u);
  EXPECT_EQ(silent[0].committed, "");
  EXPECT_EQ(silent[0].outcome, DecodeOutcome::kNoSpeech);
  EXPECT_EQ(decoded, 0);
  const auto said = FinalsOf(ModelThatHears(kToken), &decoded);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].committed, "");
  EXPECT_GT(decoded, 0);
}

}  // namespace
}  // namespace espalier
