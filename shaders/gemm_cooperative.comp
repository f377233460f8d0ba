#version 450
// gemm_tiled on the device's matrix units (VK_KHR_cooperative_matrix), for 16-bit float and i8 weights:
// both operands become f16 tiles in shared memory, which hold i8 exactly and round inputs, and
// subgroups multiply them, each TILES_DOWN x TILES_ACROSS matrices of M x N, with f32 sums. Scales come
// after the sum. Any shape that the device has: M, N and K are specialisation constants.
#extension GL_EXT_control_flow_attributes : enable
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#extension GL_GOOGLE_include_directive : enable
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#include "params/gemm.h"
#include "lib/rows.glsl"
#include "lib/weights.glsl"
#include "lib/epilogue.glsl"
#include "lib/gemm_input.glsl"

layout(local_size_x_id = 0, local_size_y = 1, local_size_z = 1) in;
layout(constant_id = 0) const uint THREADS = 128;
layout(constant_id = 6) const uint TILES_DOWN = 2;    // of one subgroup
layout(constant_id = 8) const uint TILES_ACROSS = 2;  // of one subgroup
layout(constant_id = 9) const uint SUBGROUPS_DOWN = 2;
layout(constant_id = 10) const uint SUBGROUPS_ACROSS = 2;
layout(constant_id = 11) const uint M = 16;
layout(constant_id = 12) const uint N = 16;
layout(constant_id = 13) const uint K = 16;

const uint DEPTH = ESP_COOPERATIVE_DEPTH;
const uint TILE_ROWS = SUBGROUPS_DOWN * TILES_DOWN * M;
const uint TILE_COLUMNS = SUBGROUPS_ACROSS * TILES_ACROSS * N;
// Rows of the staged tiles, in elements: 16 bytes more than they hold, against bank conflicts; a
// matrix may be loaded from any multiple of 16 bytes.
const uint INPUT_STRIDE = DEPTH + 8;
const uint WEIGHT_STRIDE = TILE_COLUMNS + 8;

shared float16_t inputs[TILE_ROWS * INPUT_STRIDE];
shared float16_t weights[DEPTH * WEIGHT_STRIDE];
shared float sums[SUBGROUPS_DOWN * SUBGROUPS_ACROSS * M * N];  // a matrix of each subgroup, to be stored

void LoadInputs(uint first, uint count, uint in_rows, uint s, uint k0) {
  for (uint i = gl_LocalInvocationIndex; i < TILE_ROWS * (DEPTH / 4u); i += THREADS) {
    const uint r = i / (DEPTH / 4u), k = i % (DEPTH / 4u) * 4u;
    const f16vec4 x = f16vec4(InputAt(first + r, count, in_rows, s, k0 + k));
    [[unroll]] for (uint j = 0; j < 4u; ++j) inputs[r * INPUT_STRIDE + k + j] = x[j];
  }
}

void LoadWeights(uint s, uint k0, uint vector0) {
  const uint vectors = TILE_COLUMNS / 4u;
  for (uint i = gl_LocalInvocationIndex; i < DEPTH * vectors; i += THREADS) {
    const uint k = i / vectors, v = i % vectors;
    const f16vec4 w = f16vec4(WeightVector(s, k0 + k, vector0 + v));
    [[unroll]] for (uint j = 0; j < 4u; ++j) weights[k * WEIGHT_STRIDE + v * 4u + j] = w[j];
  }
}

void main() {
  const uint first = gl_WorkGroupID.y * TILE_ROWS;
  const uint column0 = gl_WorkGroupID.x * TILE_COLUMNS;
  const uint count = Rows(p.rows) * p.positions;
  const uint in_rows = Rows(p.in_rows);
  const uint row = gl_SubgroupID / SUBGROUPS_ACROSS * (TILES_DOWN * M);  // in the workgroup's tile
  const uint column = gl_SubgroupID % SUBGROUPS_ACROSS * (TILES_ACROSS * N);
  coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator> sum[TILES_DOWN * TILES_ACROSS];
  [[unroll]] for (uint i = 0; i < TILES_DOWN * TILES_ACROSS; ++i) {
    sum[i] = coopmat<float, gl_ScopeSubgroup, M, N, gl_MatrixUseAccumulator>(0.0);
  }
  for (uint s = 0; s < p.segments; ++s) {
    for (uint k0 = 0; k0 < p.segment_length; k0 += DEPTH) {
      LoadInputs(first, count, in_rows, s, k0);
      LoadWeights(s, k0, column0 / 4u);
      barrier();
      [[unroll]] for (uint k = 0; k < DEPTH; k += K) {
        coopmat<float16_t, gl_ScopeSubgroup, K, N, gl_MatrixUseB> b[TILES_ACROSS];
        [[unroll]] for (uint j = 0; j < TILES_ACROSS; ++j) {
          coopMatLoad(b[j], weights, k * WEIGHT_STRIDE + column + j * N, WEIGHT_STRIDE,
                      gl_CooperativeMatrixLayoutRowMajor);
        }
        [[unroll]] for (uint i = 0; i < TILES_DOWN; ++i) {
          coopmat<float16_t, gl_ScopeSubgroup, M, K, gl_MatrixUseA> a;
          coopMatLoad(a, inputs, (row + i * M) * INPUT_STRIDE + k, INPUT_STRIDE,
                      gl_CooperativeMatrixLayoutRowMajor);
          [[unroll]] for (uint j = 0; j < TILES_ACROSS; ++j) {
            sum[i * TILES_ACROSS + j] = coopMatMulAdd(a, b[j], sum[i * TILES_ACROSS + j]);
          }
        }
      }
      barrier();
    }
  }
  // Which invocation holds which element is the device's secret: through shared memory.
  const uint own = gl_SubgroupID * (M * N);
  [[unroll]] for (uint i = 0; i < TILES_DOWN * TILES_ACROSS; ++i) {
    coopMatStore(sum[i], sums, own, N, gl_CooperativeMatrixLayoutRowMajor);
    barrier();
    for (uint e = gl_SubgroupInvocationID * 4u; e < M * N; e += gl_SubgroupSize * 4u) {
      const uint m = first + row + i / TILES_ACROSS * M + e / N;
      const uint c = column0 + column + i % TILES_ACROSS * N + e % N;
      const vec4 x = vec4(sums[own + e], sums[own + e + 1u], sums[own + e + 2u], sums[own + e + 3u]);
      if (m < count) Store(x, m / p.positions, m % p.positions, c);
    }
    barrier();
  }
}
