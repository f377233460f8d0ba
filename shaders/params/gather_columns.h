#ifndef ESPALIER_SHADERS_PARAMS_GATHER_COLUMNS_H_
#define ESPALIER_SHADERS_PARAMS_GATHER_COLUMNS_H_
#include "params.h"

ESP_PARAMS_BEGIN(GatherColumnsParams)
uint rows;
uint columns;
uint indices_base;
uint in_base;
uint in_stride;
uint out_base;
uint out_stride;
ESP_PARAMS_END(GatherColumnsParams, 28)

#endif  // ESPALIER_SHADERS_PARAMS_GATHER_COLUMNS_H_
