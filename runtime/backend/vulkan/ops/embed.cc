#include "shaders/params/embed.h"

#include "runtime/backend/vulkan/lowering.h"

namespace espalier::vulkan {

// One dispatch per chunk of the table; each writes the rows whose token it holds.
Status Lower(const EmbedOp& op, Lowering& lowering) {
  const uint32_t lanes = lowering.tuning().lanes;
  const Tensor tokens = lowering.At(op.tokens), positions = lowering.At(op.positions);
  const Tensor output = lowering.At(op.output);
  ESP_ASSIGN_OR_RETURN(const DeviceWeight* table,
                       lowering.Upload(op.table, {.order = WeightLayout::Order::kPanels}));
  ESP_ASSIGN_OR_RETURN(const Binding position_table,
                       lowering.UploadFloats(op.position_table, WeightLayout::Order::kRows));
  for (const DeviceWeight::Chunk& chunk : table->chunks) {
    const EmbedParams params{.rows = lowering.Rows(op.output),
                             .columns = static_cast<uint32_t>(op.output.column_count),
                             .tokens_base = tokens.base,
                             .tokens_stride = tokens.stride,
                             .positions_base = positions.base,
                             .positions_stride = positions.stride,
                             .token_begin = static_cast<uint32_t>(chunk.row_begin),
                             .token_count = static_cast<uint32_t>(chunk.row_count),
                             .out_base = output.base,
                             .out_stride = output.stride,
                             .scale = op.scale};
    ESP_RETURN_IF_ERROR(lowering.Add(
        {.shader = Shader::kEmbed,
         .constants = {lanes, table->storage, op.positions.present()},
         .bindings = {tokens.Read(), Binding{.weight = &chunk.memory}, positions.Read(),
                      position_table, output.Write(), Binding{.weight = table->scales_or_null()}},
         .x = {.rows = params.columns, .divisor = lanes},
         .y = {.rows = params.rows}},
        params));
  }
  return OkStatus();
}

}  // namespace espalier::vulkan
