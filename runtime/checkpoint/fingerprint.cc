#include "runtime/checkpoint/fingerprint.h"

#include <algorithm>

#include "runtime/base/sha256.h"

namespace espalier {
namespace {

constexpr size_t kEndBytes = 4096;  // of a tensor's data, read from either end
constexpr std::string_view kZero("\0", 1);

}  // namespace

std::string FingerprintOf(const TensorStore& store) {
  Sha256 hash;
  for (const std::string& name : store.StoredNames()) {
    const SafetensorsFile::Stored& tensor = *store.FindStored(name);
    std::string shape;
    for (const int64_t extent : tensor.shape) {
      shape += (shape.empty() ? "" : ",") + std::to_string(extent);
    }
    for (const std::string& text : {name, tensor.dtype, shape}) {
      hash.Update(text);
      hash.Update(kZero);
    }
    const size_t count = std::min(kEndBytes, tensor.bytes.size());
    hash.Update(tensor.bytes.first(count));
    hash.Update(tensor.bytes.last(count));
  }
  return hash.Finish();
}

std::string BaseFingerprint(const ModelConfig& config, const TensorStore& store) {
  return config.base_fingerprint.empty() ? FingerprintOf(store) : config.base_fingerprint;
}

}  // namespace espalier
