#ifndef ESPALIER_SHADERS_PARAMS_ATTENTION_H_
#define ESPALIER_SHADERS_PARAMS_ATTENTION_H_
#include "params.h"

// attention, attention_rows: softmax(q · Kᵀ · scale) · V, heads side by side in the columns.
ESP_PARAMS_BEGIN(AttentionParams)
  uint rows;  // of the queries
  uint keys;  // row count; unused with a cache
  uint query_base;
  uint query_stride;
  uint key_base;
  uint key_stride;
  uint value_base;
  uint value_stride;
  uint out_base;
  uint out_stride;
  float scale;
  uint lane_count;      // the cache's, as all below
  uint positions_base;  // elements of the indices
  uint positions_stride;
  uint lanes_base;
  uint lanes_stride;
  uint history_base;
  uint history_stride;
ESP_PARAMS_END(AttentionParams, 72)

#endif  // ESPALIER_SHADERS_PARAMS_ATTENTION_H_
