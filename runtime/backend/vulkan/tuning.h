// Workgroup and tile sizes by kind of device. Only sizes: every choice computes the same within
// rounding, and tests run the ones that this machine's device would not take.
#pragma once

#include <cstdint>

#include "runtime/backend/vulkan/physical_device.h"

namespace espalier::vulkan {

enum class GemmKind : uint8_t { kByDevice, kDirect, kTiled, kCooperative };

inline constexpr uint32_t kCooperativeSide = 2;  // subgroups of gemm_cooperative.comp, each way

struct Tuning {
  uint32_t lanes = 64;           // workgroup width of kernels without reductions
  uint32_t reduce_threads = 64;  // of kernels that reduce a row
  bool tiled_gemm = true;
  // A workgroup of `lanes` or `attention_lanes` is one subgroup, whose invocations load for each
  // other (gemm_subgroup.comp, attention_subgroup.comp).
  bool share_loads = false;
  uint32_t direct_rows = 8;                                                    // gemm_direct.comp
  uint32_t tile_rows = 64, tile_vectors = 16, rows_each = 4, tile_depth = 16;  // gemm_tiled.comp
  // gemm_cooperative.comp takes f16 and i8 weights where the device has matrix units of this shape.
  CooperativeShape cooperative;
  uint32_t cooperative_threads = 0;
  uint32_t cooperative_down = 0, cooperative_across = 0;  // matrices of a subgroup
  uint32_t gemv_lanes = 8, gemv_slices = 8;
  uint32_t attention_lanes = 64, attention_block = 4;
  uint32_t conv_steps = 4;  // rows of one invocation of depthwise_conv.comp
};

Tuning TuningOf(const PhysicalDevice& device, GemmKind gemm);

}  // namespace espalier::vulkan
