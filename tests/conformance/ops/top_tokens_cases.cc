// Tokens and their scores are picked, not computed: only the two sums have a tolerance, the one of
// LogSoftmax.
#include <cstring>
#include <limits>
#include <string>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

enum class Mask : uint8_t { kAll, kNone, kThirds, kFew };

bool Allows(Mask mask, int32_t row, int32_t token) {
  switch (mask) {
    case Mask::kAll:
      return true;
    case Mask::kNone:
      return false;
    case Mask::kThirds:
      return (token * 7 + row) % 3 != 0;
    case Mask::kFew:
      return token % 29 == row;
  }
  return false;
}

struct Shape {
  int32_t rows = 0, vocabulary = 0, count = 0, split_begin = 0, split_end = 0;
};

class TopTokensCase {
 public:
  TopTokensCase(const std::string& name, const Shape& shape, Mask mask, DType storage)
      : shape_(shape),
        builder_("TopTokens_" + std::to_string(shape.rows) + "x" +
                     std::to_string(shape.vocabulary) + "_" + std::to_string(shape.count) + name,
                 storage, {.absolute = 2e-6f, .relative = 5e-7f}) {
    const int32_t rows = builder_.Length(shape.rows), words = (shape.vocabulary + 31) / 32;
    log_probs_ = builder_.Slot(rows, shape.vocabulary, 30.0f);
    const TensorRef allowed = builder_.Integers(rows, words);
    for (int32_t r = 0; r < shape.rows; ++r) {
      for (int32_t w = 0; w < words; ++w) {
        uint32_t bits = 0;
        // Bits behind the vocabulary are set: a kernel must not follow them.
        for (int32_t b = 0; b < 32; ++b) bits |= uint32_t{Allows(mask, r, w * 32 + b)} << b;
        float word;
        std::memcpy(&word, &bits, sizeof(word));
        builder_.Poke(allowed, r, w, word);
      }
    }
    op_ = {.log_probs = log_probs_,
           .allowed = allowed,
           .tokens = builder_.Integers(rows, 2 * shape.count),
           .scores = builder_.Slot(rows, 2 * shape.count + 3),
           .split_begin = shape.split_begin,
           .split_end = shape.split_end,
           .watched = shape.vocabulary / 3};
  }

  TopTokensCase& Poke(int32_t row, int32_t token, float value) {
    builder_.Poke(log_probs_, row, token, value);
    return *this;
  }
  TopTokensCase& Fill(int32_t row, float value) {
    for (int32_t t = 0; t < shape_.vocabulary; ++t) Poke(row, t, value);
    return *this;
  }
  OpCase Build() { return builder_.Build(op_); }

 private:
  Shape shape_;
  CaseBuilder builder_;
  TensorRef log_probs_;
  TopTokensOp op_;
};

}  // namespace

std::vector<OpCase> TopTokensCases(DType storage) {
  std::vector<OpCase> cases;
  const auto add = [&](const char* name, const Shape& shape, Mask mask) {
    cases.push_back(TopTokensCase(name, shape, mask, storage).Build());
  };
  add("_no_rows", {0, 40, 2, 10, 20}, Mask::kAll);
  add("_one_token", {1, 1, 1, 0, 0}, Mask::kAll);
  add("_all", {2, 37, 3, 11, 29}, Mask::kAll);
  add("_none", {2, 37, 3, 11, 29}, Mask::kNone);
  add("_few", {3, 100, 6, 40, 70}, Mask::kFew);
  add("_no_split", {2, 64, 4, 64, 64}, Mask::kThirds);
  add("_only_split", {2, 64, 4, 0, 64}, Mask::kThirds);
  add("_more_than_there_are", {1, 33, 40, 5, 9}, Mask::kAll);
  add("_thirds", {5, 1021, 10, 700, 1021}, Mask::kThirds);
  add("_owsm", {5, 50002, 7, 10, 1511}, Mask::kAll);
  add("_whisper", {1, 51865, 2, 50364, 51865}, Mask::kThirds);

  const Shape shape = {3, 1003, 9, 501, 620};
  TopTokensCase special("_special", shape, Mask::kThirds, storage);
  // Nothing but -inf; equal values everywhere; one thread's or lane's columns hold all of the best.
  special.Fill(0, -kInfinity).Fill(1, -2.5f);
  for (int32_t t = 0; t < 15; ++t) special.Poke(2, 64 * t + 1, 40.0f + static_cast<float>(t % 4));
  cases.push_back(special.Build());
  // NaN is never picked and spoils its own group's sum only; forbidden, it spoils nothing.
  const float nan = std::numeric_limits<float>::quiet_NaN();
  cases.push_back(TopTokensCase("_nan", {3, 200, 4, 100, 150}, Mask::kThirds, storage)
                      .Poke(0, 1, nan)
                      .Poke(1, 110, nan)
                      .Poke(2, 1, nan)
                      .Poke(2, 4, -kInfinity)
                      .Build());
  return cases;
}

}  // namespace espalier::conformance
