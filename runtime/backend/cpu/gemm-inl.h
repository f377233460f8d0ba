// The matrix product of Linear and of both convolutions, declared for the target being compiled.
#if defined(ESP_CPU_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ESP_CPU_GEMM_INL_H_
#undef ESP_CPU_GEMM_INL_H_
#else
#define ESP_CPU_GEMM_INL_H_
#endif

#include "hwy/highway.h"
#include "runtime/backend/cpu/gemm.h"
#include "runtime/backend/cpu/tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// y = residual + scale · act(x·W + bias), on the workspace's threads. The sums of an element are
// taken in the same order for any number of threads. i8 weights: for more than kFewRows rows only
// (fewer are QuantizedGemm's).
void Gemm(const GemmInput& input, const PackedMatrix& weight, const GemmEpilogue& epilogue,
          const GemmOutput& output, const Workspace& workspace);

// What Gemm needs for products of up to `rows` rows.
ScratchSize GemmScratch(int64_t rows, const PackedMatrix& weight);

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
