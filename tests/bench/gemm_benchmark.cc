// The CPU backend's matrix product beside OpenBLAS and oneDNN at the shapes of the models. Prints
// GFLOP/s: of CPU time with one thread, of wall time with more. Weights are packed beforehand where
// the library can (OpenBLAS cannot).
#include <benchmark/benchmark.h>
#include <cblas.h>
#include <omp.h>

#include <iterator>
#include <memory>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "runtime/backend/cpu/cpu_backend.h"
#include "runtime/graph/memory_planner.h"

namespace espalier {
namespace {

struct Shape {
  const char* name;
  int32_t rows, depth, columns;
};

constexpr Shape kShapes[] = {
    {"owsm_base_projection", 750, 384, 384},
    {"owsm_base_ffn_up", 750, 384, 1536},
    {"owsm_base_ffn_down", 750, 1536, 384},
    {"owsm_base_conv2", 14231, 3456, 384},
    {"owsm_base_ctc", 750, 384, 50002},
    {"whisper_base_projection", 1500, 512, 512},
    {"whisper_base_ffn_up", 1500, 512, 2048},
    {"whisper_base_ffn_down", 1500, 2048, 512},
    {"prompt", 32, 512, 2048},
};

// Rows of a decoder step: bound by memory, so bytes per second are printed too.
constexpr Shape kStepShapes[] = {
    {"step1_projection", 1, 512, 512}, {"step1_ffn_up", 1, 512, 2048},
    {"step1_output", 1, 512, 51865},   {"step5_projection", 5, 512, 512},
    {"step5_ffn_up", 5, 512, 2048},    {"step5_output", 5, 512, 51865},
};

std::vector<float> Random(int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  uint32_t state = 1;
  for (float& value : values) {
    state = state * 1664525u + 1013904223u;
    value = static_cast<float>(state >> 8) * 0x1p-23f - 1.0f;
  }
  return values;
}

void Report(benchmark::State& state, const Shape& shape, double weight_bytes_per_element) {
  const double products = double{1} * shape.rows * shape.depth * shape.columns;
  state.counters["GFLOP"] =
      benchmark::Counter(2e-9 * products, benchmark::Counter::kIsIterationInvariantRate);
  const double bytes = weight_bytes_per_element * shape.depth * shape.columns;
  state.counters["weight_GB"] =
      benchmark::Counter(1e-9 * bytes, benchmark::Counter::kIsIterationInvariantRate);
}

// One Linear as a plan of the CPU backend.
std::shared_ptr<const Plan> LinearPlan(const Shape& shape, DType storage) {
  auto plan = std::make_shared<Plan>();
  plan->name = shape.name;
  plan->lengths.push_back({.name = "rows", .max = shape.rows});
  plan->slots.push_back({.name = "input", .length = 0, .columns = shape.depth});
  plan->slots.push_back({.name = "output", .length = 0, .columns = shape.columns});
  auto values = std::make_shared<std::vector<float>>(Random(int64_t{shape.depth} * shape.columns));
  plan->weights.push_back({.name = "weight",
                           .dtype = storage,
                           .rows = shape.columns,
                           .columns = shape.depth,
                           .row_stride = shape.depth,
                           .data = values->data(),
                           .owned = nullptr});
  // Any bytes are i8 weights, and any numbers their scales.
  if (storage == DType::kI8) plan->weights.back().row_scales = values->data();
  plan->of_i8_model = storage == DType::kI8;
  plan->weights_owner = values;
  plan->ops.push_back(
      LinearOp{.input = {0, 0, shape.depth}, .weight = {0}, .output = {1, 0, shape.columns}});
  PlaceSlots(plan.get());
  return plan;
}

void Espalier(benchmark::State& state, Shape shape, DType storage, int threads) {
  const auto backend = MakeCpuBackend({.threads = threads});
  if (!backend.ok()) return state.SkipWithError(backend.status().message().c_str());
  const auto executable = (*backend)->Compile(LinearPlan(shape, storage));
  if (!executable.ok()) return state.SkipWithError(executable.status().message().c_str());
  const auto bound = (*executable)->Bind({});
  if (!bound.ok()) return state.SkipWithError(bound.status().message().c_str());
  const int32_t lengths[] = {shape.rows};
  for (auto _ : state) {
    if (!(*bound)->Run(lengths, {}).ok()) return state.SkipWithError("run failed");
  }
  Report(state, shape, static_cast<double>(DTypeSize(storage)));
}

void OpenBlas(benchmark::State& state, Shape shape, int threads) {
  openblas_set_num_threads(threads);
  const std::vector<float> a = Random(int64_t{shape.rows} * shape.depth);
  const std::vector<float> b = Random(int64_t{shape.depth} * shape.columns);
  std::vector<float> c(static_cast<size_t>(int64_t{shape.rows} * shape.columns));
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, shape.rows, shape.columns, shape.depth,
                1.0f, a.data(), shape.depth, b.data(), shape.depth, 0.0f, c.data(), shape.columns);
    benchmark::ClobberMemory();
  }
  Report(state, shape, 4.0);
}

void OneDnn(benchmark::State& state, Shape shape, int threads) {
  omp_set_num_threads(threads);
  using Memory = dnnl::memory;
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  const auto f32 = Memory::data_type::f32;
  const Memory::desc a_desc({shape.rows, shape.depth}, f32, Memory::format_tag::ab);
  const Memory::desc b_plain({shape.depth, shape.columns}, f32, Memory::format_tag::ba);
  const Memory::desc b_any({shape.depth, shape.columns}, f32, Memory::format_tag::any);
  const Memory::desc c_desc({shape.rows, shape.columns}, f32, Memory::format_tag::ab);
  const dnnl::matmul::primitive_desc primitive(dnnl::matmul::desc(a_desc, b_any, c_desc), engine);
  std::vector<float> a_values = Random(int64_t{shape.rows} * shape.depth);
  std::vector<float> b_values = Random(int64_t{shape.depth} * shape.columns);
  Memory a(a_desc, engine, a_values.data()), plain(b_plain, engine, b_values.data());
  Memory b(primitive.weights_desc(), engine), c(c_desc, engine);
  dnnl::reorder(plain, b).execute(stream, plain, b);
  const dnnl::matmul product(primitive);
  for (auto _ : state) {
    product.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    stream.wait();
  }
  Report(state, shape, 4.0);
}

void Register(const Shape& shape, int threads) {
  const std::string suffix = "/" + std::string(shape.name) + "/threads:" + std::to_string(threads);
  const auto add = [&](const char* library, auto run) {
    auto* timed = benchmark::RegisterBenchmark((library + suffix).c_str(), run);
    timed->Unit(benchmark::kMicrosecond);
    if (threads > 1) timed->UseRealTime();
  };
  add("espalier_f32", [=](benchmark::State& s) { Espalier(s, shape, DType::kF32, threads); });
  add("espalier_f16", [=](benchmark::State& s) { Espalier(s, shape, DType::kF16, threads); });
  add("espalier_i8", [=](benchmark::State& s) { Espalier(s, shape, DType::kI8, threads); });
  add("openblas_f32", [=](benchmark::State& s) { OpenBlas(s, shape, threads); });
  add("onednn_f32", [=](benchmark::State& s) { OneDnn(s, shape, threads); });
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  for (const int threads : {1, 2}) {
    for (const auto& shape : espalier::kShapes) espalier::Register(shape, threads);
    for (const auto& shape : espalier::kStepShapes) espalier::Register(shape, threads);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
