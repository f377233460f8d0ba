#ifndef ESPALIER_SHADERS_PARAMS_MEAN_POOL_H_
#define ESPALIER_SHADERS_PARAMS_MEAN_POOL_H_
#include "params.h"

ESP_PARAMS_BEGIN(MeanPoolParams)
  uint rows;  // of the input
  uint columns;
  uint in_base;
  uint in_stride;
  uint out_base;
ESP_PARAMS_END(MeanPoolParams, 20)

#endif  // ESPALIER_SHADERS_PARAMS_MEAN_POOL_H_
