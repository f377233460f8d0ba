// Gate packs end to end: attached by the engine, with the context's rows, changed weights and true
// length.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/checkpoint/fingerprint.h"
#include "runtime/session/context.h"
#include "runtime/session/gate_look.h"
#include "runtime/session/inference.h"
#include "runtime/session/transcriber.h"
#include "runtime/session/window.h"
#include "tests/checkpoint/pack_writer.h"
#include "tests/session/memory_reader.h"
#include "tests/session/random_whisper.h"
#include "tests/session/scripted_whisper.h"

namespace espalier {
namespace {

constexpr int kRate = 16000;
using random_whisper::kLayers;
using random_whisper::kUnits;
using random_whisper::kWidth;

std::vector<float> Noise(int count) {
  std::vector<float> samples(static_cast<size_t>(count));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = 0.3f * std::sin(0.001f * static_cast<float>(i * (i % 97)));
  }
  return samples;
}

PackWriter PackFor(const std::string& model_folder) {
  auto store = TensorStore::OpenFolder(model_folder);
  EXPECT_TRUE(store.ok());
  return {FingerprintOf(**store), kWidth, kLayers, kLayers};
}

std::shared_ptr<Engine> Open(const std::string& folder, const std::string& gates) {
  auto engine = Engine::Open({.model_folder = folder, .threads = 1, .gates = gates});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  return engine.ok() ? std::move(engine).value() : nullptr;
}

// Scores after a prompt, of half a second of noise under every gate open.
std::vector<float> Scores(const std::shared_ptr<Engine>& engine) {
  Inference inference(engine, {});
  EXPECT_TRUE(inference.Embed(WindowFeatures(*engine, Noise(kRate / 2))).ok());
  EXPECT_TRUE(inference.Encode(AllOpen(engine->config())).ok());
  std::vector<float> scores(static_cast<size_t>(inference.vocabulary_size()));
  EXPECT_TRUE(inference.Start(std::array{76, 5, 7}, std::array{2}, scores).ok());
  return scores;
}

// Numbers of the closed gates, encoder first.
std::vector<int> Closed(const GateMask& mask) {
  std::vector<int> closed;
  int number = 0;
  for (const GateTable* table : {&mask.encoder, &mask.decoder}) {
    for (const uint8_t open : table->open) {
      if (open == 0) closed.push_back(number);
      ++number;
    }
  }
  return closed;
}

std::vector<int> ClosedFor(const std::shared_ptr<Engine>& engine, const std::string& language,
                           const std::string& task) {
  const auto mask = PredictGates(engine, Noise(kRate / 2), language, task, {});
  EXPECT_TRUE(mask.ok()) << mask.status().message();
  return mask.ok() ? Closed(*mask) : std::vector<int>{};
}

TEST(GatePackTest, GatesFollowLanguageAndTask) {
  const std::string folder = random_whisper::WriteFolder("model");
  const std::string pack = PackFor(folder).Write("pack");
  const auto engine = Open(folder, pack);
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(ClosedFor(engine, "en", "transcribe"), (std::vector<int>{1}));
  EXPECT_EQ(ClosedFor(engine, "English", "translate"), (std::vector<int>{1, 3}));
  EXPECT_EQ(ClosedFor(Open(folder, pack + ",budget=0"), "en", "translate"), (std::vector<int>{}));
  EXPECT_EQ(ClosedFor(Open(folder, pack + ",all"), "en", "translate"), (std::vector<int>{}));
}

TEST(GatePackTest, ALanguageThatIsNotListedTakesTheFirstRow) {
  const std::string folder = random_whisper::WriteFolder("model_languages");
  const std::string path = folder + "/generation_config.json";
  auto generation = nlohmann::json::parse(std::ifstream(path));
  generation["lang_to_id"]["<|de|>"] = scripted_whisper::kEnd - 1;  // any token will do
  generation["lang_to_id"]["<|fr|>"] = scripted_whisper::kEnd - 2;
  std::ofstream(path) << generation;
  PackWriter writer = PackFor(folder);
  writer.json["gates"]["languages"][2] = "fra";  // another name of fr
  const auto engine = Open(folder, writer.Write("pack"));
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(ClosedFor(engine, "de", "transcribe"), (std::vector<int>{0}));
  EXPECT_EQ(ClosedFor(engine, "fr", "transcribe"), (std::vector<int>{2}));
}

TEST(GatePackTest, ATaskThatIsNotListedIsRefused) {
  const std::string folder = random_whisper::WriteFolder("model");
  PackWriter writer = PackFor(folder);
  writer.json["gates"]["tasks"][1] = "summarise";
  const auto engine = Open(folder, writer.Write("pack"));
  ASSERT_NE(engine, nullptr);
  const auto context = ResolveContext(*engine, "en", "translate");
  ASSERT_FALSE(context.ok());
  EXPECT_EQ(context.status().code(), StatusCode::kUnsupported);
  EXPECT_NE(context.status().message().find("task translate"), std::string::npos);
}

// W + b·a at load is the model with W + b·a in its file, to the last bit.
TEST(GatePackTest, DeltasEqualMergedWeights) {
  const std::string matrix = "model.decoder.layers.1.fc1.weight";  // (units, width)
  const std::string bias = "model.encoder.layers.0.self_attn.q_proj.bias";
  const std::string folder = random_whisper::WriteFolder("model");
  PackWriter writer = PackFor(folder);
  PackTensor a{{2, kWidth}, {}}, b{{kUnits, 2}, {}}, add{{kWidth}, {}};
  for (int i = 0; i < 2 * kWidth; ++i) a.values.push_back(static_cast<float>(i % 5 - 2) / 8);
  for (int i = 0; i < 2 * kUnits; ++i) b.values.push_back(static_cast<float>(i % 3 - 1) / 4);
  for (int i = 0; i < kWidth; ++i) add.values.push_back(static_cast<float>(i % 7 - 3) / 16);
  writer.tensors["delta." + matrix + ".a"] = a;
  writer.tensors["delta." + matrix + ".b"] = b;
  writer.tensors["add." + bias] = add;
  const auto merge = [&](const std::string& tensor, std::vector<float>* values) {
    if (tensor == bias) {
      for (size_t i = 0; i < values->size(); ++i) (*values)[i] += add.values[i];
    }
    if (tensor != matrix) return;
    for (size_t row = 0; row < kUnits; ++row) {
      for (size_t column = 0; column < kWidth; ++column) {
        for (size_t rank = 0; rank < 2; ++rank) {
          (*values)[row * kWidth + column] +=
              b.values[row * 2 + rank] * a.values[rank * kWidth + column];
        }
      }
    }
  };
  const auto engine = Open(folder, writer.Write("pack") + ",all");
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(engine->gate_pack()->changed_tensors, 2);
  const std::vector<float> changed = Scores(engine);
  EXPECT_EQ(changed, Scores(Open(random_whisper::WriteFolder("merged", merge), "all")));
  EXPECT_NE(changed, Scores(Open(folder, "all")));
}

TEST(GatePackTest, TrueLengthFeedsTheAudioAndItsTail) {
  const std::string folder = random_whisper::WriteFolder("model");
  PackWriter writer = PackFor(folder);
  writer.json["input"] = {{"true_length", true}, {"tail_seconds", 0.25}, {"min_seconds", 0.5}};
  const auto engine = Open(folder, writer.Write("pack"));
  ASSERT_NE(engine, nullptr);
  const struct {
    int samples, steps;
  } cases[] = {{1600, 25}, {4000, 25}, {4001, 26}, {8000, 38}, {12000, 50}, {16000, 50}};
  Inference inference(engine, {});
  for (const auto& each : cases) {
    const std::vector<float> samples = Noise(each.samples);
    EXPECT_EQ(FedSamples(engine->config(), each.samples), each.steps * 320);
    ASSERT_TRUE(inference.Embed(WindowFeatures(*engine, samples)).ok());
    EXPECT_EQ(inference.encoder_steps(), each.steps) << each.samples << " samples";
  }
  EXPECT_EQ(FedSamples(Open(folder, "all")->config(), 1600), kRate) << "without a pack: the window";
}

TEST(GatePackTest, LongAudioKeepsItsWindows) {
  const std::string folder =
      scripted_whisper::WriteFolder({.steps = {{scripted_whisper::kFirstTime},
                                               {scripted_whisper::kLetterA},
                                               {scripted_whisper::kFirstTime + 10},
                                               {scripted_whisper::kEnd}}});
  auto store = TensorStore::OpenFolder(folder);
  ASSERT_TRUE(store.ok());
  PackWriter writer(FingerprintOf(**store), kWidth, 1, 1);
  writer.json["input"] = {{"true_length", true}, {"tail_seconds", 0.1}, {"min_seconds", 0.2}};
  auto transcriber = Transcriber::Create(Open(folder, writer.Write("pack")));
  ASSERT_TRUE(transcriber.ok());
  MemoryReader audio(Noise(2 * kRate + kRate / 4));
  TranscribeOptions options;
  options.language = "en";
  const auto transcript = (*transcriber)->Transcribe(audio, options, {}, {});
  ASSERT_TRUE(transcript.ok()) << transcript.status().message();
  ASSERT_EQ(transcript->segments.size(), 3u);
  EXPECT_EQ(transcript->segments[2].start_ms, 2000);
  EXPECT_EQ(transcript->segments[2].end_ms, 2200);
  EXPECT_EQ(transcript->timings.encoder_steps, 50 + 50 + 18);
  EXPECT_EQ(transcript->timings.closed_gate_count, 1);
}

TEST(GatePackTest, WorkIsCountedFromThePlans) {
  const auto engine = Open(random_whisper::WriteFolder("model"), "all");
  ASSERT_NE(engine, nullptr);
  GateMask mask = AllOpen(engine->config());
  const auto open = WorkOf(*engine, mask, kRate);
  mask.encoder.open[1] = 0;  // layer 0's feed-forward
  mask.decoder.open[2] = 0;
  const auto gated = WorkOf(*engine, mask, kRate);
  ASSERT_TRUE(open.ok() && gated.ok());
  constexpr int64_t kFeedForward = 2 * kWidth * kUnits;
  EXPECT_EQ(open->window_multiply_adds - gated->window_multiply_adds, 50 * kFeedForward);
  EXPECT_EQ(open->step_multiply_adds - gated->step_multiply_adds, kFeedForward);
  const int64_t bytes = 4 * (kFeedForward + kUnits + kWidth + 2 * kWidth);  // biases and the norm
  EXPECT_EQ(open->weight_bytes - gated->weight_bytes, 2 * bytes);
}

TEST(GatePackTest, ThePackInTheModelsFolder) {
  const std::string folder = random_whisper::WriteFolder("packed");
  const auto refused = Engine::Open({.model_folder = folder, .gates = "budget=0.3"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(refused.status().message().find("--gates PACK,budget=X"), std::string::npos);
  PackFor(folder).Write("packed/gate_pack");
  for (const char* gates : {"auto", "pack", "budget=0.3", "pack,budget=0.3"}) {
    EXPECT_EQ(ClosedFor(Open(folder, gates), "en", "transcribe"), (std::vector<int>{1})) << gates;
  }
  EXPECT_EQ(ClosedFor(Open(folder, "budget=0"), "en", "transcribe"), (std::vector<int>{}));
  EXPECT_FALSE(Open(folder, "all")->gate_pack().has_value());
}

TEST(GatePackTest, AttachedByTheCallsOwnFields) {
  const std::string folder = random_whisper::WriteFolder("model");
  const auto engine = Engine::Open({.model_folder = folder,
                                    .threads = 1,
                                    .gate_pack = PackFor(folder).Write("pack"),
                                    .gate_budget = 0.0});
  ASSERT_TRUE(engine.ok()) << engine.status().message();
  EXPECT_EQ((*engine)->gate_pack()->budget, "0");
}

TEST(GatePackTest, WordsThatMakeNoSenseAreRefused) {
  const std::string folder = random_whisper::WriteFolder("model");
  const std::string pack = PackFor(folder).Write("pack");
  for (const std::string& gates :
       {std::string("nothing.json"), std::string("budget=much"), std::string("budget=2"),
        std::string("all,budget=0.3"), pack + "," + pack, pack + ",pack", folder,
        pack + ",budget=0.7", std::string("")}) {
    const auto engine = Engine::Open({.model_folder = folder, .gates = gates});
    ASSERT_FALSE(engine.ok()) << gates;
    EXPECT_EQ(engine.status().code(), StatusCode::kInvalidArgument) << engine.status().message();
  }
}

}  // namespace
}  // namespace espalier
