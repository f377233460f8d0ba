#include "runtime/backend/vulkan/ops/gemm.h"

#include "shaders/params/gemm.h"

namespace espalier::vulkan {
namespace {

bool IsVector(uint32_t elements) { return elements % 4 == 0; }

// What f16 holds exactly.
bool IsCooperative(uint32_t storage) {
  return storage == ESP_WEIGHT_F16 || storage == ESP_WEIGHT_I8;
}

// Sizes that do not depend on the chunk.
GemmParams ParamsOf(const Gemm& gemm, const Lowering& lowering) {
  const Tensor input = lowering.At(gemm.input), output = lowering.At(gemm.output);
  const Tensor residual = lowering.At(gemm.residual);
  return {.rows = lowering.Rows(gemm.output),
          .positions = gemm.positions,
          .in_rows = lowering.Rows(gemm.input),
          .in_base = input.base,
          .in_stride = input.stride,
          .row_step = gemm.row_step,
          .padding = gemm.padding,
          .position_step = gemm.position_step,
          .segments = gemm.segments,
          .segment_length = gemm.segment_length,
          .out_base = output.base,
          .out_stride = output.stride,
          .out_step = static_cast<uint32_t>(lowering.WeightOf(gemm.weight).rows),
          .residual_base = residual.base,
          .residual_stride = residual.stride,
          .columns = 0,
          .bias_base = 0,
          .scale = gemm.scale};
}

// Shader, constants and grid for a chunk of `columns` columns.
DispatchRequest RequestOf(const Gemm& gemm, const GemmParams& params, uint32_t storage,
                          uint32_t columns, const Lowering& lowering) {
  const Tuning& tuning = lowering.tuning();
  const bool vectors = IsVector(params.in_base) && IsVector(params.in_stride) &&
                       IsVector(params.position_step) && IsVector(params.segment_length);
  const bool is_plain = gemm.segments == 1 && gemm.positions == 1 && gemm.taps == 1;
  const int32_t most_rows = lowering.MostRows(gemm.output);
  DispatchRequest request{
      .shader = Shader::kGemmDirect,
      .constants = {tuning.lanes, storage, static_cast<uint32_t>(gemm.activation),
                    gemm.bias.present(), gemm.residual.present(), lowering.At(gemm.output).is_half,
                    tuning.direct_rows, vectors},
      .bindings = {},
      .x = {.rows = columns, .divisor = tuning.lanes * 4},
      .y = {.rows = params.rows, .multiplier = params.positions, .divisor = tuning.direct_rows}};
  if (is_plain && most_rows <= static_cast<int32_t>(ESP_GEMV_ROWS)) {
    request.shader = Shader::kGemv;
    request.constants[0] = tuning.gemv_lanes;
    request.constants[6] = most_rows == 1 ? 1 : ESP_GEMV_ROWS;
    request.constants.push_back(tuning.gemv_slices);
    request.x.divisor = tuning.gemv_lanes * 4;
    request.y.divisor = ESP_GEMV_ROWS;  // one workgroup, or none without rows
  } else if (tuning.cooperative.present() && IsCooperative(storage)) {
    const CooperativeShape& shape = tuning.cooperative;
    request.shader = Shader::kGemmCooperative;
    request.constants[0] = tuning.cooperative_threads;
    request.constants[6] = tuning.cooperative_down;
    for (const uint32_t c : {tuning.cooperative_across, kCooperativeSide, kCooperativeSide, shape.m,
                             shape.n, shape.k}) {
      request.constants.push_back(c);
    }
    request.x.divisor = kCooperativeSide * tuning.cooperative_across * shape.n;
    request.y.divisor = kCooperativeSide * tuning.cooperative_down * shape.m;
  } else if (tuning.tiled_gemm) {
    request.shader = Shader::kGemmTiled;
    request.constants[0] = tuning.tile_rows / tuning.rows_each * tuning.tile_vectors;
    request.constants[6] = tuning.tile_rows;
    for (const uint32_t c : {tuning.tile_vectors, tuning.rows_each, tuning.tile_depth}) {
      request.constants.push_back(c);
    }
    request.x.divisor = tuning.tile_vectors * 4;
    request.y.divisor = tuning.tile_rows;
  } else if (tuning.share_loads && vectors) {
    request.shader = Shader::kGemmSubgroup;
    request.constants.pop_back();  // vectors always
  }
  return request;
}

}  // namespace

Status AddGemm(const Gemm& gemm, Lowering& lowering) {
  const WeightLayout layout{.order = WeightLayout::Order::kPanels, .taps = gemm.taps};
  ESP_ASSIGN_OR_RETURN(const DeviceWeight* weight, lowering.Upload(gemm.weight, layout));
  ESP_ASSIGN_OR_RETURN(const Binding bias,
                       lowering.UploadFloats(gemm.bias, WeightLayout::Order::kRows));
  const GemmParams common = ParamsOf(gemm, lowering);
  for (const DeviceWeight::Chunk& chunk : weight->chunks) {
    GemmParams params = common;
    params.columns = static_cast<uint32_t>(chunk.row_count);
    params.bias_base = static_cast<uint32_t>(chunk.row_begin);
    params.out_base += params.bias_base;
    params.residual_base += params.bias_base;
    DispatchRequest request = RequestOf(gemm, params, weight->storage, params.columns, lowering);
    request.bindings = {lowering.At(gemm.input).Read(),
                        Binding{.weight = &chunk.memory},
                        bias,
                        lowering.At(gemm.residual).Read(),
                        lowering.At(gemm.output).Write(),
                        Binding{.weight = weight->scales_or_null()}};
    ESP_RETURN_IF_ERROR(lowering.Add(request, params));
  }
  return OkStatus();
}

}  // namespace espalier::vulkan
