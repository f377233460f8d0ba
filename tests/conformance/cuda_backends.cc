// The CUDA backend, over the emulator or on a GPU: a test of its own, since it needs the toolkit.
#include "runtime/backend/cuda/library/device_backend.h"
#include "tests/conformance/backends.h"

namespace espalier::conformance {
namespace {

Candidate Cuda(const std::string& name, CudaOptions::Products products) {
  // Every buffer its own allocation, so that AddressSanitizer and compute-sanitizer see what lies
  // beyond it.
  const auto make = [products](std::string* reason) {
    auto backend =
        cuda::OpenDevice({.products = products, .block_bytes = 0, .adjust_functions = {}});
    if (backend.ok()) return std::move(backend).value();
    *reason = backend.status().message();
    return std::unique_ptr<Backend>();
  };
  Candidate candidate{.name = name, .make = make};
  if (products == CudaOptions::Products::kByStorage) {
    candidate.rounds_activations = {DType::kF16, DType::kBF16, DType::kI8};
  }
  return candidate;
}

}  // namespace

std::vector<Candidate> Candidates() {
  return {Cuda("cuda_f32", CudaOptions::Products::kF32),
          Cuda("cuda_rounded", CudaOptions::Products::kByStorage)};
}

std::vector<Gap> Gaps() {
  std::vector<Gap> gaps;
  for (const DType storage : {DType::kF16, DType::kI8}) {
    gaps.push_back({.kind = Gap::Kind::kExpectedFailure,
                    .candidate_prefix = "cuda_rounded",
                    .case_name = "Linear_large31",
                    .reason = "an activation of 1e30 is rounded to f16's largest, 65504",
                    .storage = storage});
  }
  return gaps;
}

}  // namespace espalier::conformance
