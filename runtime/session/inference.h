// The device side of one stream: features in, encoder output and next-token scores out.
//
// Goals: the one place that binds buffers to stages and switches plans when the gates change; the
// search sees it as a TokenScorer. Non-goals: text, times, windows (transcriber.h).
#pragma once

#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "runtime/search/scorer.h"
#include "runtime/session/engine.h"
#include "runtime/session/transcript.h"

namespace espalier {

struct InferenceOptions {
  bool taps = false;                                      // keep intermediates for dumps
  bool all_logits = false;                                // log-probs of every prompt row
  bool alignment = false;                                 // see set_alignment
  std::vector<std::pair<int, int>> alignment_heads = {};  // instead of the model's
  int ctc_candidates = 0;                                 // see ScoreByCtc
  std::shared_ptr<const TokenSubset> tokens = nullptr;    // see ScoreOnly
};

// One stream; not thread-safe. Several may share an Engine and run at once.
class Inference final : public TokenScorer {
 public:
  Inference(std::shared_ptr<Engine> engine, const InferenceOptions& options);

  // Checked between ops of every run from here on.
  void set_stop(const std::stop_token& stop) { stop_ = stop; }

  // Stem: features (frames, mels) of one window, after the family's normalisation.
  // Errors: kInvalidArgument (too short or too long), kCancelled, those of building the plan.
  Status Embed(std::span<const float> features);

  // One look of the gate predictor at the embedded window (spec §11). Indices are rows of the
  // embeddings: positions in GateConfig::languages and tasks.
  Result<GateMask> LookAtGates(int language, int task);
  // (layer, module, 2) of the last look, encoder first.
  Result<std::vector<float>> GateLogits();

  // Encoder and source keys/values of the embedded window under `gates`. Plans are compiled when a
  // mask is seen for the first time and kept by the engine.
  Status Encode(const GateMask& gates);

  // This stream on the CPU (Engine::OnCpu): nothing embedded, its stop token and options kept, its
  // timings counted on. Errors: those of Engine::OnCpu.
  Result<std::unique_ptr<Inference>> OnCpu() const;

  const std::shared_ptr<Engine>& engine() const { return engine_; }
  int encoder_steps() const { return steps_; }
  const GateMask& gates() const { return gates_; }

  // How many of a row's choices get CTC prefix scores from the next StartAndPick on; 0: none.
  // Errors: kUnsupported when the model has no CTC, those of building the plan.
  Status ScoreByCtc(int candidate_count);

  // From the next Encode on the decoder scores these tokens, the others are -inf and the softmax is
  // without them; null: all. The end token and every other symbol must be among them. CTC's
  // log-probabilities stay those of all.
  void ScoreOnly(std::shared_ptr<const TokenSubset> tokens) { options_.tokens = std::move(tokens); }

  // (encoder_steps, vocabulary) CTC log-probabilities of the encoded window, on the host; valid
  // until the next Encode. Errors: kUnsupported when the model has no CTC.
  Result<std::span<const float>> CtcLogProbs();

  // Whether AlignmentRow may be asked for, from the next Encode on.
  void set_alignment(bool wanted) { options_.alignment = wanted; }

  // Other heads for AlignmentRow from the next Start on, empty: the model's. The encoded window
  // stays. Errors: those of building the plan.
  Status AlignBy(std::vector<std::pair<int, int>> heads);

  int vocabulary_size() const override { return engine_->config().vocabulary_size; }
  int max_hypotheses() const override { return engine_->beam_size_max(); }
  int max_positions() const override { return sizes_.positions; }
  int ctc_candidate_count() const override { return options_.ctc_candidates; }
  Status Start(std::span<const int> prompt, std::span<const int> rows,
               std::span<float> log_probs) override;
  Status Advance(std::span<const int> parents, std::span<const int> tokens,
                 std::span<float> log_probs) override;
  Status StartAndPick(std::span<const int> prompt, std::span<const int32_t> allowed,
                      const TokenGroups& groups, TokenChoices* choices) override;
  Status AdvanceAndPick(const SearchStep& step, const TokenGroups& groups,
                        TokenChoices* choices) override;

  // What row `row` of the last Start (a position of the prompt) or Advance (a hypothesis) looked at
  // in the encoded window: (encoder_steps) weights, the mean over the alignment heads, which sum to
  // 1. They belong to the token that is predicted after that row. Valid until the next Start or
  // Advance. Errors: kUnsupported (the gates closed every source attention, or
  // InferenceOptions::alignment is off), kInternal (no such row).
  Result<std::span<const float>> AlignmentRow(int row);
  // Whether AlignmentRow has anything to give under the present gates.
  bool HasAlignment() const;

  // For dumps: an external buffer by name ("embedded", "enc_out"), and all taps of a stage.
  Result<std::vector<float>> ReadExternal(const std::string& name, int rows, int columns);
  Result<std::map<std::string, std::vector<float>>> ReadTaps(Stage stage);

  // Seconds and counts since construction; features, search, load and total are the caller's.
  const Timings& timings() const { return timings_; }

 private:
  struct BoundStage {
    std::shared_ptr<Executable> executable;
    std::unique_ptr<ExecutionState> state;
  };

  // Adds to Timings::device_steps what the device does until it goes out of scope.
  class StepCounter {
   public:
    explicit StepCounter(Inference* inference)
        : inference_(*inference), before_(inference_.engine_->backend().counters()) {}
    ~StepCounter() {
      inference_.timings_.device_steps += inference_.engine_->backend().counters().Since(before_);
    }
    StepCounter(const StepCounter&) = delete;
    StepCounter& operator=(const StepCounter&) = delete;

   private:
    Inference& inference_;
    DeviceCounters before_;
  };

  Status BindStage(Stage stage);
  Status RunStage(Stage stage, std::span<const int32_t> lengths, double* seconds);
  // Writes what the decoder reads for a prompt, and for the next token of each hypothesis.
  Status FeedPrompt(std::span<const int> prompt, std::span<const int> rows);
  Status FeedTokens(std::span<const int> parents, std::span<const int> tokens);
  Status RunDecoder(int rows, int logit_rows);
  // The CTC log-probabilities of the encoded window on the device, once per window.
  Status RunCtc();
  // What CTC's scores read for each logit row: nothing to score, a primer, or hypotheses.
  Status SkipCtc(size_t rows);
  Status FeedCtcPrimer(int last_token);
  Status FeedCtc(const SearchStep& step);
  Status CheckChoices(const TokenGroups& groups, const TokenChoices& choices) const;
  Status ReadChoices(size_t rows, TokenChoices* choices) const;
  Status ReadExternal(const std::string& name, std::span<std::byte> bytes) const;
  Result<Buffer*> NamedBuffer(const std::string& name, int64_t size_bytes);
  Status WriteInts(const char* name, std::span<const int32_t> values);
  Status WriteHistory(int hypothesis_count, int position_count);
  StageOptions OptionsOf() const;
  int64_t BoundWeightBytes() const;

  std::shared_ptr<Engine> engine_;
  InferenceOptions options_;
  StageSizes sizes_;
  std::stop_token stop_;
  std::map<std::string, std::unique_ptr<Buffer>> buffers_;
  std::map<Stage, BoundStage> stages_;
  GateMask gates_;
  int steps_ = 0;
  bool encoded_ = false;
  bool ctc_ready_ = false;
  int position_ = 0;  // tokens of every hypothesis so far
  // (lanes, positions): which lane holds each position of a hypothesis (CachedAttentionOp).
  std::vector<int32_t> history_, next_history_;
  std::vector<int32_t> ints_;  // scratch of max_positions
  std::vector<float> ctc_;
  std::vector<int32_t> ctc_hypotheses_;  // (logit rows, kCtcHypothesisColumns)
  int32_t ctc_first_ = 0;                // column of ctc_state where the last run's states begin
  int decoder_rows_ = 0;                 // of the last run
  std::vector<int32_t> resolved_;        // row counts of the run at hand
  std::vector<float> alignment_row_;
  Timings timings_;
};

}  // namespace espalier
