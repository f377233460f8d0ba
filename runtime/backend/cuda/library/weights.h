// A plan's constants on the device, in the order in which the kernels read them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "cuda/kernels.h"
#include "runtime/backend/cuda/library/transfer.h"
#include "runtime/graph/plan.h"

namespace espalier::cuda {

struct WeightLayout {
  enum class Order : uint8_t {
    kRows,        // f32, (rows, columns) without gaps: norms, biases, position tables
    kTransposed,  // f32, (columns, rows): depthwise kernels
    kMatrix,      // storage kept, rows filled up with zeros to a multiple of 16 bytes
  };
  Order order = Order::kRows;
  // kMatrix, kernel positions of a convolution: column c · taps + j becomes depth j · channels + c,
  // because activations have their channels side by side. 1: the order stays.
  int64_t taps = 1;
  float factor = 1.0f;  // kRows: of every element

  friend auto operator<=>(const WeightLayout&, const WeightLayout&) = default;
};

// Immutable once made.
struct DeviceWeight {
  Allocation memory;
  Allocation scales;  // f32 by row of the weight, where the storage is i8
  Matrix matrix;      // of kMatrix

  const float* floats() const { return reinterpret_cast<const float*>(memory.data()); }
};

// One copy per weight and layout, shared by all executables that are alive. Thread-safe.
class WeightStore {
 public:
  WeightStore(MemoryPool* pool, Transfer* transfer) : pool_(*pool), transfer_(*transfer) {}

  // The weight's memory must outlive what is returned (executables keep their plan, and it its
  // weights). Errors: kExhausted, kDeviceLost.
  Result<std::shared_ptr<const DeviceWeight>> Get(const Weight& weight, const WeightLayout& layout);

 private:
  using Key = std::tuple<const void*, const void*, DType, int64_t, int64_t, int64_t, WeightLayout>;
  Status AddMatrix(const Weight& weight, int64_t taps, DeviceWeight* made);
  Status AddFloats(const Weight& weight, const WeightLayout& layout, DeviceWeight* made);

  MemoryPool& pool_;
  Transfer& transfer_;
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const DeviceWeight>> entries_;  // guarded by mutex_
};

}  // namespace espalier::cuda
