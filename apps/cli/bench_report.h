// What `espalier bench` measured, as text and as JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/cli/client/transcript.h"

namespace espalier::cli {

// One run over all of the audio.
struct BenchRun {
  Timings timings = {};  // sums; the gates are a mean over the files
  double cpu_s = 0;
  int64_t duration_ms = 0;
  std::string text = {};  // of all segments, one behind the other
};

// Times that a cost table predicts for a run: once per window, and per decoder step.
struct PredictedRun {
  double encode_s = 0;
  double step_s = 0;
};

// One choice of gates and its runs, at least one. Those of several variants were taken in turn.
struct BenchVariant {
  std::string gates;  // as given to --gates
  std::vector<BenchRun> runs = {};
  std::optional<PredictedRun> predicted = {};

  const BenchRun& Median() const;  // by wall time
  double shortest_s() const;
  double longest_s() const;
};

// `variants`: the first is the one that the others are compared with.
std::string BenchComparisonText(const std::vector<BenchVariant>& variants);
nlohmann::ordered_json BenchComparisonJson(const std::vector<BenchVariant>& variants);

// Features, gates, plans, encoder; decoder and search.
double EncodeSeconds(const Timings& timings);
double DecodeSeconds(const Timings& timings);

}  // namespace espalier::cli
