// What this machine can do at most: products in registers for each number type, and reading memory.
// The other benchmarks' figures are shares of these.
#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace espalier {
namespace {

// Independent sums: more than an instruction's latency times the multipliers.
constexpr int kSums = 12;
constexpr int kRounds = 1 << 14;

// A rate of `per_instruction` multiplications and additions in each step of each sum.
void Report(benchmark::State& state, double per_instruction) {
  state.counters["GFLOP"] = benchmark::Counter(2e-9 * per_instruction * kSums * kRounds,
                                               benchmark::Counter::kIsIterationInvariantRate);
}

#define ESP_CHAINS(Vector, zero, step)                    \
  Vector sums[kSums];                                     \
  for (auto& sum : sums) sum = zero;                      \
  for (int i = 0; i < kRounds; ++i) {                     \
    _Pragma("GCC unroll 12") for (auto& sum : sums) step; \
  }                                                       \
  for (auto& sum : sums) benchmark::DoNotOptimize(sum)

__attribute__((target("avx2,fma"))) void ChainsAvx2() {
  __m256 a = _mm256_set1_ps(0.5f);
  benchmark::DoNotOptimize(a);
  ESP_CHAINS(__m256, a, sum = _mm256_fmadd_ps(a, a, sum));
}

__attribute__((target("avx512f"))) void ChainsAvx512() {
  __m512 a = _mm512_set1_ps(0.5f);
  benchmark::DoNotOptimize(a);
  ESP_CHAINS(__m512, a, sum = _mm512_fmadd_ps(a, a, sum));
}

__attribute__((target("avx512f,avx512bf16"))) void ChainsBFloat() {
  __m512i a = _mm512_set1_epi32(0x3f003f00);
  benchmark::DoNotOptimize(a);
  ESP_CHAINS(__m512, _mm512_setzero_ps(), sum = _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)a));
}

__attribute__((target("avx512f,avx512vnni"))) void ChainsI8() {
  __m512i a = _mm512_set1_epi32(0x01010101);
  benchmark::DoNotOptimize(a);
  ESP_CHAINS(__m512i, a, sum = _mm512_dpbusd_epi32(sum, a, a));
}

void Products(benchmark::State& state, void (*chains)(), double per_instruction) {
  for (auto _ : state) chains();
  Report(state, per_instruction);
}

// `threads` threads read a part each of `megabytes`, again and again: what fits in a cache is read
// from there.
void Read(benchmark::State& state, int64_t megabytes, int threads) {
  const size_t count = static_cast<size_t>(megabytes) * (1 << 20) / sizeof(uint64_t);
  const std::vector<uint64_t> data(count, 1);
  const auto sum_part = [&](int part) {
    const size_t each = count / static_cast<size_t>(threads);
    const uint64_t* from = data.data() + each * static_cast<size_t>(part);
    uint64_t sums[8] = {};
    for (size_t i = 0; i + 8 <= each; i += 8) {
      for (size_t j = 0; j < 8; ++j) sums[j] += from[i + j];
    }
    for (uint64_t& sum : sums) benchmark::DoNotOptimize(sum);
  };
  constexpr int kTimes = 8;  // so that starting threads costs little
  for (auto _ : state) {
    std::vector<std::thread> others;
    for (int part = 1; part < threads; ++part) {
      others.emplace_back([&, part] {
        for (int i = 0; i < kTimes; ++i) sum_part(part);
      });
    }
    for (int i = 0; i < kTimes; ++i) sum_part(0);
    for (std::thread& other : others) other.join();
  }
  const double bytes = static_cast<double>(count * sizeof(uint64_t)) * kTimes;
  state.counters["GB"] =
      benchmark::Counter(1e-9 * bytes, benchmark::Counter::kIsIterationInvariantRate);
}

void RegisterAll() {
  const auto products = [](const char* name, bool there, void (*chains)(), double each) {
    if (there) benchmark::RegisterBenchmark(name, Products, chains, each);
  };
  products("f32_avx2", __builtin_cpu_supports("avx2"), ChainsAvx2, 8);
  products("f32_avx512", __builtin_cpu_supports("avx512f"), ChainsAvx512, 16);
  products("bf16_avx512", __builtin_cpu_supports("avx512bf16"), ChainsBFloat, 32);
  products("i8_avx512_vnni", __builtin_cpu_supports("avx512vnni"), ChainsI8, 64);
  for (const int64_t megabytes : {64, 512}) {
    for (const int threads : {1, 2}) {
      const std::string name =
          "read_" + std::to_string(megabytes) + "MiB/threads:" + std::to_string(threads);
      benchmark::RegisterBenchmark(name.c_str(), Read, megabytes, threads)->UseRealTime();
    }
  }
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) {
  espalier::RegisterAll();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
