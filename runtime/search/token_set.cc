#include "runtime/search/token_set.h"

#include <algorithm>

namespace espalier {

void Erase(TokenBits set, int begin, int end) {
  for (int token = begin; token < end;) {
    if (token % 32 == 0 && token + 32 <= end) {
      set[static_cast<size_t>(token) / 32] = 0;
      token += 32;
    } else {
      Erase(set, token++);
    }
  }
}

void Mask(std::span<const int32_t> set, std::span<float> row) {
  for (size_t first = 0; first < row.size(); first += 32) {
    if (set[first / 32] == -1) continue;
    for (size_t t = first; t < std::min(first + 32, row.size()); ++t) {
      if (!Contains(set, static_cast<int>(t))) row[t] = -std::numeric_limits<float>::infinity();
    }
  }
}

}  // namespace espalier
