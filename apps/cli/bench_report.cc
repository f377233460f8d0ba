#include "apps/cli/bench_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

// The parts that a cost table knows: no plans, no search.
double WindowSeconds(const Timings& t) { return t.features_s + t.gates_s + t.encoder_s; }
double StepSeconds(const Timings& t) {
  return t.decoder_s / static_cast<double>(std::max<int64_t>(1, t.token_count));
}

// Share of `other`'s time that `first` saves when both take as many decoder steps as `first` did,
// so that another text is not taken for a saving.
double Saving(double first_window_s, double first_step_s, double other_window_s,
              double other_step_s, int64_t steps) {
  const double other = other_window_s + static_cast<double>(steps) * other_step_s;
  const double first = first_window_s + static_cast<double>(steps) * first_step_s;
  return other > 0 ? 1 - first / other : 0;
}

double MeasuredSaving(const Timings& first, const Timings& other) {
  return Saving(WindowSeconds(first), StepSeconds(first), WindowSeconds(other), StepSeconds(other),
                first.token_count);
}

double PredictedSaving(const PredictedRun& first, const PredictedRun& other, int64_t steps) {
  return Saving(first.encode_s, first.step_s, other.encode_s, other.step_s, steps);
}

nlohmann::ordered_json VariantJson(const BenchVariant& variant) {
  const BenchRun& run = variant.Median();
  const Timings& t = run.timings;
  nlohmann::ordered_json json = {{"gates", variant.gates},
                                 {"total_s", t.total_s},
                                 {"cpu_s", run.cpu_s},
                                 {"encode_s", EncodeSeconds(t)},
                                 {"decode_s", DecodeSeconds(t)},
                                 {"tokens", t.token_count},
                                 {"closed_gates", t.closed_gate_count},
                                 {"window_s", WindowSeconds(t)},
                                 {"step_s", StepSeconds(t)}};
  for (const BenchRun& each : variant.runs) json["runs_s"].push_back(each.timings.total_s);
  for (const BenchRun& each : variant.runs) json["runs_cpu_s"].push_back(each.cpu_s);
  if (variant.predicted) {
    json["predicted_window_s"] = variant.predicted->encode_s;
    json["predicted_step_s"] = variant.predicted->step_s;
  }
  return json;
}

}  // namespace

const BenchRun& BenchVariant::Median() const {
  std::vector<const BenchRun*> sorted;
  for (const BenchRun& run : runs) sorted.push_back(&run);
  std::sort(sorted.begin(), sorted.end(), [](const BenchRun* a, const BenchRun* b) {
    return a->timings.total_s < b->timings.total_s;
  });
  return *sorted[sorted.size() / 2];
}

double BenchVariant::shortest_s() const {
  double seconds = runs.front().timings.total_s;
  for (const BenchRun& run : runs) seconds = std::min(seconds, run.timings.total_s);
  return seconds;
}

double BenchVariant::longest_s() const {
  double seconds = runs.front().timings.total_s;
  for (const BenchRun& run : runs) seconds = std::max(seconds, run.timings.total_s);
  return seconds;
}

double EncodeSeconds(const Timings& t) { return t.features_s + t.gates_s + t.plan_s + t.encoder_s; }
double DecodeSeconds(const Timings& t) { return t.decoder_s + t.search_s; }

std::string BenchComparisonText(const std::vector<BenchVariant>& variants) {
  const BenchVariant& first = variants.front();
  const BenchRun& mine = first.Median();
  std::string text;
  if (first.predicted) {
    text += StrFormat("  %-12s window %.3f s (measured %.3f), decoder step %.2f ms (%.2f)\n",
                      "predicted", first.predicted->encode_s, WindowSeconds(mine.timings),
                      1e3 * first.predicted->step_s, 1e3 * StepSeconds(mine.timings));
  }
  for (size_t i = 1; i < variants.size(); ++i) {
    const BenchVariant& other = variants[i];
    const BenchRun& theirs = other.Median();
    text += StrFormat("against --gates %s\n", other.gates.c_str());
    text += StrFormat(
        "  %-12s %9.3f s to %.3f s, CPU %.3f s, %lld decoder steps, %d gates closed\n", "its runs",
        other.shortest_s(), other.longest_s(), theirs.cpu_s,
        static_cast<long long>(theirs.timings.token_count), theirs.timings.closed_gate_count);
    text += StrFormat("  %-12s %9.3f of its wall time, %.3f of its CPU time\n", "takes",
                      mine.timings.total_s / theirs.timings.total_s, mine.cpu_s / theirs.cpu_s);
    text += StrFormat("  %-12s %9.1f %% at equal decoder steps", "saves",
                      100 * MeasuredSaving(mine.timings, theirs.timings));
    if (first.predicted && other.predicted) {
      text += StrFormat(
          ", predicted %.1f %%",
          100 * PredictedSaving(*first.predicted, *other.predicted, mine.timings.token_count));
    }
    text += "\n";
  }
  return text;
}

nlohmann::ordered_json BenchComparisonJson(const std::vector<BenchVariant>& variants) {
  const BenchVariant& first = variants.front();
  const BenchRun& mine = first.Median();
  auto list = nlohmann::ordered_json::array({VariantJson(first)});
  for (size_t i = 1; i < variants.size(); ++i) {
    const BenchRun& theirs = variants[i].Median();
    nlohmann::ordered_json json = VariantJson(variants[i]);
    json["wall_ratio"] = mine.timings.total_s / theirs.timings.total_s;
    json["cpu_ratio"] = mine.cpu_s / theirs.cpu_s;
    json["saving"] = MeasuredSaving(mine.timings, theirs.timings);
    if (first.predicted && variants[i].predicted) {
      json["predicted_saving"] =
          PredictedSaving(*first.predicted, *variants[i].predicted, mine.timings.token_count);
    }
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace espalier::cli
