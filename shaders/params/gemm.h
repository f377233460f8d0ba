#ifndef ESPALIER_SHADERS_PARAMS_GEMM_H_
#define ESPALIER_SHADERS_PARAMS_GEMM_H_
#include "params.h"

// Elements of the depth that gemm_cooperative stages at a time: a multiple of its matrices' k.
#define ESP_COOPERATIVE_DEPTH 32u

// The matrix products: D = residual + scale · act(A · W + bias), with A a matrix or, for a
// convolution, windows of one (implicit GEMM). Output position m = t · positions + f reads segments
// s = 0 … of `segment_length` neighbouring elements each, segment s from input row
// t · row_step + s - padding, beginning at column f · position_step. A plain matrix has one position
// a row and one segment. Depth k of the packed weights is s · segment_length + element.
ESP_PARAMS_BEGIN(GemmParams)
  uint rows;            // t: row count of the output
  uint positions;       // f: positions of an output row
  uint in_rows;         // row count of the input; rows outside read as zero
  uint in_base;         // elements
  uint in_stride;       // elements between rows
  uint row_step;
  uint padding;
  uint position_step;   // elements
  uint segments;
  uint segment_length;  // elements
  uint out_base;        // elements, of this chunk's first column
  uint out_stride;
  uint out_step;        // elements between positions of a row
  uint residual_base;
  uint residual_stride;
  uint columns;         // of this chunk
  uint bias_base;       // this chunk's first column in bias and weight scales
  float scale;
ESP_PARAMS_END(GemmParams, 72)

#endif  // ESPALIER_SHADERS_PARAMS_GEMM_H_
