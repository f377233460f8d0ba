// Matrix products by cuBLASLt: described once, run ever after.
//
// Row-major D = alpha · X · Wᵀ + beta · C, then + bias and ReLU; cuBLASLt sees the transposes,
// column by column. X: (rows, depth), W: (columns, depth), C and D: (rows, columns).
#pragma once

#include <memory>

#include "cuda/kernels.h"
#include "runtime/backend/cuda/library/device.h"

namespace espalier::cuda {

struct ProductShape {
  Storage storage = Storage::kF32;  // of X and W; C, D and the bias are f32
  int64_t rows = 0, columns = 0, depth = 0;
  int64_t x_stride = 0, w_stride = 0, d_stride = 0, c_stride = 0;  // elements; c_stride 0: no C
  uint32_t x_alignment = 4, d_alignment = 4, c_alignment = 4;      // bytes; W's is 16
  const float* bias = nullptr;
  bool relu = false;
  float alpha = 1.0f;
};

struct ProductOperands {
  const void *x = nullptr, *w = nullptr;
  const float* c = nullptr;
  float* d = nullptr;
};

class Product;

// A handle and its descriptions' rules. Thread-safe; the device and it outlive its products.
class Products {
 public:
  // Scratch that a product may use; each stream has its own.
  static constexpr size_t kWorkspaceBytes = size_t{4} << 20;

  static Result<std::unique_ptr<Products>> Create(Device* device);
  ~Products() { device_.functions().LtDestroy(handle_); }
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // Null where cuBLASLt has no algorithm for the shape. Errors: kExhausted, kInternal.
  Result<std::shared_ptr<const Product>> Make(const ProductShape& shape);

 private:
  friend class Product;
  Products(Device* device, cublasLtHandle_t handle) : device_(*device), handle_(handle) {}

  Device& device_;
  cublasLtHandle_t handle_;
};

// Immutable once made.
class Product {
 public:
  ~Product();
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;

  // Puts the product on the stream. Errors: kExhausted, kDeviceLost, kInternal.
  Status Run(const ProductOperands& operands, void* workspace, cudaStream_t stream) const;

 private:
  friend class Products;
  Product(Products* products, const ProductShape& shape) : products_(*products), shape_(shape) {}
  cublasStatus_t Describe();
  cublasStatus_t Choose(int* found);

  Products& products_;
  ProductShape shape_;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatrixLayout_t w_ = nullptr, x_ = nullptr, c_ = nullptr, d_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_ = {};
};

}  // namespace espalier::cuda
