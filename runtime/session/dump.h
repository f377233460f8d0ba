// Every stage of one utterance as tensors, and its n-best as JSON, under the names of
// reference/README.md: the debugging tool of whoever ports a model.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/search/beam_search.h"
#include "runtime/session/engine.h"

namespace espalier {

struct DumpOptions {
  std::string language = "eng";
  std::string task = "asr";
  std::optional<std::vector<int>> forced_ids;  // decoder input; default: the primer
  std::string out_path;                        // safetensors; empty: none
  std::string nbest_path;                      // JSON; empty: no search
  BeamOptions search;
  bool timestamps = false;
  std::optional<std::string> text_prev;
};

// Writes logmel, subsampled, embedded, enc_layer_i (and layer 0's modules), enc_out, ctc_logp,
// gate_logits_*, gates_*, dec_ids, dec_layer_i, dec_logits; then the hypotheses with yseq, score,
// scores, token_int, text, text_nospecial. Whisper models dump the stages they have; their n-best
// is kUnsupported. Errors: those of the model, the search and the files.
Status Dump(std::shared_ptr<Engine> engine, std::span<const float> samples,
            const DumpOptions& options, const std::stop_token& stop);

}  // namespace espalier
