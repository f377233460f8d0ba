#include "tests/checkpoint/safetensors_bytes.h"

namespace espalier {

std::vector<uint8_t> SafetensorsBytes(std::string_view header, size_t data_bytes) {
  std::vector<uint8_t> bytes;
  for (size_t i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<uint8_t>(uint64_t{header.size()} >> (8 * i)));
  }
  bytes.insert(bytes.end(), header.begin(), header.end());
  for (size_t i = 0; i < data_bytes; ++i) bytes.push_back(static_cast<uint8_t>(i));
  return bytes;
}

}  // namespace espalier
