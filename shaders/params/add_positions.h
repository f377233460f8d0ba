#ifndef ESPALIER_SHADERS_PARAMS_ADD_POSITIONS_H_
#define ESPALIER_SHADERS_PARAMS_ADD_POSITIONS_H_
#include "params.h"

// The table's rows are `columns` elements apart.
ESP_PARAMS_BEGIN(AddPositionsParams)
  uint rows;
  uint columns;
  uint in_base;
  uint in_stride;
  uint out_base;
  uint out_stride;
  float scale;
ESP_PARAMS_END(AddPositionsParams, 28)

#endif  // ESPALIER_SHADERS_PARAMS_ADD_POSITIONS_H_
