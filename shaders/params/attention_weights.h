#ifndef ESPALIER_SHADERS_PARAMS_ATTENTION_WEIGHTS_H_
#define ESPALIER_SHADERS_PARAMS_ATTENTION_WEIGHTS_H_
#include "params.h"

ESP_PARAMS_BEGIN(AttentionWeightsParams)
  uint rows;  // of the query
  uint keys;  // row count
  uint query_base;
  uint query_stride;
  uint key_base;
  uint key_stride;
  uint out_base;
  uint out_stride;
  float score_scale;  // 1 / sqrt(width)
  float weight_scale;
ESP_PARAMS_END(AttentionWeightsParams, 40)

#endif  // ESPALIER_SHADERS_PARAMS_ATTENTION_WEIGHTS_H_
