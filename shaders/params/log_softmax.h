#ifndef ESPALIER_SHADERS_PARAMS_LOG_SOFTMAX_H_
#define ESPALIER_SHADERS_PARAMS_LOG_SOFTMAX_H_
#include "params.h"

ESP_PARAMS_BEGIN(LogSoftmaxParams)
  uint rows;
  uint columns;
  uint in_base;
  uint in_stride;
  uint out_base;
  uint out_stride;
ESP_PARAMS_END(LogSoftmaxParams, 24)

#endif  // ESPALIER_SHADERS_PARAMS_LOG_SOFTMAX_H_
