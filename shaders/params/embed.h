#ifndef ESPALIER_SHADERS_PARAMS_EMBED_H_
#define ESPALIER_SHADERS_PARAMS_EMBED_H_
#include "params.h"

// The table is packed as a matrix of a Linear is: depth = column, its rows are the panels' columns.
// This chunk of it holds the tokens [token_begin, token_begin + token_count).
ESP_PARAMS_BEGIN(EmbedParams)
  uint rows;
  uint columns;
  uint tokens_base;
  uint tokens_stride;
  uint positions_base;
  uint positions_stride;
  uint token_begin;
  uint token_count;
  uint out_base;
  uint out_stride;
  float scale;
ESP_PARAMS_END(EmbedParams, 44)

#endif  // ESPALIER_SHADERS_PARAMS_EMBED_H_
