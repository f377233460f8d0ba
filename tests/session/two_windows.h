// A file of two windows through a scripted Whisper model on a device of the test's: what the tests
// of lost devices run again and again.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/session/transcriber.h"

namespace espalier {

struct TwoWindows {
  Transcript transcript;
  std::vector<std::string> observed;  // texts in the order in which they were given out
};

// Every step that fails is a test failure.
TwoWindows TranscribeTwoWindows(std::function<Result<std::unique_ptr<Backend>>()> open_backend);

// The same texts, each given out once, and the same times.
void ExpectSameWords(const TwoWindows& got, const TwoWindows& expected);

}  // namespace espalier
