// A gate pack put onto its base: predictor, changed weights, input rule.
#pragma once

#include <optional>

#include "runtime/base/status.h"
#include "runtime/checkpoint/gate_pack.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/checkpoint/tensor_store.h"

namespace espalier {

struct AttachOptions {
  std::optional<double> budget;  // absent: the pack's default
  int threads = 0;               // for adding the deltas; 0: one per processor
};

struct AttachedPack {
  std::string folder;
  std::string budget;         // its name in the pack
  int changed_tensors = 0;    // of the base
  int64_t changed_bytes = 0;  // their size: what a pack costs in memory
  double attach_s = 0;        // all of AttachGatePack
};

// Checks `pack` against its base and then changes `config` (gate, true_length) and `store`: the
// chosen predictor's tensors are added, every tensor with a delta is replaced by
// W + b·a (delta.NAME.b, delta.NAME.a) or w + add (add.NAME), computed in f32 and stored in the
// base's own element type; all others stay views into the mapped file.
// Errors, before anything is changed: kCorrupt (another base: both fingerprints and what to do; a
// predictor's tensor that is missing; unknown names, wrong shapes, values that are no numbers),
// kInvalidArgument (another family, no such budget), kUnsupported (a base tensor that is neither
// f32 nor f16).
Result<AttachedPack> AttachGatePack(const GatePack& pack, const AttachOptions& options,
                                    ModelConfig* config, TensorStore* store);

}  // namespace espalier
