#ifndef ESPALIER_SHADERS_PARAMS_LAYER_NORM_H_
#define ESPALIER_SHADERS_PARAMS_LAYER_NORM_H_
#include "params.h"

ESP_PARAMS_BEGIN(LayerNormParams)
  uint rows;
  uint columns;
  uint in_base;
  uint in_stride;
  uint out_base;
  uint out_stride;
  float epsilon;
ESP_PARAMS_END(LayerNormParams, 28)

#endif  // ESPALIER_SHADERS_PARAMS_LAYER_NORM_H_
