// Finds the place where a decoder that has said everything begins again.
#pragma once

#include <algorithm>

namespace espalier {

// A window that is shorter than those of training has no end that the model knows: having said all,
// it looks back and says it again, over and over (whisper-base on "Followed by the pound key." with
// two seconds of silence behind it). That is so when kTokens tokens running look kBackMs or more
// behind what was heard, and that was near the end of the audio.
class SaidAgain {
 public:
  static constexpr int kTokens = 3;
  static constexpr int kBackMs = 400;
  static constexpr int kNearEndMs = 1000;

  // content_steps: encoder steps of the window that hold audio, each step_ms long. heard_step: the
  // furthest that the text before looks at.
  SaidAgain(int content_steps, int step_ms, int heard_step = 0)
      : near_end_(content_steps - kNearEndMs / step_ms),
        back_steps_(kBackMs / step_ms),
        furthest_(heard_step) {}

  // step: where the next token looks; -1: not known. True when it is the last of kTokens that say
  // again what was said before.
  bool Add(int step) {
    const bool again = step >= 0 && furthest_ >= near_end_ && step <= furthest_ - back_steps_;
    furthest_ = std::max(furthest_, step);
    run_ = again ? run_ + 1 : 0;
    return run_ >= kTokens;
  }

 private:
  const int near_end_, back_steps_;
  int furthest_;
  int run_ = 0;
};

}  // namespace espalier
