#include "runtime/session/dump.h"

#include <deque>
#include <nlohmann/json.hpp>

#include "runtime/base/file.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/search/segments.h"
#include "runtime/session/gate_look.h"
#include "runtime/session/owsm_text.h"
#include "runtime/session/window.h"
#include "runtime/session/window_search.h"

namespace espalier {
namespace {

// Tensors to be written, with the memory behind them.
class TensorSet {
 public:
  void Add(const std::string& name, std::vector<float> values, std::vector<int64_t> shape) {
    floats_.push_back(std::move(values));
    tensors_.push_back({name, {DType::kF32, std::move(shape), floats_.back().data()}});
  }
  void AddInts(const std::string& name, std::span<const int> values) {
    ints_.emplace_back(values.begin(), values.end());
    const auto count = static_cast<int64_t>(values.size());
    tensors_.push_back({name, {DType::kI64, {count}, ints_.back().data()}});
  }
  void AddBytes(const std::string& name, std::vector<uint8_t> values, std::vector<int64_t> shape) {
    bytes_.push_back(std::move(values));
    tensors_.push_back({name, {DType::kU8, std::move(shape), bytes_.back().data()}});
  }
  // Values of `columns` per row.
  void AddRows(const std::string& name, std::vector<float> values, int columns) {
    const int64_t rows = static_cast<int64_t>(values.size()) / columns;
    Add(name, std::move(values), {rows, columns});
  }
  Status Write(const std::string& path) const { return WriteSafetensors(path, tensors_); }

 private:
  std::deque<std::vector<float>> floats_;
  std::deque<std::vector<int64_t>> ints_;
  std::deque<std::vector<uint8_t>> bytes_;
  std::vector<NamedTensor> tensors_;
};

class Dumper {
 public:
  Dumper(std::shared_ptr<Engine> engine, const DumpOptions& options, const std::stop_token& stop)
      : engine_(engine),
        options_(options),
        stop_(stop),
        inference_(engine, InferenceOptions{.taps = true, .all_logits = true}) {
    inference_.set_stop(stop);
  }

  Status Run(std::span<const float> samples) {
    ESP_ASSIGN_OR_RETURN(context_, ResolveContext(*engine_, options_.language, options_.task));
    ESP_RETURN_IF_ERROR(Encode(samples));
    ESP_RETURN_IF_ERROR(DecodeForced());
    if (!options_.out_path.empty()) ESP_RETURN_IF_ERROR(tensors_.Write(options_.out_path));
    return options_.nbest_path.empty() ? OkStatus() : WriteNbest();
  }

 private:
  const ModelConfig& config() const { return engine_->config(); }

  Status AddTaps(Stage stage) {
    ESP_ASSIGN_OR_RETURN(auto taps, inference_.ReadTaps(stage));
    for (auto& [name, values] : taps) {
      const int width = stage == Stage::kDecoder ? config().decoder.width : config().encoder.width;
      tensors_.AddRows(name, std::move(values),
                       name == "dec_logits" ? config().vocabulary_size : width);
    }
    return OkStatus();
  }

  Status Encode(std::span<const float> samples) {
    const std::vector<float> features = WindowFeatures(*engine_, samples);
    tensors_.AddRows("logmel", features, config().frontend.mel_count);
    ESP_RETURN_IF_ERROR(inference_.Embed(features));
    ESP_RETURN_IF_ERROR(AddTaps(Stage::kStem));
    ESP_RETURN_IF_ERROR(AddExternal("embedded"));
    ESP_ASSIGN_OR_RETURN(const GateMask gates, GatesOf(*engine_, context_, inference_));
    const bool fixed =
        engine_->FindFixedGates(context_.language, context_.gate_task_name) != nullptr;
    if (!fixed) ESP_RETURN_IF_ERROR(AddGateLogits());
    if (config().gate) AddGates(gates);
    ESP_RETURN_IF_ERROR(inference_.Encode(gates));
    ESP_RETURN_IF_ERROR(AddTaps(Stage::kEncoder));
    AddClosedModules(gates.encoder);
    ESP_RETURN_IF_ERROR(AddExternal("enc_out"));
    if (!config().has_ctc) return OkStatus();
    ESP_ASSIGN_OR_RETURN(const std::span<const float> ctc, inference_.CtcLogProbs());
    tensors_.AddRows("ctc_logp", std::vector<float>(ctc.begin(), ctc.end()),
                     config().vocabulary_size);
    return OkStatus();
  }

  Status AddExternal(const std::string& name) {
    const int width = config().encoder.width;
    ESP_ASSIGN_OR_RETURN(std::vector<float> values,
                         inference_.ReadExternal(name, inference_.encoder_steps(), width));
    tensors_.AddRows(name, std::move(values), width);
    return OkStatus();
  }

  Status AddGateLogits() {
    ESP_ASSIGN_OR_RETURN(const std::vector<float> logits, inference_.GateLogits());
    const GateMask shape = AllOpen(config());
    const auto split = static_cast<int64_t>(2 * shape.encoder.open.size());
    tensors_.Add("gate_logits_enc", {logits.begin(), logits.begin() + split},
                 {shape.encoder.layers, static_cast<int64_t>(shape.encoder.modules.size()), 2});
    tensors_.Add("gate_logits_dec", {logits.begin() + split, logits.end()},
                 {shape.decoder.layers, static_cast<int64_t>(shape.decoder.modules.size()), 2});
    return OkStatus();
  }

  void AddGates(const GateMask& gates) {
    for (const auto& [name, table] :
         {std::pair{"gates_enc", &gates.encoder}, {"gates_dec", &gates.decoder}}) {
      tensors_.AddBytes(name, table->open,
                        {table->layers, static_cast<int64_t>(table->modules.size())});
    }
  }

  // A closed module's output is zero; it is in no plan, so there is nothing to read.
  void AddClosedModules(const GateTable& gates) {
    for (const std::string& module : gates.modules) {
      if (gates.IsOpen(0, module)) continue;
      const auto count = static_cast<size_t>(inference_.encoder_steps()) *
                         static_cast<size_t>(config().encoder.width);
      tensors_.AddRows("enc_layer_0." + module, std::vector<float>(count), config().encoder.width);
    }
  }

  Result<std::vector<int>> ForcedInput() {
    if (options_.forced_ids) return *options_.forced_ids;
    if (config().family == ModelFamily::kOwsm) {
      return OwsmPrimer(*engine_, context_, options_.timestamps, options_.text_prev);
    }
    std::vector<int> prompt = {config().whisper->sot_id};
    if (context_.language_id >= 0) {
      prompt.insert(prompt.end(), {context_.language_id, context_.task_id});
    }
    if (!options_.timestamps) prompt.push_back(config().whisper->no_timestamps_id);
    return prompt;
  }

  Status DecodeForced() {
    ESP_ASSIGN_OR_RETURN(const std::vector<int> ids, ForcedInput());
    std::vector<int> rows(ids.size());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int>(i);
    std::vector<float> log_probs(ids.size() * static_cast<size_t>(config().vocabulary_size));
    ESP_RETURN_IF_ERROR(inference_.Start(ids, rows, log_probs));
    tensors_.AddInts("dec_ids", ids);
    return AddTaps(Stage::kDecoder);
  }

  Status WriteNbest() {
    if (config().family != ModelFamily::kOwsm) {
      return Unsupported("--nbest is for OWSM models; use transcribe for Whisper");
    }
    ESP_ASSIGN_OR_RETURN(const std::vector<int> primer,
                         OwsmPrimer(*engine_, context_, options_.timestamps, options_.text_prev));
    // ESPnet's own search has no repetition guard, and a dump is compared with it.
    BeamOptions search = options_.search;
    search.repetition.enabled = false;
    if (search.ctc_weight > 0) {
      ESP_RETURN_IF_ERROR(
          inference_.ScoreByCtc(CtcCandidateCount(search.beam_size, config().vocabulary_size)));
    }
    ESP_ASSIGN_OR_RETURN(const BeamResult result,
                         BeamSearch(inference_, TimeRulesOf(*config().owsm), primer,
                                    inference_.encoder_steps(), search, stop_));
    nlohmann::ordered_json json;
    json["lang"] = options_.language;
    json["task"] = options_.task;
    ESP_RETURN_IF_ERROR(AddCtcGreedy(&json));
    ESP_RETURN_IF_ERROR(AddLanguageId(&json));
    json["hyps"] = nlohmann::ordered_json::array({HypothesesJson(result)});
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    return WriteFileAtomically(options_.nbest_path, json.dump(1, ' ', false, replace) + "\n");
  }

  Status AddCtcGreedy(nlohmann::ordered_json* json) {
    if (!config().has_ctc) return OkStatus();
    ESP_ASSIGN_OR_RETURN(const std::span<const float> log_probs, inference_.CtcLogProbs());
    const std::vector<int> ids =
        CtcGreedy(log_probs, config().vocabulary_size, config().owsm->blank_id);
    (*json)["ctc_greedy"] = {{"ids", ids}, {"text", TextWithSymbols(*engine_, ids)}};
    return OkStatus();
  }

  Status AddLanguageId(nlohmann::ordered_json* json) {
    const LanguageTokens languages = LanguagesOf(*engine_);
    if (languages.ids.empty()) return OkStatus();
    ESP_ASSIGN_OR_RETURN(const LanguageGuess guess,
                         DetectLanguage(inference_, config(), languages.ids));
    for (size_t i = 0; i < languages.names.size(); ++i) {
      (*json)["language_id"].push_back({languages.names[i], guess.probabilities[i]});
    }
    return OkStatus();
  }

  nlohmann::ordered_json HypothesesJson(const BeamResult& result) const {
    const BeamOptions& search = options_.search;
    nlohmann::ordered_json json = {{"name", "dump"},
                                   {"setting",
                                    {{"beam_size", search.beam_size},
                                     {"ctc_weight", search.ctc_weight},
                                     {"penalty", search.length_penalty},
                                     {"maxlenratio", search.maxlen_ratio},
                                     {"minlenratio", search.minlen_ratio},
                                     {"normalize_length", search.normalize_length},
                                     {"predict_time", options_.timestamps}}},
                                   {"outcome", DecodeOutcomeName(result.outcome)},
                                   {"nbest", nlohmann::ordered_json::array()}};
    for (const Hypothesis& hypothesis : result.nbest) {
      const std::vector<int> tokens =
          OwsmResultTokens(hypothesis.tokens, config().owsm->sos_id, config().owsm->blank_id);
      nlohmann::ordered_json scores = {{"decoder", hypothesis.parts.decoder}};
      if (search.ctc_weight > 0) scores["ctc"] = hypothesis.parts.ctc;
      if (search.length_penalty != 0) scores["length_bonus"] = hypothesis.parts.length_bonus;
      scores["scorefilter"] = hypothesis.parts.scorefilter;
      json["nbest"].push_back({{"yseq", hypothesis.tokens},
                               {"score", hypothesis.score},
                               {"scores", scores},
                               {"token_int", tokens},
                               {"text", TextWithSymbols(*engine_, tokens)},
                               {"text_nospecial", PlainText(*engine_, tokens)}});
    }
    return json;
  }

  std::shared_ptr<Engine> engine_;
  const DumpOptions& options_;
  std::stop_token stop_;
  Inference inference_;
  Context context_;
  TensorSet tensors_;
};

}  // namespace

Status Dump(std::shared_ptr<Engine> engine, std::span<const float> samples,
            const DumpOptions& options, const std::stop_token& stop) {
  return Dumper(std::move(engine), options, stop).Run(samples);
}

}  // namespace espalier
