// IEEE binary16 and bfloat16 to and from float, portable; kernels use the vector forms instead.
#pragma once

#include <cstdint>

namespace espalier {

float HalfToFloat(uint16_t bits);
// Round to nearest, ties to even; overflow becomes infinity.
uint16_t FloatToHalf(float value);
// The same, but a magnitude above the largest number, 65504, becomes that.
uint16_t FloatToFiniteHalf(float value);
float BFloat16ToFloat(uint16_t bits);
// Round to nearest, ties to even.
uint16_t FloatToBFloat16(float value);

}  // namespace espalier
