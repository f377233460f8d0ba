#include "runtime/session/inference.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "runtime/base/clock.h"
#include "runtime/base/string_format.h"
#include "runtime/graph/cost.h"
#include "runtime/model/alignment.h"

namespace espalier {
namespace {

// Row counts of a plan by name: the caller-given lengths in order.
int32_t StepsAfter(const Plan& plan, int32_t frames) {
  std::vector<int32_t> lengths(plan.lengths.size());
  if (!plan.ResolveLengths(std::array{frames}, lengths).ok()) return 0;
  return lengths.back();
}

}  // namespace

Inference::Inference(std::shared_ptr<Engine> engine, const InferenceOptions& options)
    : engine_(std::move(engine)),
      options_(options),
      sizes_(SizesOf(engine_->config())),
      gates_(AllOpen(engine_->config())),
      history_(static_cast<size_t>(sizes_.positions) *
               static_cast<size_t>(engine_->beam_size_max())),
      next_history_(history_.size()),
      ints_(static_cast<size_t>(std::max(sizes_.positions, engine_->beam_size_max()))) {
  timings_.gate_count = gates_.gate_count();
}

Result<std::unique_ptr<Inference>> Inference::OnCpu() const {
  ESP_ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, engine_->OnCpu());
  auto inference = std::make_unique<Inference>(std::move(engine), options_);
  inference->stop_ = stop_;
  inference->timings_ = timings_;
  inference->timings_.device_steps = {};  // of another device
  return inference;
}

StageOptions Inference::OptionsOf() const {
  return {.gates = gates_,
          .lane_count = engine_->beam_size_max(),
          .taps = options_.taps,
          .all_logits = options_.all_logits,
          .alignment = options_.alignment,
          .alignment_heads = options_.alignment_heads,
          .ctc_candidates = options_.ctc_candidates,
          .tokens = options_.tokens};
}

Result<Buffer*> Inference::NamedBuffer(const std::string& name, int64_t size_bytes) {
  std::unique_ptr<Buffer>& buffer = buffers_[name];
  if (buffer == nullptr || buffer->size_bytes() < static_cast<size_t>(size_bytes)) {
    ESP_ASSIGN_OR_RETURN(buffer, engine_->backend().Allocate(static_cast<size_t>(size_bytes)));
  }
  return buffer.get();
}

Status Inference::BindStage(Stage stage) {
  const Stopwatch watch;
  ESP_ASSIGN_OR_RETURN(std::shared_ptr<Executable> executable,
                       engine_->plans().Get(stage, OptionsOf()));
  const auto known = stages_.find(stage);
  if (known != stages_.end() && known->second.executable == executable) return OkStatus();
  const Plan& plan = executable->plan();
  std::vector<Buffer*> externals(static_cast<size_t>(plan.external_count));
  for (const Slot& slot : plan.slots) {
    if (slot.external < 0) continue;
    ESP_ASSIGN_OR_RETURN(externals[static_cast<size_t>(slot.external)],
                         NamedBuffer(slot.name, plan.MaxBytes(slot)));
  }
  BoundStage bound;
  ESP_ASSIGN_OR_RETURN(bound.state, executable->Bind(externals));
  bound.executable = std::move(executable);
  if (stage == Stage::kDecoder && options_.tokens != nullptr) {
    ESP_RETURN_IF_ERROR(
        WriteInts("token_columns", TokenColumns(*options_.tokens, vocabulary_size())));
  }
  stages_[stage] = std::move(bound);  // only what is whole: a stage that failed is bound anew
  timings_.weight_bytes_touched = BoundWeightBytes();
  timings_.plan_s += watch.Seconds();
  return OkStatus();
}

int64_t Inference::BoundWeightBytes() const {
  int64_t bytes = 0;
  for (const auto& entry : stages_) bytes += WeightBytes(entry.second.executable->plan());
  return bytes;
}

Status Inference::RunStage(Stage stage, std::span<const int32_t> lengths, double* seconds) {
  const Stopwatch watch;
  const BoundStage& bound = stages_[stage];
  const Status status = bound.state->Run(lengths, stop_);
  *seconds += watch.Seconds();
  const Plan& plan = bound.executable->plan();
  resolved_.resize(plan.lengths.size());
  if (status.ok() && plan.ResolveLengths(lengths, resolved_).ok()) {
    int64_t& work =
        stage == Stage::kDecoder ? timings_.decoder_multiply_adds : timings_.encoder_multiply_adds;
    work += PlanMultiplyAdds(plan, resolved_, position_);
  }
  return status;
}

Status Inference::Embed(std::span<const float> features) {
  const int mels = engine_->config().frontend.mel_count;
  const auto frames = static_cast<int32_t>(features.size() / static_cast<size_t>(mels));
  ESP_RETURN_IF_ERROR(BindStage(Stage::kStem));
  const Plan& plan = stages_[Stage::kStem].executable->plan();
  if (frames > sizes_.frames) {
    return InvalidArgument(
        StrFormat("a window of %d frames; the model holds %d", frames, sizes_.frames));
  }
  ESP_ASSIGN_OR_RETURN(Buffer * buffer, NamedBuffer("features", 0));
  ESP_RETURN_IF_ERROR(buffer->Write(0, std::as_bytes(features)));
  ESP_RETURN_IF_ERROR(RunStage(Stage::kStem, std::array{frames}, &timings_.encoder_s));
  steps_ = StepsAfter(plan, frames);
  encoded_ = ctc_ready_ = false;
  ++timings_.window_count;
  timings_.encoder_steps += steps_;
  return OkStatus();
}

Result<GateMask> Inference::LookAtGates(int language, int task) {
  ESP_RETURN_IF_ERROR(BindStage(Stage::kGates));
  ESP_RETURN_IF_ERROR(WriteInts("gate_language", std::array{int32_t{language}}));
  ESP_RETURN_IF_ERROR(WriteInts("gate_task", std::array{int32_t{task}}));
  ESP_RETURN_IF_ERROR(RunStage(Stage::kGates, std::array{int32_t{steps_}}, &timings_.gates_s));
  ESP_ASSIGN_OR_RETURN(const std::vector<float> logits, GateLogits());
  GateMask mask = AllOpen(engine_->config());
  size_t at = 0;
  for (GateTable* table : {&mask.encoder, &mask.decoder}) {
    for (uint8_t& open : table->open) {
      open = logits[at + 1] > logits[at] ? 1 : 0;  // a tie is closed (spec §11.3)
      at += 2;
    }
  }
  return mask;
}

Result<std::vector<float>> Inference::GateLogits() {
  return ReadExternal("gate_logits", 1, 2 * AllOpen(engine_->config()).gate_count());
}

Status Inference::Encode(const GateMask& gates) {
  gates_ = gates;
  timings_.closed_gate_count = gates.closed_count();
  ESP_RETURN_IF_ERROR(BindStage(Stage::kEncoder));
  ESP_RETURN_IF_ERROR(BindStage(Stage::kSource));
  ESP_RETURN_IF_ERROR(BindStage(Stage::kDecoder));
  const std::array lengths{int32_t{steps_}};
  ESP_RETURN_IF_ERROR(RunStage(Stage::kEncoder, lengths, &timings_.encoder_s));
  ESP_RETURN_IF_ERROR(RunStage(Stage::kSource, lengths, &timings_.encoder_s));
  encoded_ = true;
  ctc_ready_ = false;
  return OkStatus();
}

Status Inference::RunCtc() {
  if (!encoded_) return Internal("CTC before an encoded window");
  if (ctc_ready_) return OkStatus();
  ESP_RETURN_IF_ERROR(BindStage(Stage::kCtc));
  ESP_RETURN_IF_ERROR(RunStage(Stage::kCtc, std::array{int32_t{steps_}}, &timings_.encoder_s));
  ctc_ready_ = true;
  return OkStatus();
}

Result<std::span<const float>> Inference::CtcLogProbs() {
  ESP_RETURN_IF_ERROR(RunCtc());
  const auto count = static_cast<size_t>(steps_) * static_cast<size_t>(vocabulary_size());
  ESP_ASSIGN_OR_RETURN(Buffer * buffer, NamedBuffer("ctc_logp", 0));
  if (const std::byte* host = buffer->host(); host != nullptr) {
    return std::span<const float>(reinterpret_cast<const float*>(host), count);
  }
  ctc_.resize(count);
  ESP_RETURN_IF_ERROR(buffer->Read(0, std::as_writable_bytes(std::span(ctc_))));
  return std::span<const float>(ctc_);
}

Status Inference::ScoreByCtc(int candidate_count) {
  options_.ctc_candidates = candidate_count;
  return encoded_ ? BindStage(Stage::kDecoder) : OkStatus();
}

Status Inference::WriteInts(const char* name, std::span<const int32_t> values) {
  const auto found = buffers_.find(name);
  if (found == buffers_.end()) return Internal(std::string("no buffer ") + name);
  return found->second->Write(0, std::as_bytes(values));
}

Status Inference::WriteHistory(int hypothesis_count, int position_count) {
  Buffer& buffer = *buffers_.find("history")->second;
  const auto stride = static_cast<size_t>(sizes_.positions);
  for (size_t lane = 0; lane < static_cast<size_t>(hypothesis_count); ++lane) {
    const std::span<const int32_t> row(history_.data() + lane * stride,
                                       static_cast<size_t>(position_count));
    ESP_RETURN_IF_ERROR(buffer.Write(lane * stride * sizeof(int32_t), std::as_bytes(row)));
  }
  return OkStatus();
}

Status Inference::RunDecoder(int rows, int logit_rows) {
  const std::array<int32_t, 3> lengths{rows, steps_, logit_rows};
  ESP_RETURN_IF_ERROR(RunStage(Stage::kDecoder, lengths, &timings_.decoder_s));
  ++timings_.token_count;
  decoder_rows_ = rows;
  return OkStatus();
}

Status Inference::ReadExternal(const std::string& name, std::span<std::byte> bytes) const {
  const auto found = buffers_.find(name);
  if (found == buffers_.end()) return Internal("no buffer " + name);
  return found->second->Read(0, bytes);
}

Status Inference::SkipCtc(size_t rows) {
  if (options_.ctc_candidates == 0) return OkStatus();
  ctc_hypotheses_.assign(rows * kCtcHypothesisColumns, 0);
  return WriteInts("ctc_hypotheses", ctc_hypotheses_);
}

Status Inference::FeedCtcPrimer(int last_token) {
  if (options_.ctc_candidates == 0) return OkStatus();
  ctc_first_ = 0;
  std::array<int32_t, kCtcHypothesisColumns> primer;
  primer[kCtcParent] = -1;
  primer[kCtcFirst] = ctc_first_;
  primer[kCtcLastToken] = last_token;
  primer[kCtcLength] = position_;
  return WriteInts("ctc_hypotheses", primer);
}

Status Inference::FeedCtc(const SearchStep& step) {
  if (options_.ctc_candidates == 0) return OkStatus();
  const int32_t before = ctc_first_;
  const int32_t half = CtcStateCount(engine_->beam_size_max(), options_.ctc_candidates) / 2;
  ctc_first_ = half - before;
  ctc_hypotheses_.resize(step.tokens.size() * kCtcHypothesisColumns);
  for (size_t i = 0; i < step.tokens.size(); ++i) {
    int32_t* const row = ctc_hypotheses_.data() + i * kCtcHypothesisColumns;
    row[kCtcParent] = before + step.parents[i] * options_.ctc_candidates + step.picks[i];
    row[kCtcFirst] = ctc_first_ + static_cast<int32_t>(i) * options_.ctc_candidates;
    row[kCtcLastToken] = step.tokens[i];
    row[kCtcLength] = position_;
  }
  return WriteInts("ctc_hypotheses", ctc_hypotheses_);
}

Status Inference::FeedPrompt(std::span<const int> prompt, std::span<const int> rows) {
  if (!encoded_) return Internal("decoding before an encoded window");
  const auto count = static_cast<int>(prompt.size());
  if (count < 1 || count > sizes_.positions) {
    return InvalidArgument(
        StrFormat("a prompt of %d tokens; the model takes 1 to %d", count, sizes_.positions));
  }
  for (const int token : prompt) {
    if (token < 0 || token >= vocabulary_size()) {
      return InvalidArgument(
          StrFormat("token %d is not in the vocabulary of %d", token, vocabulary_size()));
    }
  }
  const std::span<int32_t> scratch(ints_.data(), prompt.size());
  std::copy(prompt.begin(), prompt.end(), scratch.begin());
  ESP_RETURN_IF_ERROR(WriteInts("tokens", scratch));
  std::iota(scratch.begin(), scratch.end(), 0);
  ESP_RETURN_IF_ERROR(WriteInts("token_positions", scratch));
  std::fill(scratch.begin(), scratch.end(), 0);
  ESP_RETURN_IF_ERROR(WriteInts("lanes", scratch));
  std::fill_n(history_.begin(), prompt.size(), 0);
  ESP_RETURN_IF_ERROR(WriteHistory(1, count));
  for (size_t i = 0; i < rows.size(); ++i) ints_[i] = std::clamp(rows[i], 0, count - 1);
  ESP_RETURN_IF_ERROR(WriteInts("logit_indices", std::span(ints_.data(), rows.size())));
  position_ = count;
  return OkStatus();
}

Status Inference::Start(std::span<const int> prompt, std::span<const int> rows,
                        std::span<float> log_probs) {
  const StepCounter counter(this);
  ESP_RETURN_IF_ERROR(FeedPrompt(prompt, rows));
  ESP_RETURN_IF_ERROR(SkipCtc(rows.size()));
  ESP_RETURN_IF_ERROR(RunDecoder(static_cast<int>(prompt.size()), static_cast<int>(rows.size())));
  return ReadExternal("log_probs", std::as_writable_bytes(log_probs));
}

Status Inference::StartAndPick(std::span<const int> prompt, std::span<const int32_t> allowed,
                               const TokenGroups& groups, TokenChoices* choices) {
  ESP_RETURN_IF_ERROR(CheckChoices(groups, *choices));
  if (options_.ctc_candidates > 0) ESP_RETURN_IF_ERROR(RunCtc());
  const StepCounter counter(this);
  const auto count = static_cast<int>(prompt.size());
  ESP_RETURN_IF_ERROR(FeedPrompt(prompt, std::array{count - 1}));
  ESP_RETURN_IF_ERROR(WriteInts("allowed", allowed));
  ESP_RETURN_IF_ERROR(FeedCtcPrimer(prompt.back()));
  ESP_RETURN_IF_ERROR(RunDecoder(count, 1));
  return ReadChoices(1, choices);
}

Status Inference::FeedTokens(std::span<const int> parents, std::span<const int> tokens) {
  if (position_ >= sizes_.positions) {
    return Exhausted(StrFormat("the decoder's %d positions are used up", sizes_.positions));
  }
  const auto stride = static_cast<size_t>(sizes_.positions);
  for (size_t lane = 0; lane < tokens.size(); ++lane) {
    const int32_t* parent = history_.data() + static_cast<size_t>(parents[lane]) * stride;
    std::copy_n(parent, position_, next_history_.data() + lane * stride);
    next_history_[lane * stride + static_cast<size_t>(position_)] = static_cast<int32_t>(lane);
  }
  history_.swap(next_history_);
  const std::span<int32_t> scratch(ints_.data(), tokens.size());
  std::copy(tokens.begin(), tokens.end(), scratch.begin());
  ESP_RETURN_IF_ERROR(WriteInts("tokens", scratch));
  std::fill(scratch.begin(), scratch.end(), position_);
  ESP_RETURN_IF_ERROR(WriteInts("token_positions", scratch));
  std::iota(scratch.begin(), scratch.end(), 0);
  ESP_RETURN_IF_ERROR(WriteInts("lanes", scratch));
  ESP_RETURN_IF_ERROR(WriteInts("logit_indices", scratch));
  ++position_;
  return WriteHistory(static_cast<int>(tokens.size()), position_);
}

Status Inference::Advance(std::span<const int> parents, std::span<const int> tokens,
                          std::span<float> log_probs) {
  const StepCounter counter(this);
  const auto count = static_cast<int>(tokens.size());
  ESP_RETURN_IF_ERROR(FeedTokens(parents, tokens));
  ESP_RETURN_IF_ERROR(SkipCtc(tokens.size()));
  ESP_RETURN_IF_ERROR(RunDecoder(count, count));
  return ReadExternal("log_probs", std::as_writable_bytes(log_probs));
}

Status Inference::CheckChoices(const TokenGroups& groups, const TokenChoices& choices) const {
  const TokenSplit split = TokenSplitOf(engine_->config());
  if (groups != TokenGroups{split.times_begin, split.times_end, split.end_token} ||
      choices.count() != ChoiceCount(engine_->beam_size_max()) ||
      choices.ctc_count() != options_.ctc_candidates) {
    return Internal("a search whose choices are not those of the model's plan");
  }
  return OkStatus();
}

Status Inference::ReadChoices(size_t rows, TokenChoices* choices) const {
  ESP_RETURN_IF_ERROR(ReadExternal("choice_tokens", std::as_writable_bytes(choices->tokens(rows))));
  ESP_RETURN_IF_ERROR(ReadExternal("choice_scores", std::as_writable_bytes(choices->scores(rows))));
  if (options_.ctc_candidates == 0) return OkStatus();
  return ReadExternal("ctc_scores", std::as_writable_bytes(choices->ctc_scores(rows)));
}

Status Inference::AdvanceAndPick(const SearchStep& step, const TokenGroups& groups,
                                 TokenChoices* choices) {
  const StepCounter counter(this);
  ESP_RETURN_IF_ERROR(CheckChoices(groups, *choices));
  const auto count = static_cast<int>(step.tokens.size());
  ESP_RETURN_IF_ERROR(FeedTokens(step.parents, step.tokens));
  ESP_RETURN_IF_ERROR(WriteInts("allowed", step.allowed));
  ESP_RETURN_IF_ERROR(FeedCtc(step));
  ESP_RETURN_IF_ERROR(RunDecoder(count, count));
  return ReadChoices(step.tokens.size(), choices);
}

Status Inference::AlignBy(std::vector<std::pair<int, int>> heads) {
  options_.alignment_heads = std::move(heads);
  return encoded_ ? BindStage(Stage::kDecoder) : OkStatus();
}

bool Inference::HasAlignment() const {
  return options_.alignment &&
         !AlignmentHeads(engine_->config(), gates_.decoder, options_.alignment_heads).empty();
}

Result<std::span<const float>> Inference::AlignmentRow(int row) {
  if (!HasAlignment()) return Unsupported("no source attention that tells where tokens are");
  if (row < 0 || row >= decoder_rows_) return Internal("no such row in the last decoder run");
  ESP_ASSIGN_OR_RETURN(Buffer * buffer, NamedBuffer("alignment", 0));
  const auto steps = static_cast<size_t>(steps_);
  const size_t offset = static_cast<size_t>(row) * static_cast<size_t>(sizes_.steps);
  if (const std::byte* host = buffer->host(); host != nullptr) {
    return std::span<const float>(reinterpret_cast<const float*>(host) + offset, steps);
  }
  alignment_row_.resize(steps);
  ESP_RETURN_IF_ERROR(
      buffer->Read(offset * sizeof(float), std::as_writable_bytes(std::span(alignment_row_))));
  return std::span<const float>(alignment_row_);
}

Result<std::vector<float>> Inference::ReadExternal(const std::string& name, int rows, int columns) {
  std::vector<float> values(static_cast<size_t>(rows) * static_cast<size_t>(columns));
  ESP_RETURN_IF_ERROR(ReadExternal(name, std::as_writable_bytes(std::span(values))));
  return values;
}

Result<std::map<std::string, std::vector<float>>> Inference::ReadTaps(Stage stage) {
  std::map<std::string, std::vector<float>> taps;
  const auto found = stages_.find(stage);
  if (found == stages_.end()) return taps;
  for (const Tap& tap : found->second.executable->plan().taps) {
    ESP_ASSIGN_OR_RETURN(taps[tap.name], found->second.state->ReadTap(tap));
  }
  return taps;
}

}  // namespace espalier
