#include "runtime/backend/cuda/library/products.h"

namespace espalier::cuda {
namespace {

cudaDataType TypeOf(Storage storage) {
  switch (storage) {
    case Storage::kF16:
      return CUDA_R_16F;
    case Storage::kBF16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

// The first of several calls that fails.
template <typename... Statuses>
cublasStatus_t FirstError(Statuses... statuses) {
  cublasStatus_t first = CUBLAS_STATUS_SUCCESS;
  for (const cublasStatus_t status : {statuses...}) {
    if (first == CUBLAS_STATUS_SUCCESS) first = status;
  }
  return first;
}

cublasLtEpilogue_t EpilogueOf(const ProductShape& shape) {
  if (shape.bias == nullptr) {
    return shape.relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
  }
  return shape.relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
}

}  // namespace

Result<std::unique_ptr<Products>> Products::Create(Device* device) {
  ESP_RETURN_IF_ERROR(device->Use());
  cublasLtHandle_t handle = nullptr;
  ESP_RETURN_IF_ERROR(device->Check(device->functions().LtCreate(&handle), "cuBLASLt"));
  return std::unique_ptr<Products>(new Products(device, handle));  // NOLINT: private
}

Result<std::shared_ptr<const Product>> Products::Make(const ProductShape& shape) {
  std::shared_ptr<Product> product(new Product(this, shape));  // NOLINT: private
  ESP_RETURN_IF_ERROR(device_.Check(product->Describe(), "product"));
  int found = 0;
  const cublasStatus_t status = product->Choose(&found);
  if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && found == 0)) {
    return std::shared_ptr<const Product>();
  }
  ESP_RETURN_IF_ERROR(device_.Check(status, "product's algorithm"));
  return std::shared_ptr<const Product>(std::move(product));
}

cublasStatus_t Product::Describe() {
  const Functions& lt = products_.device_.functions();
  const cudaDataType type = TypeOf(shape_.storage);
  const auto rows = static_cast<uint64_t>(shape_.rows);
  const auto columns = static_cast<uint64_t>(shape_.columns);
  const auto depth = static_cast<uint64_t>(shape_.depth);
  const int64_t c_stride = shape_.c_stride > 0 ? shape_.c_stride : shape_.d_stride;
  cublasStatus_t status = FirstError(
      // f32 means f32: no TF32 rounding, so that f32 models give the CPU's words.
      lt.LtMatmulDescCreate(&description_, CUBLAS_COMPUTE_32F, CUDA_R_32F),
      lt.LtMatrixLayoutCreate(&w_, type, depth, columns, shape_.w_stride),
      lt.LtMatrixLayoutCreate(&x_, type, depth, rows, shape_.x_stride),
      lt.LtMatrixLayoutCreate(&c_, CUDA_R_32F, columns, rows, c_stride),
      lt.LtMatrixLayoutCreate(&d_, CUDA_R_32F, columns, rows, shape_.d_stride));
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    return lt.LtMatmulDescSetAttribute(description_, attribute, &value, sizeof(value));
  };
  status = FirstError(set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T),
                      set(CUBLASLT_MATMUL_DESC_EPILOGUE, EpilogueOf(shape_)));
  if (status != CUBLAS_STATUS_SUCCESS || shape_.bias == nullptr) return status;
  return set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, shape_.bias);
}

cublasStatus_t Product::Choose(int* found) {
  const Functions& lt = products_.device_.functions();
  cublasLtMatmulPreference_t preference = nullptr;
  cublasStatus_t status = lt.LtMatmulPreferenceCreate(&preference);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    return lt.LtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof(value));
  };
  const uint32_t w_alignment = 16;
  status =
      FirstError(set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, uint64_t{Products::kWorkspaceBytes}),
                 set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, w_alignment),
                 set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, shape_.x_alignment),
                 set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, shape_.c_alignment),
                 set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, shape_.d_alignment));
  if (status == CUBLAS_STATUS_SUCCESS) {
    cublasLtMatmulHeuristicResult_t result = {};
    status = lt.LtMatmulAlgoGetHeuristic(products_.handle_, description_, w_, x_, c_, d_,
                                         preference, 1, &result, found);
    algorithm_ = result.algo;
  }
  lt.LtMatmulPreferenceDestroy(preference);
  return status;
}

Product::~Product() {
  const Functions& lt = products_.device_.functions();
  for (const cublasLtMatrixLayout_t layout : {w_, x_, c_, d_}) {
    if (layout != nullptr) lt.LtMatrixLayoutDestroy(layout);
  }
  if (description_ != nullptr) lt.LtMatmulDescDestroy(description_);
}

Status Product::Run(const ProductOperands& operands, void* workspace, cudaStream_t stream) const {
  const bool adds = shape_.c_stride > 0;
  const float beta = adds ? 1.0f : 0.0f;
  Device& device = products_.device_;
  return device.Check(device.functions().LtMatmul(
                          products_.handle_, description_, &shape_.alpha, operands.w, w_,
                          operands.x, x_, &beta, adds ? operands.c : operands.d, c_, operands.d, d_,
                          &algorithm_, workspace, Products::kWorkspaceBytes, stream),
                      "product");
}

}  // namespace espalier::cuda
