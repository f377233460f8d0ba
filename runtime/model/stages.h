// The stages of a model as plans (design: the way of the data). Both families make the same stages.
//
//   stem        features            → embedded
//   gates       embedded, context   → gate_logits               (models with a gate predictor)
//   encoder     embedded            → enc_out
//   ctc         enc_out             → ctc_logp                  (models with CTC)
//   source      enc_out             → source_key.i, source_value.i of the open layers
//   decoder     tokens …, allowed   → log_probs, choice_tokens and choice_scores of the same rows;
//                                     on request alignment, and with ctc_logp, ctc_hypotheses and
//                                     ctc_state the choices' ctc_scores; of a subset of the tokens
//                                     with token_columns (TokenColumns)
//
// External slots are bound by these names. A closed gate's module is in no plan: no op, no cache
// slot, no weight. Dense is the full mask, not another path.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/graph/plan.h"
#include "runtime/model/gates.h"
#include "runtime/model/weights.h"

namespace espalier {

enum class Stage { kStem, kGates, kEncoder, kCtc, kSource, kDecoder };

// The tokens whose scores an output layer gives; all others score -inf and their weights are not
// read. The softmax is over these alone.
struct TokenSubset {
  std::string name;          // no other subset of the model has it
  std::vector<int32_t> ids;  // rising
};

struct StageOptions {
  GateMask gates;
  int lane_count = 8;       // hypotheses of one decoder state
  bool taps = false;        // keep intermediates for a dump
  bool all_logits = false;  // decoder: log_probs for every row of a prompt, not only lane_count
  bool alignment = false;   // decoder: also `alignment`, what the rows look at (alignment.h)
  std::vector<std::pair<int, int>> alignment_heads = {};  // instead of the model's
  // Decoder: CTC prefix scores of this many of a row's choices (graph/ops/ctc_prefix_score.h).
  int ctc_candidates = 0;
  std::shared_ptr<const TokenSubset> tokens = nullptr;  // decoder: null: the whole vocabulary
};

// Largest sizes of a model's windows, from its configuration.
struct StageSizes {
  int32_t frames = 0;     // log-mel frames of one window
  int32_t steps = 0;      // encoder steps of one window
  int32_t positions = 0;  // decoder positions, prompt included
};
StageSizes SizesOf(const ModelConfig& config);

// The groups of tokens that the decoder's choices come in (graph/ops/top_tokens.h): times are
// [times_begin, times_end); the end token is watched.
struct TokenSplit {
  int32_t times_begin = 0;
  int32_t times_end = 0;
  int32_t end_token = 0;
};
TokenSplit TokenSplitOf(const ModelConfig& config);
// Tokens of each group in a row of choices: enough for any search that is `lane_count` wide.
inline int32_t ChoiceCount(int lane_count) { return 2 * lane_count; }

// Columns of `ctc_state`: every candidate of every hypothesis, twice, so that a step reads what the
// step before wrote while it writes its own.
inline int32_t CtcStateCount(int lane_count, int ctc_candidates) {
  return 2 * lane_count * ctc_candidates;
}

// `token_columns` for a decoder of `tokens`: the place of every token of the vocabulary among them,
// -1 for those that are not.
std::vector<int32_t> TokenColumns(const TokenSubset& tokens, int32_t vocabulary_size);

// Errors: kCorrupt (a tensor is missing or has another shape; the message names it), kUnsupported
// (the model has no such stage).
Result<std::shared_ptr<const Plan>> BuildStage(Stage stage, const ModelConfig& config,
                                               std::shared_ptr<const Weights> weights,
                                               const StageOptions& options);

}  // namespace espalier
