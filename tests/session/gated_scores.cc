#include "tests/session/gated_scores.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <span>

#include "runtime/session/inference.h"
#include "runtime/session/window.h"

namespace espalier {

void CloseGate(GateMask* mask, bool encoder, const std::string& module, int layer) {
  GateTable& table = encoder ? mask->encoder : mask->decoder;
  for (size_t m = 0; m < table.modules.size(); ++m) {
    if (table.modules[m] == module) {
      table.open[static_cast<size_t>(layer) * table.modules.size() + m] = 0;
    }
  }
}

std::vector<float> ScoresOfNoise(const std::string& folder, const GateMask* gates,
                                 size_t sample_count) {
  auto engine = Engine::Open({.model_folder = folder, .threads = 1});
  EXPECT_TRUE(engine.ok()) << engine.status().message();
  if (!engine.ok()) return {};
  Inference inference(*engine, {});
  std::vector<float> samples(sample_count);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = 0.3f * std::sin(0.001f * static_cast<float>(i * (i % 97)));
  }
  EXPECT_TRUE(inference.Embed(WindowFeatures(**engine, samples)).ok());
  EXPECT_TRUE(inference.Encode(gates != nullptr ? *gates : AllOpen((*engine)->config())).ok());
  const auto width = static_cast<size_t>(inference.vocabulary_size());
  std::vector<float> scores(3 * width);
  EXPECT_TRUE(
      inference.Start(std::array{76, 5, 7}, std::array{2}, std::span(scores).first(width)).ok());
  EXPECT_TRUE(
      inference.Advance(std::array{0, 0}, std::array{10, 11}, std::span(scores).subspan(width))
          .ok());
  return scores;
}

}  // namespace espalier
