// Times every stage of a model on one device, whole and by kind of op, without audio or search:
//
//   bazel run //tests/bench:stage_benchmark -- MODEL_FOLDER [DEVICE [THREADS [SECONDS]]]
//
// Inputs are zeros or small constants, written: no kernel's time depends on values. An op kind's
// time is that of a plan with only its ops. Each number is the best of several runs, of wall time
// and of processor time (with one thread the better measure on a busy machine; more threads also
// wait).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/backend/registry.h"
#include "runtime/base/clock.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/model_config.h"
#include "runtime/checkpoint/tensor_store.h"
#include "runtime/graph/cost.h"
#include "runtime/model/stages.h"

namespace espalier {
namespace {

constexpr int kRuns = 5;
constexpr int kLanes = 8;
constexpr int32_t kPromptTokens = 224;  // the most that Whisper carries from window to window

struct Work {
  std::string name;
  Stage stage;
  std::vector<int32_t> lengths;  // those that the caller gives
};

Result<std::vector<std::unique_ptr<Buffer>>> AllocateExternals(Backend& backend, const Plan& plan) {
  std::vector<std::unique_ptr<Buffer>> buffers(static_cast<size_t>(plan.external_count));
  for (const Slot& slot : plan.slots) {
    if (slot.external < 0) continue;
    const auto bytes = static_cast<size_t>(plan.MaxBytes(slot));
    auto& buffer = buffers[static_cast<size_t>(slot.external)];
    ESP_ASSIGN_OR_RETURN(buffer, backend.Allocate(bytes));
    // A decoder step in the middle of a text: position 40 for every row. What is never written
    // would be one page of zeros, which lies in the first cache however often it is mapped.
    const std::vector<int32_t> values(bytes / sizeof(int32_t),
                                      slot.name == "token_positions" ? 40 : 0);
    ESP_RETURN_IF_ERROR(buffer->Write(0, std::as_bytes(std::span(values))));
  }
  return buffers;
}

struct Milliseconds {
  double wall = 1e30;
  double processor = 1e30;
};

Result<Milliseconds> BestMilliseconds(Backend& backend, std::shared_ptr<const Plan> plan,
                                      const std::vector<int32_t>& lengths) {
  ESP_ASSIGN_OR_RETURN(const auto buffers, AllocateExternals(backend, *plan));
  std::vector<Buffer*> externals;
  for (const auto& buffer : buffers) externals.push_back(buffer.get());
  ESP_ASSIGN_OR_RETURN(const auto executable, backend.Compile(plan));
  ESP_ASSIGN_OR_RETURN(const auto state, executable->Bind(externals));
  Milliseconds best;
  for (int run = 0; run <= kRuns; ++run) {  // the first touches the pages
    const std::clock_t begin = std::clock();
    const Stopwatch watch;
    ESP_RETURN_IF_ERROR(state->Run(lengths, {}));
    if (run == 0) continue;
    best.wall = std::min(best.wall, watch.Seconds() * 1e3);
    best.processor = std::min(
        best.processor, 1e3 * static_cast<double>(std::clock() - begin) / double{CLOCKS_PER_SEC});
  }
  return best;
}

std::shared_ptr<const Plan> OnlyOps(const Plan& plan, std::string_view name) {
  auto part = std::make_shared<Plan>(plan);
  std::erase_if(part->ops, [name](const Op& op) { return OpName(op) != name; });
  return part;
}

Status TimeStage(Backend& backend, const ModelConfig& config,
                 const std::shared_ptr<const Weights>& weights, const Work& work) {
  StageOptions options;
  options.gates = AllOpen(config);
  options.lane_count = kLanes;
  ESP_ASSIGN_OR_RETURN(const auto plan, BuildStage(work.stage, config, weights, options));
  ESP_ASSIGN_OR_RETURN(const Milliseconds whole, BestMilliseconds(backend, plan, work.lengths));
  std::vector<int32_t> resolved(plan->lengths.size());
  ESP_RETURN_IF_ERROR(plan->ResolveLengths(work.lengths, resolved));
  std::printf("%-22s %9.3f ms %9.3f ms of processors\n", work.name.c_str(), whole.wall,
              whole.processor);
  std::map<std::string, Cost> kinds;
  for (const Op& op : plan->ops) kinds[std::string(OpName(op))] += OpCost(*plan, op, resolved, 41);
  for (const auto& [kind, cost] : kinds) {
    ESP_ASSIGN_OR_RETURN(const Milliseconds part,
                         BestMilliseconds(backend, OnlyOps(*plan, kind), work.lengths));
    std::printf("  %-20s %9.3f ms %9.3f ms of processors %8.2f GFLOP/s %7.2f GB/s of weights\n",
                kind.c_str(), part.wall, part.processor,
                2e-6 * static_cast<double>(cost.multiply_adds) / part.processor,
                1e-6 * static_cast<double>(cost.weight_bytes) / part.processor);
  }
  return OkStatus();
}

Status TimeModel(const std::string& folder, const std::string& device, int threads,
                 double seconds) {
  ESP_ASSIGN_OR_RETURN(const ModelConfig config, LoadModelConfig(folder));
  ESP_ASSIGN_OR_RETURN(auto store, TensorStore::OpenFolder(folder));
  const auto weights = std::make_shared<const Weights>(std::move(store));
  ESP_ASSIGN_OR_RETURN(const auto backend, OpenBackend(device, threads));
  const StageSizes sizes = SizesOf(config);
  const double share = std::min(1.0, seconds * config.frontend.sample_rate /
                                         config.frontend.hop_length / std::max(1, sizes.frames));
  const auto frames = static_cast<int32_t>(share * sizes.frames);
  const auto steps = static_cast<int32_t>(share * sizes.steps);
  std::printf("%s on %s (%s), %d frames, %d steps\n", config.name.c_str(),
              backend->info().id.c_str(), backend->info().detail.c_str(), frames, steps);
  std::vector<Work> works = {{"stem", Stage::kStem, {frames}},
                             {"encoder", Stage::kEncoder, {steps}}};
  if (config.has_ctc) works.push_back({"ctc", Stage::kCtc, {steps}});
  works.push_back({"source", Stage::kSource, {steps}});
  for (const int32_t rows : {1, 5}) {
    works.push_back({"decoder x" + std::to_string(rows), Stage::kDecoder, {rows, steps, rows}});
  }
  const int32_t prompt = std::min(kPromptTokens, sizes.positions);
  works.push_back({StrFormat("decoder x%d -> 1", prompt), Stage::kDecoder, {prompt, steps, 1}});
  for (const Work& work : works) ESP_RETURN_IF_ERROR(TimeStage(*backend, config, weights, work));
  return OkStatus();
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: stage_benchmark MODEL_FOLDER [DEVICE [THREADS [SECONDS]]]\n");
    return 2;
  }
  const espalier::Status status =
      espalier::TimeModel(argv[1], argc > 2 ? argv[2] : "auto", argc > 3 ? std::atoi(argv[3]) : 0,
                          argc > 4 ? std::atof(argv[4]) : 30.0);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok() ? 0 : 1;
}
