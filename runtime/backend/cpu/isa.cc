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
namespace espalier::cpu {

std::span<const Isa> Isas() {
  // The static target is what the compiler assumes everywhere: it needs no look at the processor.
  [[maybe_unused]] static const int64_t supported = hwy::SupportedTargets();
  static const auto isas = std::to_array<Isa>({
#if HWY_TARGETS & HWY_AVX3
    {"avx512", (supported & HWY_AVX3) != 0, &N_AVX3::MakeAnyKernel},
#endif
#if HWY_TARGETS & HWY_AVX2
        {"avx2", (supported & HWY_AVX2) != 0, &N_AVX2::MakeAnyKernel},
#endif
#if HWY_TARGETS & HWY_SSE4
        {"sse4", (supported & HWY_SSE4) != 0, &N_SSE4::MakeAnyKernel},
#endif
#if HWY_STATIC_TARGET == HWY_NEON
        {"neon", true, &HWY_STATIC_DISPATCH(MakeAnyKernel)},
#elif HWY_STATIC_TARGET == HWY_SCALAR || HWY_STATIC_TARGET == HWY_EMU128
    {"baseline", true, &HWY_STATIC_DISPATCH(MakeAnyKernel)},
#endif
  });
  return isas;
}

Result<const Isa*> ChooseIsa(std::string_view name) {
  std::string names;
  for (const Isa& isa : Isas()) {
    if (name.empty() && isa.available) return &isa;
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
