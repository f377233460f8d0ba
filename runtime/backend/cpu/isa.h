// The instruction sets that the kernels are compiled for, and the choice of one.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "runtime/backend/cpu/kernel.h"
#include "runtime/base/status.h"
#include "runtime/graph/op.h"

namespace espalier::cpu {

struct Isa {
  std::string_view name;  // as ESPALIER_CPU_ISA takes it
  bool available = true;  // this processor has it
  bool preferred = true;  // and gains by it: else it is taken by name only
  IntegerProducts integer_products = IntegerProducts::kPairs;
  RoundedFactors rounded_factors = RoundedFactors::kNone;
  Result<std::unique_ptr<Kernel>> (*make_kernel)(const Op& op, const Preparation& preparation);
};

// Those of this build, best first; the last one runs on every processor of the architecture.
// "avx512_fp16", "avx512_bf16" (both with VNNI), "avx512_vnni" (8-bit activations
// for i8 weights), "avx512", "avx2", "avx2_f32" (i8 weights become f32 where there are many rows),
// "sse4"; "neon"; "baseline".
std::span<const Isa> Isas();

// The best that this processor has and prefers, or the one that is named. Errors: kInvalidArgument
// (no such name in this build; lists those there are), kUnsupported (this processor lacks it).
Result<const Isa*> ChooseIsa(std::string_view name);

}  // namespace espalier::cpu
