// Tolerance: as for Linear with K = 9 · Cin and results of order one.
#include <cmath>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t frames, frequencies, in, out;
};

OpCase Make(const Shape& s, DType storage) {
  CaseBuilder b("Conv2dRelu_" + std::to_string(s.frames) + "_" + std::to_string(s.frequencies) +
                    "_" + std::to_string(s.in) + "_" + std::to_string(s.out),
                storage, {.absolute = 2e-5f, .relative = 1e-5f});
  const int32_t frames = b.Length(s.frames);
  const int32_t steps = b.ConvLength(frames, 3, 2, 0);
  const int32_t out_frequencies = (s.frequencies - 3) / 2 + 1;
  const TensorRef input = b.Slot(frames, s.frequencies * s.in);
  const float amplitude = 2.0f / std::sqrt(static_cast<float>(s.in) * 9.0f);
  b.AllowRounding(s.in * 9, 1.0f, amplitude);
  const WeightRef weight = b.FloatWeight(s.out, s.in * 9, amplitude);
  const WeightRef bias = b.FloatWeight(1, s.out);
  const TensorRef output = b.Slot(steps, out_frequencies * s.out);
  return b.Build(Conv2dReluOp{.input = input,
                              .weight = weight,
                              .bias = bias,
                              .output = output,
                              .in_channels = s.in,
                              .in_frequencies = s.frequencies,
                              .out_channels = s.out,
                              .out_frequencies = out_frequencies});
}

}  // namespace

std::vector<OpCase> Conv2dReluCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{{3, 3, 1, 1},
                                               {3, 80, 1, 48},
                                               {4, 5, 2, 3},
                                               {30, 80, 1, 33},
                                               {21, 39, 32, 35},
                                               {10, 7, 96, 64},
                                               {62, 9, 5, 17}}) {
    cases.push_back(Make(shape, storage));
  }
  return cases;
}

}  // namespace espalier::conformance
