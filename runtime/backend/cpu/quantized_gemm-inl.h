// The matrix product with i8 weights, declared for the target being compiled.
#if defined(ESP_CPU_QUANTIZED_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_QUANTIZED_GEMM_INL_H_
#undef ESP_CPU_QUANTIZED_GEMM_INL_H_
#else
#define ESP_CPU_QUANTIZED_GEMM_INL_H_
#endif

#include "hwy/highway.h"
#include "runtime/backend/cpu/gemm.h"
#include "runtime/backend/cpu/tile-inl.h"
#include "runtime/backend/host/operands.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// y = residual + scale · act(x·W + bias) as Gemm. Each row of x is rounded to integers of a scale of
// its own, as the weight was packed:
//   in groups of 2: to 16 bits, as fine as sums of `depth` products with 8-bit weights in 32 bits
//                   allow, steps of its largest magnitude / min(32767, 2^24 / depth)
//   in groups of 4: to 8 bits, steps of a 255th of its range, zero included
// A row with a number that is not finite gives NaN. Independent of the number of threads.
void QuantizedGemm(const MatrixView<float>& x, const PackedMatrix& weight,
                   const GemmEpilogue& epilogue, const GemmOutput& output,
                   const Workspace& workspace);

// What QuantizedGemm needs for products of up to `rows` rows.
ScratchSize QuantizedGemmScratch(int64_t rows, const PackedMatrix& weight);

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
