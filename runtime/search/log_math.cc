#include "runtime/search/log_math.h"

#include <limits>

namespace espalier {

namespace {

// Independent partial results: one accumulator would chain every addition to the one before, and
// float32 sums over 50000 terms keep more digits this way.
constexpr size_t kLanes = 16;

}  // namespace

float MaxOf(std::span<const float> values) {
  float lanes[kLanes];
  std::fill(lanes, lanes + kLanes, -std::numeric_limits<float>::infinity());
  const size_t blocks = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < blocks; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) {
      lanes[j] = lanes[j] < values[i + j] ? values[i + j] : lanes[j];
    }
  }
  for (size_t i = blocks; i < values.size(); ++i) lanes[0] = std::max(lanes[0], values[i]);
  return *std::max_element(lanes, lanes + kLanes);
}

float LogSumExp(std::span<const float> values) {
  const float high = MaxOf(values);
  if (!(high > -std::numeric_limits<float>::infinity())) {
    const auto is_nan = [](float value) { return std::isnan(value); };
    const auto found = std::find_if(values.begin(), values.end(), is_nan);
    return found == values.end() ? high : *found;
  }
  float lanes[kLanes] = {};
  const size_t blocks = values.size() / kLanes * kLanes;
  for (size_t i = 0; i < blocks; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) lanes[j] += ExpNonPositive(values[i + j] - high);
  }
  for (size_t i = blocks; i < values.size(); ++i) lanes[0] += ExpNonPositive(values[i] - high);
  double sum = 0.0;
  for (const float lane : lanes) sum += lane;
  return high + static_cast<float>(std::log(sum));
}

}  // namespace espalier
