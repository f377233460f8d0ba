#ifndef ESPALIER_SHADERS_PARAMS_CACHE_WRITE_H_
#define ESPALIER_SHADERS_PARAMS_CACHE_WRITE_H_
#include "params.h"

// cache_write: key and value rows to the cache row position · lane_count + lane.
ESP_PARAMS_BEGIN(CacheWriteParams)
  uint rows;
  uint columns;
  uint key_base;
  uint key_stride;
  uint value_base;
  uint value_stride;
  uint key_cache_base;
  uint key_cache_stride;
  uint value_cache_base;
  uint value_cache_stride;
  uint lane_count;
  uint positions_base;
  uint positions_stride;
  uint lanes_base;
  uint lanes_stride;
ESP_PARAMS_END(CacheWriteParams, 60)

#endif  // ESPALIER_SHADERS_PARAMS_CACHE_WRITE_H_
