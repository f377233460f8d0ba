#ifndef ESPALIER_SHADERS_PARAMS_TOP_TOKENS_H_
#define ESPALIER_SHADERS_PARAMS_TOP_TOKENS_H_
#include "params.h"

ESP_PARAMS_BEGIN(TopTokensParams)
uint rows;
uint columns;
uint count;
uint split_begin;
uint split_end;
uint watched;
uint in_base;
uint in_stride;
uint allowed_base;
uint allowed_stride;
uint tokens_base;
uint tokens_stride;
uint scores_base;
uint scores_stride;
ESP_PARAMS_END(TopTokensParams, 56)

#endif  // ESPALIER_SHADERS_PARAMS_TOP_TOKENS_H_
