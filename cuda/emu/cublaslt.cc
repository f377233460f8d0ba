// cuBLASLt's calls, computed by cblas. An attribute that is not known here is refused, so that a
// test fails rather than passes without it. Descriptors are plain structs behind the opaque
// handles.
#include <cblas.h>
#include <cublasLt.h>

#include <cstring>
#include <vector>

#include "cuda/emu/emulator.h"
#include "cuda/emu/runtime.h"

namespace espalier::emu {
namespace {

struct Description {
  int32_t transposed_a = CUBLAS_OP_N, transposed_b = CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};

// Column-major.
struct Layout {
  cudaDataType type = CUDA_R_32F;
  uint64_t rows = 0, columns = 0;
  int64_t stride = 0;
};

struct Preference {
  uint64_t workspace_bytes = 0;
  uint32_t alignment[4] = {256, 256, 256, 256};  // of A, B, C, D
};

struct Product {
  Description description;
  Layout a, b, c, d;
};

float Element(const void* data, cudaDataType type, size_t index) {
  if (type == CUDA_R_16F) return __half2float(static_cast<const __half*>(data)[index]);
  if (type == CUDA_R_16BF) return __bfloat162float(static_cast<const __nv_bfloat16*>(data)[index]);
  return static_cast<const float*>(data)[index];
}

bool IsConsistent(const Product& p) {
  const bool ta = p.description.transposed_a == CUBLAS_OP_T;
  const bool tb = p.description.transposed_b == CUBLAS_OP_T;
  const uint64_t depth = ta ? p.a.rows : p.a.columns;
  for (const Layout* layout : {&p.a, &p.b, &p.c, &p.d}) {
    if (layout->rows == 0 || layout->columns == 0) return false;
    if (layout->stride < static_cast<int64_t>(layout->rows)) return false;
  }
  return (ta ? p.a.columns : p.a.rows) == p.d.rows &&
         (tb ? p.b.rows : p.b.columns) == p.d.columns && (tb ? p.b.columns : p.b.rows) == depth &&
         p.c.rows == p.d.rows && p.c.columns == p.d.columns;
}

// The combinations that the backend uses: f32 throughout, or 16-bit factors with f32 sums and
// result.
bool IsSupported(const Product& p) {
  const uint32_t known = CUBLASLT_EPILOGUE_RELU | CUBLASLT_EPILOGUE_BIAS;
  return p.a.type == p.b.type && p.c.type == CUDA_R_32F && p.d.type == CUDA_R_32F &&
         (p.description.epilogue & ~(known | CUBLASLT_EPILOGUE_DEFAULT)) == 0;
}

std::vector<float> Floats(const void* data, const Layout& layout) {
  std::vector<float> values(layout.rows * layout.columns);
  for (uint64_t c = 0; c < layout.columns; ++c) {
    for (uint64_t r = 0; r < layout.rows; ++r) {
      values[c * layout.rows + r] =
          Element(data, layout.type, c * static_cast<uint64_t>(layout.stride) + r);
    }
  }
  return values;
}

struct Operands {
  float alpha, beta;
  const void *a, *b;
  const float* c;
  float* d;
};

void Multiply(const Product& p, const Operands& operands) {
  const std::vector<float> a = Floats(operands.a, p.a), b = Floats(operands.b, p.b);
  std::vector<float> sums(p.d.rows * p.d.columns);
  const auto rows = static_cast<int>(p.d.rows), columns = static_cast<int>(p.d.columns);
  const bool ta = p.description.transposed_a == CUBLAS_OP_T;
  const bool tb = p.description.transposed_b == CUBLAS_OP_T;
  const auto depth = static_cast<int>(ta ? p.a.rows : p.a.columns);
  cblas_sgemm(CblasColMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, rows,
              columns, depth, operands.alpha, a.data(), static_cast<int>(p.a.rows), b.data(),
              static_cast<int>(p.b.rows), 0.0f, sums.data(), rows);
  for (uint64_t c = 0; c < p.d.columns; ++c) {
    for (uint64_t r = 0; r < p.d.rows; ++r) {
      float x = sums[c * p.d.rows + r];
      if (operands.beta != 0.0f) {
        x += operands.beta * operands.c[c * static_cast<uint64_t>(p.c.stride) + r];
      }
      if ((p.description.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) {
        x += static_cast<const float*>(p.description.bias)[r];
      }
      if ((p.description.epilogue & CUBLASLT_EPILOGUE_RELU) != 0) x = x < 0.0f ? 0.0f : x;
      operands.d[c * static_cast<uint64_t>(p.d.stride) + r] = x;
    }
  }
}

template <typename Handle, typename T>
cublasStatus_t Make(Handle* handle, const T& value) {
  *handle = reinterpret_cast<Handle>(new T(value));
  CountObject(1);
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Destroy(const void* handle) {
  CountObject(-1);
  delete static_cast<const T*>(handle);
  return CUBLAS_STATUS_SUCCESS;
}

template <typename T>
cublasStatus_t Set(T* to, const void* value, size_t size_bytes) {
  if (size_bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(to, value, size_bytes);
  return CUBLAS_STATUS_SUCCESS;
}

Product ProductOf(cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                  cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d) {
  const auto layout = [](cublasLtMatrixLayout_t l) { return *reinterpret_cast<Layout*>(l); };
  return {*reinterpret_cast<Description*>(description), layout(a), layout(b), layout(c), layout(d)};
}

}  // namespace
}  // namespace espalier::emu

namespace emu = espalier::emu;

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) { return emu::Make(handle, int{0}); }
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) { return emu::Destroy<int>(handle); }

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* made, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F) return CUBLAS_STATUS_NOT_SUPPORTED;
  return emu::Make(made, emu::Description{});
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description) {
  return emu::Destroy<emu::Description>(description);
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t handle,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t size_bytes) {
  auto* const description = reinterpret_cast<emu::Description*>(handle);
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return emu::Set(&description->transposed_a, value, size_bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return emu::Set(&description->transposed_b, value, size_bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return emu::Set(&description->epilogue, value, size_bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return emu::Set(&description->bias, value, size_bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* made, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t stride) {
  return emu::Make(made, emu::Layout{type, rows, columns, stride});
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  return emu::Destroy<emu::Layout>(layout);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* made) {
  return emu::Make(made, emu::Preference{});
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  return emu::Destroy<emu::Preference>(preference);
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t handle,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, size_t size_bytes) {
  auto* const preference = reinterpret_cast<emu::Preference*>(handle);
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return emu::Set(&preference->workspace_bytes, value, size_bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
      return emu::Set(&preference->alignment[0], value, size_bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
      return emu::Set(&preference->alignment[1], value, size_bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
      return emu::Set(&preference->alignment[2], value, size_bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return emu::Set(&preference->alignment[3], value, size_bytes);
    default:
      return CUBLAS_STATUS_NOT_SUPPORTED;
  }
}

// One algorithm, whose data keep the alignments that were promised: cublasLtMatmul checks them.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t handle, int requested,
                                              cublasLtMatmulHeuristicResult_t results[],
                                              int* returned) {
  *returned = 0;
  const emu::Product product = emu::ProductOf(description, a, b, c, d);
  if (requested < 1 || !emu::IsConsistent(product)) return CUBLAS_STATUS_INVALID_VALUE;
  if (!emu::IsSupported(product)) return CUBLAS_STATUS_NOT_SUPPORTED;
  results[0] = {};
  const auto& preference = *reinterpret_cast<emu::Preference*>(handle);
  for (int i = 0; i < 4; ++i) results[0].algo.data[i] = preference.alignment[i];
  results[0].state = CUBLAS_STATUS_SUCCESS;
  *returned = 1;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void* alpha,
                              const void* a, cublasLtMatrixLayout_t a_layout, const void* b,
                              cublasLtMatrixLayout_t b_layout, const void* beta, const void* c,
                              cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t* algorithm, void*, size_t,
                              cudaStream_t stream) {
  const emu::Product product = emu::ProductOf(description, a_layout, b_layout, c_layout, d_layout);
  if (!emu::IsConsistent(product) || algorithm == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (!emu::IsSupported(product)) return CUBLAS_STATUS_NOT_SUPPORTED;
  const void* const pointers[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) {
    if (reinterpret_cast<uintptr_t>(pointers[i]) % algorithm->data[i] != 0) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
  }
  const emu::Operands operands{*static_cast<const float*>(alpha),
                               *static_cast<const float*>(beta),
                               a,
                               b,
                               static_cast<const float*>(c),
                               static_cast<float*>(d)};
  emu::Enqueue(stream, [=] { emu::Multiply(product, operands); });
  return CUBLAS_STATUS_SUCCESS;
}

}  // extern "C"
