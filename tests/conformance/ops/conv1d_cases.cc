// Tolerance: as for Linear with K = 3 · Cin and results of order one.
#include <cmath>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

struct Shape {
  int32_t frames, in, out, stride;
};

OpCase Make(const Shape& s, Activation activation, DType storage) {
  CaseBuilder b("Conv1d_" + std::to_string(s.frames) + "_" + std::to_string(s.in) + "_" +
                    std::to_string(s.out) + "_stride" + std::to_string(s.stride),
                storage, {.absolute = 2e-5f, .relative = 1e-5f});
  const int32_t frames = b.Length(s.frames);
  const int32_t steps = s.stride == 1 ? frames : b.ConvLength(frames, 3, 2, 1);
  const TensorRef input = b.Slot(frames, s.in);
  const float amplitude = 2.0f / std::sqrt(static_cast<float>(s.in) * 3.0f);
  b.AllowRounding(s.in * 3, 1.0f, amplitude);
  const WeightRef weight = b.FloatWeight(s.out, s.in * 3, amplitude);
  const WeightRef bias = b.FloatWeight(1, s.out);
  const TensorRef output = b.Slot(steps, s.out);
  return b.Build(Conv1dOp{.input = input,
                          .weight = weight,
                          .bias = bias,
                          .output = output,
                          .stride = s.stride,
                          .activation = activation});
}

}  // namespace

std::vector<OpCase> Conv1dCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{{1, 1, 1, 1},
                                               {1, 3, 2, 2},
                                               {2, 5, 7, 2},
                                               {30, 80, 65, 1},
                                               {31, 65, 33, 2},
                                               {60, 17, 100, 2},
                                               {13, 200, 31, 1}}) {
    cases.push_back(Make(shape, Activation::kGelu, storage));
  }
  cases.push_back(Make({9, 8, 16, 1}, Activation::kNone, storage));
  return cases;
}

}  // namespace espalier::conformance
