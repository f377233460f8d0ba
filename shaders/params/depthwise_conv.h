#ifndef ESPALIER_SHADERS_PARAMS_DEPTHWISE_CONV_H_
#define ESPALIER_SHADERS_PARAMS_DEPTHWISE_CONV_H_
#include "params.h"

ESP_PARAMS_BEGIN(DepthwiseConvParams)
  uint rows;
  uint columns;
  uint kernel;
  uint in_base;
  uint in_stride;
  uint multiplier_base;
  uint multiplier_stride;
  uint out_base;
  uint out_stride;
ESP_PARAMS_END(DepthwiseConvParams, 36)

#endif  // ESPALIER_SHADERS_PARAMS_DEPTHWISE_CONV_H_
