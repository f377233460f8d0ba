#ifndef ESPALIER_SHADERS_PARAMS_GATHER_ROWS_H_
#define ESPALIER_SHADERS_PARAMS_GATHER_ROWS_H_
#include "params.h"

ESP_PARAMS_BEGIN(GatherRowsParams)
  uint rows;
  uint columns;
  uint indices_base;
  uint indices_stride;
  uint in_base;
  uint in_stride;
  uint out_base;
  uint out_stride;
ESP_PARAMS_END(GatherRowsParams, 32)

#endif  // ESPALIER_SHADERS_PARAMS_GATHER_ROWS_H_
