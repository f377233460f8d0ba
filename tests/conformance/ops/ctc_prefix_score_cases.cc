// Tolerance: a recursion of `steps` additions in f32, of values that grow as it goes.
#include <bit>
#include <limits>
#include <string>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

constexpr int32_t kBlank = 0;

struct Shape {
  int32_t rows = 0, candidates = 0, steps = 0, vocabulary = 0;
};

// Rows of a search: candidates that repeat the last token, the blank, eos and none are among the
// tokens as far as there is room.
class CtcPrefixScoreCase {
 public:
  CtcPrefixScoreCase(const std::string& name, const Shape& shape, DType storage)
      : shape_(shape),
        builder_("CtcPrefixScore_" + std::to_string(shape.rows) + "x" +
                     std::to_string(shape.candidates) + "_" + std::to_string(shape.steps) + name,
                 storage, {.absolute = 2e-5f, .relative = 1e-5f}) {
    const int32_t rows = builder_.Length(shape.rows), steps = builder_.Length(shape.steps);
    op_.log_probs = builder_.Slot(steps, shape.vocabulary);
    for (int32_t t = 0; t < shape.steps; ++t) {
      for (int32_t c = 0; c < shape.vocabulary; ++c) {
        // The blank is likely, as CTC's is.
        builder_.Poke(op_.log_probs, t, c, c == kBlank ? Random(-1.0f) : Random(-12.0f));
      }
    }
    op_.tokens = builder_.Integers(rows, shape.candidates + 3);
    op_.tokens.column_begin = 1;
    op_.tokens.column_count = shape.candidates;
    op_.hypotheses = builder_.Integers(rows, kCtcHypothesisColumns);
    // The buffer of log_probs is longer than this run's.
    most_steps_ = shape.steps + 2;
    op_.state = builder_.FixedSlot(2 * most_steps_, 2 * shape.rows * shape.candidates + 5, 100.0f);
    op_.scores = builder_.Slot(rows, shape.candidates + 1);
    op_.blank = kBlank;
    op_.eos = shape.vocabulary - 1;
    for (int32_t r = 0; r < shape.rows; ++r) AddRow(r);
  }

  // A hypothesis of `length` tokens; `parent` as in the op.
  CtcPrefixScoreCase& Say(int32_t row, int32_t parent, int32_t length) {
    Poke(op_.hypotheses, row, kCtcParent, parent);
    Poke(op_.hypotheses, row, kCtcLength, length);
    return *this;
  }
  CtcPrefixScoreCase& LogProb(int32_t t, int32_t token, float value) {
    builder_.Poke(op_.log_probs, t, token, value);
    return *this;
  }
  OpCase Build() { return builder_.Build(op_); }

 private:
  float Random(float lowest) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return lowest * static_cast<float>(state_ >> 40) * 0x1p-24f;
  }
  void Poke(const TensorRef& ref, int32_t row, int32_t column, int32_t value) {
    builder_.Poke(ref, row, column, std::bit_cast<float>(value));
  }

  void AddRow(int32_t row) {
    const int32_t last_token = 1 + row % (shape_.vocabulary - 1);
    const int32_t specials[] = {1 + (row * 31) % (shape_.vocabulary - 1), last_token, kBlank,
                                op_.eos, -1};
    for (int32_t j = 0; j < shape_.candidates; ++j) {
      const int32_t other = (row * 29 + j * 17) % shape_.vocabulary;
      Poke(op_.tokens, row, j, j < 5 ? specials[j] : other);
    }
    const int32_t half = shape_.rows * shape_.candidates;
    const int32_t parent = (row * 5 + 2) % half;
    Poke(op_.hypotheses, row, kCtcFirst, half + 2 + row * shape_.candidates);
    Poke(op_.hypotheses, row, kCtcLastToken, last_token);
    Say(row, parent, 3 + row);
    // What a search leaves: nothing before the prefix's labels fit, then falling sums.
    float label = -4.0f, blank = -4.0f;
    for (int32_t t = 0; t < shape_.steps; ++t) {
      const bool early = t < 2 + row;
      builder_.Poke(op_.state, t, parent, early ? kCtcLogZero : label += Random(-3.0f));
      builder_.Poke(op_.state, most_steps_ + t, parent,
                    early ? kCtcLogZero : blank += Random(-3.0f));
    }
  }

  Shape shape_;
  CaseBuilder builder_;
  CtcPrefixScoreOp op_;
  int32_t most_steps_ = 0;
  uint64_t state_ = 7;
};

}  // namespace

std::vector<OpCase> CtcPrefixScoreCases(DType storage) {
  std::vector<OpCase> cases;
  using Case = CtcPrefixScoreCase;
  for (const Shape& shape : {Shape{0, 3, 9, 11},
                             {1, 1, 40, 7},
                             {5, 7, 100, 64},
                             {3, 6, 31, 17},
                             {2, 19, 65, 101},
                             {5, 7, 750, 203},
                             {2, 3, 1500, 29}}) {
    cases.push_back(Case("_step", shape, storage).Build());
  }
  // A primer, of one token and of more; a single frame, which a prefix of two already fills.
  cases.push_back(Case("_primer_of_1", {1, 7, 70, 41}, storage).Say(0, -1, 1).Build());
  cases.push_back(Case("_primers", {3, 5, 130, 23}, storage)
                      .Say(0, -1, 4)
                      .Say(1, -1, 90)
                      .Say(2, -1, 1)
                      .Build());
  cases.push_back(Case("_one_frame", {2, 5, 1, 9}, storage).Say(0, -1, 1).Say(1, -1, 2).Build());
  // As many tokens as frames, one less, and more.
  cases.push_back(Case("_full", {4, 5, 33, 21}, storage)
                      .Say(0, 2, 32)
                      .Say(1, 7, 33)
                      .Say(2, 12, 34)
                      .Say(3, -1, 35)
                      .Build());
  cases.push_back(Case("_unscored", {3, 4, 20, 13}, storage).Say(0, 3, 0).Say(2, -1, 0).Build());
  const float infinity = std::numeric_limits<float>::infinity();
  Case impossible("_impossible", {2, 6, 50, 19}, storage);
  for (int32_t t = 0; t < 50; ++t) impossible.LogProb(t, 1, -infinity).LogProb(t, 2, -2e10f);
  cases.push_back(impossible.LogProb(30, kBlank, -infinity).Build());
  return cases;
}

}  // namespace espalier::conformance
