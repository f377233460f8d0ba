// Launchers of the CUDA kernels: what runtime/backend/cuda calls. Plain parameters, no plans.
//
// A launcher only puts its kernel on the stream; an error is cudaGetLastError's. All matrices are
// row-major. Sums, softmax and statistics are f32. Nothing is written outside the rows and columns
// of an output. Limits are the backend's to keep and stated at each struct.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace espalier::cuda {

// A row count: fixed, or read by the kernel because it is known only when the graph runs.
struct Rows {
  const int32_t* at = nullptr;  // device memory; null: `most` is the count
  int32_t most = 0;             // what the launch is made for
};

// Rows `stride` elements apart.
template <typename T>
struct Window {
  T* data = nullptr;
  int32_t stride = 0;
};

enum class Storage : uint8_t { kF32, kF16, kBF16, kI8 };

// Rows of f32 or f16 numbers, `stride` elements apart. What is written as f16 is rounded; beyond
// its largest number it becomes that.
struct Numbers {
  void* data = nullptr;
  int32_t stride = 0;
  Storage storage = Storage::kF32;
};

enum class Activation : uint8_t { kNone, kRelu, kSwish, kGelu };  // in the order of graph/refs.h

// (columns of the result, depth), rows 16-byte aligned and filled up with zeros.
struct Matrix {
  const void* data = nullptr;
  int32_t stride = 0;  // elements
  Storage storage = Storage::kF32;
  const float* row_scales = nullptr;  // of i8
};

// What follows a product: out = residual + scale · act(sum · row_scale + bias).
struct Epilogue {
  const float* bias = nullptr;
  Activation activation = Activation::kNone;
  float scale = 1.0f;
  Window<const float> residual = {};
  Numbers output = {};
  int32_t columns = 0;  // of the product; position f of an output row begins at column f · columns
};

// The left factor: a matrix, or windows of one (a convolution as a product). Row m = t · positions
// + f consists of `segments` runs of `segment_length` neighbouring elements: run s lies in input
// row t · row_step + s - padding from column f · position_step on; rows outside read as zero. A
// plain matrix has one position and one segment.
struct Windows {
  Window<const float> input = {};
  Rows rows = {};        // t
  Rows input_rows = {};  // of `input`
  int32_t positions = 1;
  int32_t row_step = 1, padding = 0, position_step = 0;
  int32_t segments = 1, segment_length = 0;
};

// Own product for any storage and shape (gemm.cu); of a plain matrix for up to kGemvRows rows
// (gemv.cu), and on the tensor cores for weights that are not f32, to whose type the left factor is
// rounded, to f16 for i8 (gemm_tensor.cu).
struct GemmParams {
  Windows left;
  Matrix right;
  Epilogue epilogue;
};
inline constexpr int kGemvRows = 8;
void LaunchGemm(const GemmParams& params, cudaStream_t stream);
void LaunchGemv(const GemmParams& params, cudaStream_t stream);
void LaunchGemmTensor(const GemmParams& params, cudaStream_t stream);

// Around cuBLASLt: rows [first, first + count) of the left factor as 16-bit or f32 rows, `stride`
// elements apart and filled up with zeros; then the epilogue over sums of that many rows, whose
// row_scale is 1.
struct PackRowsParams {
  Windows left;
  void* output = nullptr;
  Storage storage = Storage::kF16;
  int32_t stride = 0;
  int32_t first = 0, count = 0;
};
struct EpilogueParams {
  Rows rows;  // t
  int32_t positions = 1;
  const float* sums = nullptr;  // (count, columns)
  int32_t first = 0, count = 0;
  Epilogue epilogue;
};
void LaunchPackRows(const PackRowsParams& params, cudaStream_t stream);
void LaunchEpilogue(const EpilogueParams& params, cudaStream_t stream);

// softmax(q · Kᵀ · scale) · V by head, heads side by side in the columns. `width` is that of one:
// at most kWidestTiledHead for LaunchAttention
// and LaunchAttentionTensor.
inline constexpr int kWidestTiledHead = 128;
struct AttentionParams {
  Rows rows;
  Window<const float> query;
  Numbers key, value;  // of one type
  Window<float> output;
  int32_t heads = 1, width = 0;
  float scale = 1.0f;
  Rows keys = {};  // without a cache
  // With a cache, instead: row r sees positions 0 … position[r]; position p of the hypothesis in
  // lane l is in row p · lane_count + history[l][p].
  Window<const int32_t> positions = {}, lanes = {}, history = {};
  int32_t lane_count = 0, position_count = 0;
};
// Keys in tiles, queries by the block (attention.cu).
void LaunchAttention(const AttentionParams& params, cudaStream_t stream);
// The same on the tensor cores, operands rounded to `factors`, f16 or bf16 (attention_tensor.cu).
void LaunchAttentionTensor(const AttentionParams& params, Storage factors, cudaStream_t stream);
// Keys split over blocks, few queries or a cache (attention_rows.cu). `parts`: scratch of
// AttentionPartBytes, unused (0) when one block takes all keys.
size_t AttentionPartBytes(const AttentionParams& params);
void LaunchAttentionRows(const AttentionParams& params, float* parts, cudaStream_t stream);

struct CacheWriteParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> key, value;
  Numbers key_cache, value_cache;  // of one type
  Window<const int32_t> positions, lanes;
  int32_t lane_count = 0;
};
void LaunchCacheWrite(const CacheWriteParams& params, cudaStream_t stream);

struct AttentionWeightsParams {
  Rows rows, keys;
  Window<const float> query;
  Numbers key;
  Window<float> weights;
  int32_t width = 0;
  float score_scale = 1.0f, weight_scale = 1.0f;
  bool accumulate = false;
};
void LaunchAttentionWeights(const AttentionWeightsParams& params, cudaStream_t stream);

struct LayerNormParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> input;
  const float *gamma = nullptr, *beta = nullptr;
  Window<float> output;
  float epsilon = 0.0f;
};
void LaunchLayerNorm(const LayerNormParams& params, cudaStream_t stream);

struct LogSoftmaxParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> input;
  Window<float> output;
};
void LaunchLogSoftmax(const LogSoftmaxParams& params, cudaStream_t stream);

// graph/ops/top_tokens.h.
struct TopTokensParams {
  Rows rows;
  int32_t columns = 0, count = 0;  // of each group
  int32_t split_begin = 0, split_end = 0, watched = 0;
  Window<const float> log_probs;
  Window<const int32_t> allowed;
  Window<int32_t> tokens;
  Window<float> scores;
};
void LaunchTopTokens(const TopTokensParams& params, cudaStream_t stream);

// graph/ops/ctc_prefix_score.h.
struct CtcPrefixScoreParams {
  Rows rows, steps;
  int32_t most_steps = 0;  // the state's rows from there on are those of paths that end in a blank
  int32_t candidates = 0;
  int32_t blank = 0, eos = 0;
  float log_zero = 0.0f;
  Window<const float> log_probs;
  Window<const int32_t> tokens, hypotheses;
  Window<float> state, scores;
};
void LaunchCtcPrefixScore(const CtcPrefixScoreParams& params, cudaStream_t stream);

struct DepthwiseConvParams {
  Rows rows;
  int32_t columns = 0, kernel = 1;  // kernel: at most kWidestDepthwise
  Window<const float> input;
  const float* weight = nullptr;  // (kernel, columns)
  const float* bias = nullptr;
  Window<const float> multiplier = {};
  bool add_input = false;
  Window<float> output;
};
inline constexpr int kWidestDepthwise = 255;
void LaunchDepthwiseConv(const DepthwiseConvParams& params, cudaStream_t stream);

struct EmbedParams {
  Rows rows;
  int32_t columns = 0;
  Window<const int32_t> tokens, positions = {};
  Matrix table;
  const float* position_table = nullptr;  // (positions, columns)
  Window<float> output;
  float scale = 1.0f;
};
void LaunchEmbed(const EmbedParams& params, cudaStream_t stream);

struct AddPositionsParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> input;
  const float* table = nullptr;  // (rows, columns)
  Window<float> output;
  float scale = 1.0f;
};
void LaunchAddPositions(const AddPositionsParams& params, cudaStream_t stream);

struct ColumnAffineParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> input;
  const float *scale = nullptr, *shift = nullptr;  // either may be missing
  Window<float> output;
};
void LaunchColumnAffine(const ColumnAffineParams& params, cudaStream_t stream);

struct GatherRowsParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> input;
  Window<const int32_t> indices;
  Window<float> output;
};
void LaunchGatherRows(const GatherRowsParams& params, cudaStream_t stream);

struct GatherColumnsParams {
  Rows rows;
  int32_t columns = 0;
  Window<const float> input;
  const int32_t* indices = nullptr;
  Window<float> output;
};
void LaunchGatherColumns(const GatherColumnsParams& params, cudaStream_t stream);

struct MeanPoolParams {
  Rows rows;  // of the input
  int32_t columns = 0;
  Window<const float> input;
  float* output = nullptr;
};
void LaunchMeanPool(const MeanPoolParams& params, cudaStream_t stream);

}  // namespace espalier::cuda
