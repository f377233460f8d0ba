#include "tests/session/random_whisper.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "runtime/checkpoint/safetensors.h"
#include "tests/session/scripted_whisper.h"

namespace espalier::random_whisper {
namespace {

bool IsNormWeight(const std::string& tensor) { return tensor.ends_with("norm.weight"); }

// Matrices grow smaller with their width, so that every module's effect is of the same order.
std::vector<float> RandomValues(const std::string& tensor, int64_t count, std::mt19937* generator) {
  const bool embedding = tensor.find("embed") != std::string::npos;
  const int most = embedding ? 64 : 24;
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    const auto draw = static_cast<int>((*generator)() % static_cast<unsigned>(2 * most + 1)) - most;
    value = static_cast<float>(draw) / 64.0f + (IsNormWeight(tensor) ? 1.0f : 0.0f);
  }
  return values;
}

}  // namespace

std::string WriteFolder(const std::string& name, const Edit& edit) {
  namespace fs = std::filesystem;
  const std::string scripted = scripted_whisper::WriteFolder({.steps = {}});
  const std::string folder = std::string(std::getenv("TEST_TMPDIR")) + "/" + name;
  fs::create_directories(folder);
  fs::copy(scripted, folder, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  auto config = nlohmann::json::parse(std::ifstream(folder + "/config.json"));
  config["encoder_layers"] = config["decoder_layers"] = kLayers;
  std::ofstream(folder + "/config.json") << config;

  auto model = SafetensorsFile::Open(scripted + "/model.safetensors");
  EXPECT_TRUE(model.ok());
  std::mt19937 generator(7);
  std::deque<std::vector<float>> values;
  std::vector<NamedTensor> tensors;
  for (int layer = 0; layer < kLayers; ++layer) {
    for (const std::string& stored : (*model)->names()) {
      std::string tensor = stored;
      const size_t at = tensor.find("layers.0.");
      if (at == std::string::npos && layer > 0) continue;
      if (at != std::string::npos) tensor[at + 7] = static_cast<char>('0' + layer);
      TensorView view = *(*model)->Find(stored);
      values.push_back(RandomValues(tensor, view.element_count(), &generator));
      if (edit) edit(tensor, &values.back());
      view.data = values.back().data();
      tensors.push_back({tensor, view});
    }
  }
  fs::remove(folder + "/model.safetensors");
  const Status status = WriteSafetensors(folder + "/model.safetensors", tensors);
  EXPECT_TRUE(status.ok()) << status.message();
  return folder;
}

}  // namespace espalier::random_whisper
