// A Whisper folder with random weights: two layers a side, width 16, windows of 1 s, the symbols of
// scripted_whisper.h. Weights are multiples of 1/64, so that small sums of them are exact.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace espalier::random_whisper {

inline constexpr int kLayers = 2;
inline constexpr int kWidth = 16;
inline constexpr int kUnits = 4;

using Edit = std::function<void(const std::string& tensor, std::vector<float>* values)>;

// Writes the folder `name` below the test's temporary folder and returns its path. The weights are
// the same every time but for what `edit` makes of them.
std::string WriteFolder(const std::string& name, const Edit& edit = {});

}  // namespace espalier::random_whisper
