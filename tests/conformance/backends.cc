#include "tests/conformance/backends.h"

#include <gtest/gtest.h>

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/backend/reference/reference_backend.h"
#include "runtime/backend/vulkan/vulkan_backend.h"

namespace espalier::conformance {
namespace {

// One candidate per instruction set of the build, those that this processor lacks included: they
// are then seen as skipped. Three threads: more than most blocks of the small cases.
void AddCpu(std::vector<Candidate>* candidates) {
  for (const std::string_view isa : CpuIsaNames()) {
    const auto make = [isa](std::string* reason) {
      auto backend = MakeCpuBackend({.threads = 3, .isa = std::string(isa)});
      if (backend.ok()) return std::move(backend).value();
      *reason = backend.status().message();
      return std::unique_ptr<Backend>();
    };
    candidates->push_back({.name = "cpu_" + std::string(isa), .make = make});
    if (isa.starts_with("avx512_")) {  // with VNNI
      candidates->back().rounds_activations = {DType::kI8};
    }
  }
}

// The first Vulkan device, with the validation layer where it is installed: a message of its fails
// the test, also one while the device is destroyed.
void AddVulkan(std::vector<Candidate>* candidates) {
  candidates->push_back({"vulkan", [](std::string* reason) {
                           auto backend = MakeVulkanBackend(
                               {.validation = true, .on_validation_message = [](const auto& text) {
                                  ADD_FAILURE() << text;
                                }});
                           if (backend.ok()) return std::move(backend).value();
                           *reason = backend.status().message();
                           return std::unique_ptr<Backend>();
                         }});
}

}  // namespace

std::vector<Candidate> Candidates() {
  std::vector<Candidate> candidates;
  // Against itself: shows that the suite's expectations are met by anything at all.
  candidates.push_back({"reference", [](std::string*) { return MakeReferenceBackend(); }});
  AddCpu(&candidates);
  AddVulkan(&candidates);
  return candidates;
}

std::vector<Gap> Gaps() { return {}; }

}  // namespace espalier::conformance
