// Tolerance: the logarithm of a sum is off by the relative error of the sum, about 1e-6; results of
// up to a few hundred are rounded to f32.
#include <limits>

#include "tests/conformance/op_case.h"

namespace espalier::conformance {
namespace {

OpCase Make(int32_t row_count, int32_t columns, float amplitude, bool in_place, DType storage) {
  CaseBuilder b("LogSoftmax_" + std::to_string(row_count) + "x" + std::to_string(columns) + "_" +
                    std::to_string(static_cast<int>(amplitude)) + (in_place ? "_in_place" : ""),
                storage, {.absolute = 2e-6f, .relative = 5e-7f});
  const int32_t rows = b.Length(row_count);
  const TensorRef input = b.Slot(rows, columns, amplitude);
  const TensorRef output = in_place ? input : b.Slot(rows, columns);
  return b.Build(LogSoftmaxOp{.input = input, .output = output});
}

OpCase Special(float value, const char* name, DType storage) {
  CaseBuilder b("LogSoftmax_" + std::string(name), storage, {.absolute = 2e-6f, .relative = 5e-7f});
  const int32_t rows = b.Length(2);
  const TensorRef input = b.Slot(rows, 35);
  b.Poke(input, 1, 34, value);
  return b.Build(LogSoftmaxOp{.input = input, .output = b.Slot(rows, 35)});
}

}  // namespace

std::vector<OpCase> LogSoftmaxCases(DType storage) {
  std::vector<OpCase> cases;
  for (const int32_t rows : {0, 1, 2, 7}) {
    for (const int32_t columns : {1, 16, 33, 1003}) {
      cases.push_back(Make(rows, columns, 1.0f, rows == 2, storage));
      cases.push_back(Make(rows, columns, 30.0f, rows != 2, storage));
    }
  }
  cases.push_back(Make(1, 50002, 12.0f, false, storage));
  cases.push_back(Special(std::numeric_limits<float>::quiet_NaN(), "nan", storage));
  cases.push_back(Special(1e30f, "large", storage));
  cases.push_back(Special(-std::numeric_limits<float>::infinity(), "masked", storage));
  return cases;
}

}  // namespace espalier::conformance
