#include "runtime/stream/commit_policy.h"

#include <algorithm>

namespace espalier {
namespace {

// Text that is something else once in four times (the natural logarithm of 0.74). The beginning of
// a word often is ("in" of "incorrect").
constexpr float kDoubtfulLogProb = -0.3f;

class LocalAgreement final : public CommitPolicy {
 public:
  int CertainTokens(const CommitInput& input) override {
    // Both hypotheses begin with the committed tokens, fewer in the last update than in this one.
    const auto skipped = static_cast<size_t>(std::max(input.committed_count - committed_, 0));
    size_t agreed = 0;
    while (agreed < input.hypothesis.size() && skipped + agreed < last_.size() &&
           last_[skipped + agreed] == input.hypothesis[agreed].id) {
      ++agreed;
    }
    committed_ = input.committed_count;
    last_.clear();
    for (const LiveToken& token : input.hypothesis) last_.push_back(token.id);
    return static_cast<int>(agreed);
  }
  void Forget() override {
    committed_ = 0;
    last_.clear();
  }
  int StopStep(int) const override { return -1; }

 private:
  int committed_ = 0;      // before the last hypothesis
  std::vector<int> last_;  // the last hypothesis behind them
};

class AlignAtt final : public CommitPolicy {
 public:
  AlignAtt(int guard_steps, int rewind_steps)
      : guard_steps_(guard_steps), rewind_steps_(rewind_steps) {}

  int CertainTokens(const CommitInput& input) override {
    const int end = StopStep(input.content_steps);
    int furthest = input.heard_step, certain = 0;
    for (const LiveToken& token : input.hypothesis) {
      const int sure = token.log_prob < kDoubtfulLogProb ? end - guard_steps_ : end;
      if (token.step < 0 || token.step >= sure || token.step < furthest - rewind_steps_) break;
      furthest = std::max(furthest, token.step);
      ++certain;
    }
    return certain;
  }
  int StopStep(int content_steps) const override {
    return std::max(content_steps - guard_steps_, 0);
  }

 private:
  const int guard_steps_;
  const int rewind_steps_;
};

}  // namespace

std::unique_ptr<CommitPolicy> MakeLocalAgreement() { return std::make_unique<LocalAgreement>(); }

std::unique_ptr<CommitPolicy> MakeAlignAtt(int guard_steps, int rewind_steps) {
  return std::make_unique<AlignAtt>(guard_steps, rewind_steps);
}

}  // namespace espalier
