#include "runtime/backend/cpu/isa.h"

#include <array>
#include <string>
#include <variant>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/isa.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {

// One per op, each defined in ops/<op>.cc.
#define ESP_OP(name) \
  Result<std::unique_ptr<Kernel>> MakeKernel(const name##Op& op, const Preparation& preparation);
#include "runtime/graph/op_list.inc"
#undef ESP_OP

// Ends the variant; Plan::Validate refuses it.
inline Result<std::unique_ptr<Kernel>> MakeKernel(const std::monostate&, const Preparation&) {
  return Internal("not an op");
}

Result<std::unique_ptr<Kernel>> MakeAnyKernel(const Op& op, const Preparation& preparation) {
  return std::visit([&](const auto& typed) { return MakeKernel(typed, preparation); }, op);
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace espalier::cpu {
namespace {

// Are products of 16-bit pairs faster than f32 ones? On AMD's family 17h (Zen 1 and 2) vpmaddwd has
// one unit where f32 has two: the same products per cycle, and the additions and the widening of
// the weights on top (measured on Zen 1: 2 cycles for 16 products, f32 1 for 8).
[[maybe_unused]] bool PairProductsPay() {
#if HWY_ARCH_X86
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kAmd = 0x68747541;  // "Auth" of AuthenticAMD
  if (__get_cpuid(0, &eax, &ebx, &ecx, &edx) == 0 || ebx != kAmd) return true;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0) return true;
  const unsigned family = (eax >> 8 & 0xf) + (eax >> 20 & 0xff);
  return family != 0x17;
#else
  return true;
#endif
}

// AVX-512's products of 8-bit integers, of bfloat16 and of f16 numbers.
[[maybe_unused]] bool HasVnni() {
#if HWY_ARCH_X86
  return __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}
[[maybe_unused]] bool HasBFloat() {
#if HWY_ARCH_X86
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}
// Compilers of 2022 do not know its name.
[[maybe_unused]] bool HasHalf() {
#if HWY_ARCH_X86
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  constexpr unsigned kFp16 = 1u << 23;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 && (edx & kFp16) != 0;
#else
  return false;
#endif
}

}  // namespace

std::span<const Isa> Isas() {
  // The static target is what the compiler assumes everywhere: it needs no look at the processor.
  [[maybe_unused]] static const int64_t supported = hwy::SupportedTargets();
  static const auto isas = std::to_array<Isa>({
#if HWY_TARGETS & HWY_AVX3
    {.name = "avx512_fp16",
     .available = (supported & HWY_AVX3) != 0 && HasVnni() && HasHalf(),
     .integer_products = IntegerProducts::kQuads,
     .rounded_factors = RoundedFactors::kHalf,
     .make_kernel = &N_AVX3::MakeAnyKernel},
        {.name = "avx512_bf16",
         .available = (supported & HWY_AVX3) != 0 && HasVnni() && HasBFloat(),
         .integer_products = IntegerProducts::kQuads,
         .rounded_factors = RoundedFactors::kBFloat,
         .make_kernel = &N_AVX3::MakeAnyKernel},
        {.name = "avx512_vnni",
         .available = (supported & HWY_AVX3) != 0 && HasVnni(),
         .integer_products = IntegerProducts::kQuads,
         .make_kernel = &N_AVX3::MakeAnyKernel},
        {.name = "avx512",
         .available = (supported & HWY_AVX3) != 0,
         .make_kernel = &N_AVX3::MakeAnyKernel},
#endif
#if HWY_TARGETS & HWY_AVX2
        {.name = "avx2",
         .available = (supported & HWY_AVX2) != 0,
         .preferred = PairProductsPay(),
         .make_kernel = &N_AVX2::MakeAnyKernel},
        {.name = "avx2_f32",
         .available = (supported & HWY_AVX2) != 0,
         .integer_products = IntegerProducts::kPairsOfFewRows,
         .make_kernel = &N_AVX2::MakeAnyKernel},
#endif
#if HWY_TARGETS & HWY_SSE4
        {.name = "sse4",
         .available = (supported & HWY_SSE4) != 0,
         .make_kernel = &N_SSE4::MakeAnyKernel},
#endif
#if HWY_STATIC_TARGET == HWY_NEON
        {.name = "neon", .make_kernel = &HWY_STATIC_DISPATCH(MakeAnyKernel)},
#elif HWY_STATIC_TARGET == HWY_SCALAR || HWY_STATIC_TARGET == HWY_EMU128
    {.name = "baseline", .make_kernel = &HWY_STATIC_DISPATCH(MakeAnyKernel)},
#endif
  });
  return isas;
}

Result<const Isa*> ChooseIsa(std::string_view name) {
  std::string names;
  for (const Isa& isa : Isas()) {
    if (name.empty() && isa.available && isa.preferred) return &isa;
    if (isa.name == name) {
      if (isa.available) return &isa;
      return Unsupported("instruction set '" + std::string(name) + "': not on this processor");
    }
    names += (names.empty() ? "" : ", ") + std::string(isa.name);
  }
  return InvalidArgument("instruction set '" + std::string(name) +
                         "' is not in this build; there are: " + names);
}

}  // namespace espalier::cpu
#endif  // HWY_ONCE
