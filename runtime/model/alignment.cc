#include "runtime/model/alignment.h"

#include <algorithm>
#include <cstdlib>

namespace espalier {

std::vector<std::pair<int, int>> AlignmentHeads(const ModelConfig& config, const GateTable& gates,
                                                const std::vector<std::pair<int, int>>& wanted) {
  std::vector<std::pair<int, int>> heads;
  for (const auto& [layer, head] : wanted.empty() ? config.alignment_heads : wanted) {
    if (gates.IsOpen(layer, "src_attn")) heads.emplace_back(layer, head);
  }
  std::sort(heads.begin(), heads.end());
  heads.erase(std::unique(heads.begin(), heads.end()), heads.end());
  if (!heads.empty()) return heads;
  const int middle = config.decoder.layers / 2;
  int nearest = -1;
  for (int layer = 0; layer < config.decoder.layers; ++layer) {
    if (!gates.IsOpen(layer, "src_attn")) continue;
    if (nearest < 0 || std::abs(layer - middle) < std::abs(nearest - middle)) nearest = layer;
  }
  if (nearest < 0) return heads;
  for (int head = 0; head < config.decoder.heads; ++head) heads.emplace_back(nearest, head);
  return heads;
}

}  // namespace espalier
