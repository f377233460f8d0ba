// Safetensors files put together by hand, so that tests can also make wrong ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

// Header length, `header` as it is, then `data_bytes` bytes counting 0, 1, 2, ...
std::vector<uint8_t> SafetensorsBytes(std::string_view header, size_t data_bytes);

}  // namespace espalier
