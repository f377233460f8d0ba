#include "runtime/backend/vulkan/tuning.h"

#include <algorithm>

#include "shaders/params/gemm.h"
#include "shaders/spirv.h"

namespace espalier::vulkan {
namespace {

// Bytes of shared memory that gemm_tiled.comp declares.
uint32_t TileBytes(const Tuning& tuning) {
  return tuning.tile_depth * ((tuning.tile_rows + 1) * 4 + tuning.tile_vectors * 16);
}

uint32_t TileThreads(const Tuning& tuning) {
  return tuning.tile_rows / tuning.rows_each * tuning.tile_vectors;
}

// A subgroup computes about 32 x 32: its inputs are then read from shared memory four times less
// often than they are multiplied.
void AddCooperative(const PhysicalDevice& device, Tuning* tuning) {
  const CooperativeShape& shape = device.cooperative;
  if (!shape.present() || ShaderCode(Shader::kGemmCooperative).empty()) return;
  const uint32_t down = std::max(32 / shape.m, 1u), across = std::max(32 / shape.n, 1u);
  const uint32_t rows = kCooperativeSide * down * shape.m;
  const uint32_t columns = kCooperativeSide * across * shape.n;
  const uint32_t subgroups = kCooperativeSide * kCooperativeSide;
  const uint32_t bytes =
      2 * (rows * (ESP_COOPERATIVE_DEPTH + 8) + ESP_COOPERATIVE_DEPTH * (columns + 8)) +
      4 * subgroups * shape.m * shape.n;
  const uint32_t threads = subgroups * device.subgroup_size;
  if (bytes > device.limits.maxComputeSharedMemorySize ||
      threads > device.limits.maxComputeWorkGroupInvocations ||
      threads > device.limits.maxComputeWorkGroupSize[0]) {
    return;
  }
  tuning->cooperative = shape;
  tuning->cooperative_threads = threads;
  tuning->cooperative_down = down;
  tuning->cooperative_across = across;
}

}  // namespace

Tuning TuningOf(const PhysicalDevice& device, GemmKind gemm) {
  Tuning tuning;
  const VkPhysicalDeviceLimits& limits = device.limits;
  if (device.is_software()) {
    // One subgroup a workgroup: no barriers, and lanes can load for each other.
    const uint32_t width = std::clamp<uint32_t>(device.subgroup_size, 4, 32);
    tuning.lanes = tuning.reduce_threads = tuning.attention_lanes = width;
    tuning.attention_block = 1;
    constexpr VkSubgroupFeatureFlags kShuffle = VK_SUBGROUP_FEATURE_SHUFFLE_BIT;
    tuning.share_loads =
        width == device.subgroup_size && (device.subgroup_operations & kShuffle) != 0;
    tuning.direct_rows = tuning.share_loads ? 4 * width : 16;
    tuning.tile_rows = 32;
    tuning.tile_vectors = 8;
    tuning.tile_depth = 8;
    tuning.gemv_lanes = width;
    tuning.gemv_slices = 1;
    tuning.tiled_gemm = false;
  } else if (limits.maxComputeWorkGroupInvocations < TileThreads(tuning)) {
    tuning.tile_rows = 32;
    tuning.tile_vectors = 8;
  }
  if (limits.maxComputeSharedMemorySize < TileBytes(tuning) ||
      limits.maxComputeWorkGroupInvocations < TileThreads(tuning)) {
    tuning.tiled_gemm = false;
  }
  if (gemm != GemmKind::kByDevice) {
    tuning.tiled_gemm = gemm == GemmKind::kTiled;
    tuning.share_loads = false;
  }
  const bool by_device = gemm == GemmKind::kByDevice && tuning.tiled_gemm;
  if (by_device || gemm == GemmKind::kCooperative) AddCooperative(device, &tuning);
  return tuning;
}

}  // namespace espalier::vulkan
