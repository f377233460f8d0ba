// A model's tensors as the matrices that plans read, shape-checked, and the constants derived from
// them.
//
// Goals: every tensor is a view into the mapped file; only what differs from the file's own layout
// is copied (once, shared by all plans). Non-goals: device memory (a backend's business).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/checkpoint/tensor_store.h"
#include "runtime/graph/plan.h"

namespace espalier {

// Thread-safe. Views stay valid as long as the object lives.
class Weights {
 public:
  explicit Weights(std::unique_ptr<TensorStore> store) : store_(std::move(store)) {}

  // The tensor `name` as (rows, columns), trailing dimensions flattened: a convolution weight
  // (out, in, 3, 3) is asked for as (out, in·9). An i8 tensor comes with `<name>.scale`, f32, one
  // number a row. Errors: kCorrupt naming tensor, shape and
  // expectation; kUnsupported for a storage type that no kernel reads.
  Result<Weight> Matrix(const std::string& name, int64_t rows, int64_t columns) const;

  // A one-dimensional tensor as one row.
  Result<Weight> Row(const std::string& name, int64_t columns) const {
    return Matrix(name, 1, columns);
  }

  bool Has(const std::string& name) const;
  bool HasI8() const;  // any i8 tensor
  // Is this tensor there, in 16 bits or fewer?
  bool IsRounded(const std::string& name) const;
  int64_t parameter_count() const;
  // checkpoint/fingerprint.h's, of the tensors as the files have them.
  std::string BaseFingerprint(const ModelConfig& config) const;

  // The values of a matrix as float, rows · columns, row-major.
  static std::vector<float> Values(const Weight& weight);

  // A matrix computed from others; `make` runs once per `name`, later calls share its result.
  Result<Weight> Derived(const std::string& name, int64_t rows, int64_t columns,
                         const std::function<Result<std::vector<float>>()>& make) const;

 private:
  std::unique_ptr<TensorStore> store_;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Weight> derived_;  // guarded by mutex_
};

}  // namespace espalier
