// The fast backend for processors: vector kernels by Google Highway, one source for x86-64 and ARM,
// the instruction set chosen when the backend is made.
//
// Goals: f32 arithmetic within the conformance tolerances of the reference on every instruction
// set; weights read in their storage type; no allocation while a plan runs; the same bits for any
// number of threads. Non-goals: fusing across ops.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/backend/backend.h"

namespace espalier {

struct CpuOptions {
  int threads = 0;       // 0: one per processor that the process may use
  std::string isa = {};  // as CpuIsaNames gives them; "": ESPALIER_CPU_ISA, else the best there is
};

// id "cpu". Errors: kInvalidArgument (unknown instruction set), kUnsupported (one that this
// processor lacks).
Result<std::unique_ptr<Backend>> MakeCpuBackend(const CpuOptions& options);

// Names of the instruction sets in this build, best first, whether this processor has them or not.
std::vector<std::string_view> CpuIsaNames();

}  // namespace espalier
