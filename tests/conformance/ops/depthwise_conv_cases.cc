// Tolerance: sums of up to 31 products of order one in f32.
#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

enum class Form { kPlain, kMultiplier, kAddInput };

struct Shape {
  int32_t steps, channels, kernel;
};

OpCase Make(const Shape& s, Form form, DType storage) {
  CaseBuilder b("DepthwiseConv_" + std::to_string(s.steps) + "_" + std::to_string(s.channels) +
                    "_" + std::to_string(s.kernel) + "_" + std::to_string(static_cast<int>(form)),
                storage, {.absolute = 1e-5f, .relative = 1e-5f});
  const int32_t steps = b.Length(s.steps);
  const TensorRef input = b.Slot(steps, s.channels);
  const WeightRef weight = b.Weight(s.channels, s.kernel);
  const WeightRef bias = b.Weight(1, s.channels);
  const TensorRef output = b.Slot(steps, s.channels);
  const TensorRef multiplier = form == Form::kMultiplier ? b.Slot(steps, s.channels) : TensorRef{};
  return b.Build(DepthwiseConvOp{.input = input,
                                 .weight = weight,
                                 .bias = bias,
                                 .output = output,
                                 .multiplier = multiplier,
                                 .add_input = form == Form::kAddInput});
}

OpCase MultipliedInPlace(DType storage) {
  CaseBuilder b("DepthwiseConv_multiplier_in_place", storage,
                {.absolute = 1e-5f, .relative = 1e-5f});
  const int32_t steps = b.Length(40);
  const TensorRef input = b.Slot(steps, 21);
  const WeightRef weight = b.Weight(21, 31);
  const WeightRef bias = b.Weight(1, 21);
  const TensorRef output = b.Slot(steps, 21);
  return b.Build(DepthwiseConvOp{
      .input = input, .weight = weight, .bias = bias, .output = output, .multiplier = output});
}

}  // namespace

std::vector<OpCase> DepthwiseConvCases(DType storage) {
  std::vector<OpCase> cases;
  for (const Shape& shape : std::vector<Shape>{{0, 4, 3},
                                               {1, 1, 1},
                                               {1, 17, 31},
                                               {7, 16, 31},
                                               {31, 33, 31},
                                               {80, 64, 31},
                                               {129, 100, 3},
                                               {65, 5, 15}}) {
    for (const Form form : {Form::kPlain, Form::kMultiplier, Form::kAddInput}) {
      cases.push_back(Make(shape, form, storage));
    }
  }
  cases.push_back(MultipliedInPlace(storage));
  return cases;
}

}  // namespace espalier::conformance
