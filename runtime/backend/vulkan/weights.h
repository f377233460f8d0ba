// A plan's constants on the device, in the order in which the shaders read them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <vector>

#include "runtime/backend/vulkan/transfer.h"
#include "runtime/graph/plan.h"

namespace espalier::vulkan {

struct WeightLayout {
  enum class Order : uint8_t {
    // f32, (rows, columns) without gaps: norms, biases, position tables.
    kRows,
    // f32, (columns, rows): depthwise kernels.
    kTransposed,
    // Storage type kept. Output columns (rows of the weight) in panels of ESP_PANEL_COLUMNS; a
    // panel
    // holds for each depth its columns side by side, the last one filled up with zeros. Cut into
    // chunks of whole panels that a storage buffer can hold.
    kPanels,
  };
  Order order = Order::kRows;
  // Kernel positions of a convolution: column c · taps + j becomes depth j · channels + c, because
  // activations have their channels side by side. 1: the order stays.
  int64_t taps = 1;

  friend auto operator<=>(const WeightLayout&, const WeightLayout&) = default;
};

// Immutable once made.
struct DeviceWeight {
  struct Chunk {
    Allocation memory;
    int64_t row_begin = 0;  // rows of the weight
    int64_t row_count = 0;
  };
  uint32_t storage = 0;  // ESP_WEIGHT_*, for kPanels
  std::vector<Chunk> chunks;
  Allocation scales;  // f32 by row of the weight, where the storage is i8
  const Allocation* scales_or_null() const { return scales.size_bytes() > 0 ? &scales : nullptr; }
};

// One copy per weight and layout, shared by all executables that are alive. Thread-safe.
class WeightStore {
 public:
  // `largest_chunk_bytes`: what one storage buffer may hold.
  WeightStore(MemoryPool* pool, Transfer* transfer, int64_t largest_chunk_bytes)
      : pool_(*pool), transfer_(*transfer), largest_chunk_bytes_(largest_chunk_bytes) {}

  // The weight's memory must outlive what is returned (executables keep their plan, and it its
  // weights). Errors: kExhausted, kDeviceLost; kUnsupported when one panel or a table is too large.
  Result<std::shared_ptr<const DeviceWeight>> Get(const Weight& weight, const WeightLayout& layout);

 private:
  using Key = std::tuple<const void*, const void*, DType, int64_t, int64_t, int64_t, WeightLayout>;
  Result<std::shared_ptr<const DeviceWeight>> Make(const Weight& weight,
                                                   const WeightLayout& layout);
  Status AddPanels(const Weight& weight, int64_t taps, DeviceWeight* made);
  Status AddFloats(const Weight& weight, bool transposed, DeviceWeight* made);

  MemoryPool& pool_;
  Transfer& transfer_;
  int64_t largest_chunk_bytes_;
  std::mutex mutex_;
  std::map<Key, std::weak_ptr<const DeviceWeight>> entries_;  // guarded by mutex_
};

}  // namespace espalier::vulkan
