// One operation of a plan: a variant of the plain parameter structs in graph/ops, made from
// op_list.inc.
#pragma once

#include <string_view>
#include <variant>

#include "runtime/graph/ops/add_positions.h"
#include "runtime/graph/ops/attention.h"
#include "runtime/graph/ops/attention_weights.h"
#include "runtime/graph/ops/cached_attention.h"
#include "runtime/graph/ops/column_affine.h"
#include "runtime/graph/ops/conv1d.h"
#include "runtime/graph/ops/conv2d_relu.h"
#include "runtime/graph/ops/ctc_prefix_score.h"
#include "runtime/graph/ops/depthwise_conv.h"
#include "runtime/graph/ops/embed.h"
#include "runtime/graph/ops/gather_columns.h"
#include "runtime/graph/ops/gather_rows.h"
#include "runtime/graph/ops/layer_norm.h"
#include "runtime/graph/ops/linear.h"
#include "runtime/graph/ops/log_softmax.h"
#include "runtime/graph/ops/mean_pool.h"
#include "runtime/graph/ops/top_tokens.h"

namespace espalier {

// std::monostate only ends the list; Plan::Validate refuses it.
using Op = std::variant<
#define ESP_OP(name) name##Op,
#include "runtime/graph/op_list.inc"
#undef ESP_OP
    std::monostate>;

// "Linear", "LayerNorm", ...
std::string_view OpName(const Op& op);

}  // namespace espalier
