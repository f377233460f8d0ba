// What changing a checkpoint's weights takes most of its time for, in vectors of the processor at hand.
#pragma once

#include <cstdint>

namespace espalier {

// to[i] += Σ_r factors[r] · rows[r·columns + i], i in [0, columns), one r after the other.
void AddScaledRows(const float* factors, int64_t row_count, const float* rows, int64_t columns,
                   float* to);

// to[i] += from[i], IEEE binary16
void AddHalves(const uint16_t* from, int64_t count, float* to);

// to[i] = from[i], IEEE binary16, to the nearest, ties to even; what is too large becomes infinity.
void StoreHalves(const float* from, int64_t count, uint16_t* to);

}  // namespace espalier
