// The identity of a model's weights, cheap enough to compute at every load.
#pragma once

#include <string>

#include "runtime/checkpoint/model_config.h"
#include "runtime/checkpoint/tensor_store.h"

namespace espalier {

// 64 hexadecimal digits: SHA-256 over, for every tensor of the folder's files in ascending byte
// order of its name: name, 0, element type as the file spells it ("F16"), 0, shape as decimal
// numbers joined by ",", 0, the first and the last min(4096, n) of its n bytes. Any training
// changes it; names, types and shapes count too. Whatever Put changed does not.
std::string FingerprintOf(const TensorStore& store);

// The fingerprint that a gate pack must have been made for: of the model that a converted or
// quantised one says it comes from ("espalier_base_fingerprint"), else its own.
std::string BaseFingerprint(const ModelConfig& config, const TensorStore& store);

}  // namespace espalier
