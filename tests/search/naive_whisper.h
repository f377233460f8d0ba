// openai-whisper's decoding.py once more, from whole sequences and with sorts: what the searches of
// runtime/search are compared with. A small vocabulary that has every kind of token.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "runtime/search/whisper_rules.h"
#include "tests/search/test_scorers.h"

namespace espalier::naive_whisper {

// Text 0 … 9 (0 is a blank, 3 a symbol that is never said), times 18 … 29, one language (12).
inline constexpr int kVocabulary = 30;
inline const WhisperTokenIds kIds{.sot = 11,
                                  .eot = 10,
                                  .sot_prev = 15,
                                  .no_speech = 16,
                                  .no_timestamps = 17,
                                  .transcribe = 14,
                                  .translate = 13,
                                  .first_time = 18,
                                  .max_initial_timestamp_index = 5,
                                  .suppress_ids = {3},
                                  .begin_suppress_ids = {0, 10}};
inline const std::vector<int> kPrompt = {11, 12, 14};
inline const std::vector<int> kPlainPrompt = {11, 12, 14, 17};  // without times

inline constexpr float kNever = -std::numeric_limits<float>::infinity();

inline double LogSum(const std::vector<float>& row, int begin, int end) {
  double sum = 0.0;
  for (int v = begin; v < end; ++v)
    sum += std::exp(static_cast<double>(row[static_cast<size_t>(v)]));
  return std::log(sum);
}

// The row after `sampled` with the filters' -inf, not normalised.
inline std::vector<float> Filter(std::vector<float> row, const std::vector<int>& sampled,
                                 bool timestamps) {
  const auto forbid = [&](int begin, int end) {
    for (int v = begin; v < end; ++v) row[static_cast<size_t>(v)] = kNever;
  };
  const int eot = kIds.eot, first = kIds.first_time;
  if (sampled.empty()) {
    for (const int v : kIds.begin_suppress_ids) forbid(v, v + 1);
  }
  for (const int v :
       {3, kIds.sot, kIds.sot_prev, kIds.no_speech, kIds.translate, kIds.transcribe}) {
    forbid(v, v + 1);
  }
  if (!timestamps) return row;
  forbid(kIds.no_timestamps, kIds.no_timestamps + 1);
  const size_t n = sampled.size();
  const bool last = n >= 1 && sampled[n - 1] >= first;
  const bool before = n < 2 || sampled[n - 2] >= first;
  if (last && before) forbid(first, kVocabulary);
  if (last && !before) forbid(0, eot);
  std::vector<int> times;
  for (const int v : sampled) {
    if (v >= first) times.push_back(v);
  }
  if (!times.empty()) forbid(first, times.back() + (last && !before ? 0 : 1));
  if (sampled.empty()) {
    forbid(0, first);
    forbid(first + kIds.max_initial_timestamp_index + 1, kVocabulary);
  }
  const float best_text = *std::max_element(row.begin(), row.begin() + first);
  if (LogSum(row, first, kVocabulary) > static_cast<double>(best_text)) forbid(0, first);
  return row;
}

inline std::vector<float> Normalised(std::vector<float> row) {
  const double total = LogSum(row, 0, kVocabulary);
  for (float& value : row) value = static_cast<float>(static_cast<double>(value) - total);
  return row;
}

struct Sequence {
  std::vector<int> tokens;  // sampled, without the end token
  double sum = 0.0;
  bool ended = false;
  double mean() const { return sum / static_cast<double>(std::max<size_t>(tokens.size(), 1)); }
};

struct Model {
  const PrefixFunction& function;
  const std::vector<int>& prompt;
  bool timestamps;

  std::vector<float> LogProbs(const std::vector<int>& sampled) const {
    std::vector<int> prefix = prompt;
    prefix.insert(prefix.end(), sampled.begin(), sampled.end());
    return Normalised(Filter(function(prefix), sampled, timestamps));
  }

  // The average log-probability that decoding.py would report for these tokens.
  double Average(const std::vector<int>& tokens, bool ended) const {
    double sum = 0.0;
    std::vector<int> sampled;
    for (const int token : tokens) {
      sum += static_cast<double>(LogProbs(sampled)[static_cast<size_t>(token)]);
      sampled.push_back(token);
    }
    if (ended) sum += static_cast<double>(LogProbs(sampled)[static_cast<size_t>(kIds.eot)]);
    return sum / static_cast<double>(tokens.size() + 1);
  }
};

// GreedyDecoder at temperature 0.
inline Sequence Greedy(const Model& model, int limit) {
  Sequence sequence;
  for (int i = 0; i < limit && !sequence.ended; ++i) {
    const std::vector<float> row = model.LogProbs(sequence.tokens);
    const auto best = std::max_element(row.begin(), row.end());
    sequence.sum += static_cast<double>(*best);
    sequence.ended = best - row.begin() == kIds.eot;
    if (!sequence.ended) sequence.tokens.push_back(static_cast<int>(best - row.begin()));
  }
  return sequence;
}

// BeamSearchDecoder with patience 1 and MaximumLikelihoodRanker; forbidden tokens are left out.
inline Sequence Beam(const Model& model, size_t beam, int limit) {
  std::vector<Sequence> running(1), finished;
  for (int i = 0; i < limit && finished.size() < beam; ++i) {
    std::vector<Sequence> all;
    for (const Sequence& sequence : running) {
      const std::vector<float> row = model.LogProbs(sequence.tokens);
      for (int v = 0; v < kVocabulary; ++v) {
        if (row[static_cast<size_t>(v)] == kNever) continue;
        Sequence child = sequence;
        child.sum += static_cast<double>(row[static_cast<size_t>(v)]);
        child.ended = v == kIds.eot;
        if (!child.ended) child.tokens.push_back(v);
        all.push_back(std::move(child));
      }
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const Sequence& a, const Sequence& b) { return a.sum > b.sum; });
    running.clear();
    for (const Sequence& child : all) {
      if (!child.ended) running.push_back(child);
      if (child.ended && finished.size() < beam) finished.push_back(child);
      if (running.size() == beam) break;
    }
  }
  for (const Sequence& sequence : running) {
    if (finished.size() < beam) finished.push_back(sequence);
  }
  return *std::max_element(
      finished.begin(), finished.end(),
      [](const Sequence& a, const Sequence& b) { return a.mean() < b.mean(); });
}

}  // namespace espalier::naive_whisper
