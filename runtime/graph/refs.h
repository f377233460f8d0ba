// How an op names its operands: slots (activations) and weights of the plan it belongs to.
#pragma once

#include <cstdint>

namespace espalier {

// A window of columns of a slot: (rows of the slot, column_count), rows `slot.columns` apart.
struct TensorRef {
  int32_t slot = -1;  // index into Plan::slots; -1: no operand
  int32_t column_begin = 0;
  int32_t column_count = 0;

  bool present() const { return slot >= 0; }
  friend bool operator==(const TensorRef&, const TensorRef&) = default;
};

// Index into Plan::weights; -1: no operand.
struct WeightRef {
  int32_t index = -1;

  bool present() const { return index >= 0; }
  friend bool operator==(const WeightRef&, const WeightRef&) = default;
};

enum class Activation : uint8_t {
  kNone,
  kRelu,
  kSwish,  // x * sigmoid(x)
  kGelu,   // exact: 0.5 x (1 + erf(x / sqrt 2))
};

}  // namespace espalier
