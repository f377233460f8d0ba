// The calls that the backend makes, as a table: tests replace entries with faulty ones.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>

namespace espalier::cuda {

struct Functions {
#define ESP_CUDA_CALL(name) decltype(&cuda##name) name = &cuda##name;
#define ESP_CUBLASLT_CALL(name) decltype(&cublasLt##name) Lt##name = &cublasLt##name;
#include "runtime/backend/cuda/library/functions.inc"
#undef ESP_CUDA_CALL
#undef ESP_CUBLASLT_CALL
};

}  // namespace espalier::cuda
