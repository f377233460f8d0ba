// A gate pack as training writes one, for tests to write and to damage.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace espalier {

struct PackTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

struct PackWriter {
  // Budgets "0" (nothing closed) and "0.3", the default; languages other, en, fr; tasks transcribe,
  // translate; no changed weights, no true length. The predictor of "0.3" closes one gate each (by
  // its number, encoder first) for: other 0, en 1, fr 2, and translate 3 besides.
  PackWriter(const std::string& fingerprint, int width, int encoder_layers, int decoder_layers);

  // Into this folder below the test's temporary folder, whose path is returned.
  std::string Write(const std::string& name) const;

  nlohmann::json json;  // gate_pack.json
  std::map<std::string, PackTensor> tensors;
};

}  // namespace espalier
