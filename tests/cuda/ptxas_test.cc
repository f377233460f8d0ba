// What ptxas says of every kernel on every architecture: registers, spills, shared memory. Bounds
// are kept here; the table with occupancies is printed.
#include <cxxabi.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <vector>

namespace espalier {
namespace {

const char kReports[] = "cuda/kernels_objects";

struct Kernel {
  std::string file, name;
  int architecture = 0;
  int registers = 0, stack_bytes = 0, spill_bytes = 0, shared_bytes = 0;
};

// What a multiprocessor has (CUDA C++ Programming Guide, table of compute capabilities). Registers
// are given to warps in units of 256, 1 KB of shared memory is the system's in each block.
struct Multiprocessor {
  int warps, blocks, shared_bytes;
  static constexpr int kRegisters = 65536;
};
const std::map<int, Multiprocessor> kMultiprocessors = {
    {80, {64, 32, 164 << 10}},
    {86, {48, 16, 100 << 10}},
    {89, {48, 24, 100 << 10}},
    {90, {64, 32, 228 << 10}},
};

// Threads of a block, and dynamic shared memory at usual sizes, which ptxas does not know.
struct Launch {
  int threads = 128, dynamic_bytes = 0;
};
Launch LaunchOf(const Kernel& kernel) {
  if (kernel.name.starts_with("LogSoftmax") || kernel.name.starts_with("TopTokens")) {
    return {.threads = 512};
  }
  if (kernel.name.starts_with("Gemm") || kernel.name.starts_with("PackRows") ||
      kernel.name.starts_with("StoreSums") || kernel.name.starts_with("MeanPool")) {
    return {.threads = 256};
  }
  if (kernel.name.starts_with("DepthwiseConv")) return {.dynamic_bytes = (32 + 30) * 32 * 4};
  if (kernel.name.starts_with("AttendKeys<8")) return {.dynamic_bytes = 8 * 64 * 4};
  return {};
}

// Share of the multiprocessor's warps that run at once.
double Occupancy(const Kernel& kernel) {
  const Multiprocessor& device = kMultiprocessors.at(kernel.architecture);
  const Launch launch = LaunchOf(kernel);
  const int warps = launch.threads / 32;
  const int registers_of_warp = (kernel.registers * 32 + 255) / 256 * 256;
  const int by_registers = Multiprocessor::kRegisters / registers_of_warp / warps;
  const int by_shared =
      device.shared_bytes / (kernel.shared_bytes + launch.dynamic_bytes + (1 << 10));
  const int blocks = std::min({device.blocks, device.warps / warps, by_registers, by_shared});
  return static_cast<double>(blocks * warps) / device.warps;
}

// "espalier::cuda::(anonymous namespace)::Gemv<float, 8>(...)" → "Gemv<float, 8>"
std::string ShortName(const std::string& mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status), std::free);
  std::string name = status == 0 ? text.get() : mangled;
  const std::string space = "(anonymous namespace)::";
  if (const size_t at = name.find(space); at != std::string::npos) {
    name = name.substr(at + space.size());
  }
  name = name.substr(0, name.find('('));
  name = std::regex_replace(name, std::regex("espalier::cuda::|\\(int\\)|\\(bool\\)"), "");
  return name;
}

std::vector<Kernel> ReadReport(const std::filesystem::path& path) {
  static const std::regex entry("Compiling entry function '(\\w+)' for 'sm_(\\d+)'");
  static const std::regex spills("(\\d+) bytes stack frame, (\\d+) bytes spill stores");
  static const std::regex used("Used (\\d+) registers(?:.*?, (\\d+) bytes smem)?");
  std::vector<Kernel> kernels;
  std::ifstream file(path);
  std::smatch match;
  for (std::string line; std::getline(file, line);) {
    if (std::regex_search(line, match, entry)) {
      kernels.push_back({.file = path.stem().stem().string(),
                         .name = ShortName(match[1]),
                         .architecture = std::stoi(match[2])});
    } else if (!kernels.empty() && std::regex_search(line, match, spills)) {
      kernels.back().stack_bytes = std::stoi(match[1]);
      kernels.back().spill_bytes = std::stoi(match[2]);
    } else if (!kernels.empty() && std::regex_search(line, match, used)) {
      kernels.back().registers = std::stoi(match[1]);
      if (match[2].matched) kernels.back().shared_bytes = std::stoi(match[2]);
    }
  }
  return kernels;
}

std::vector<Kernel> AllKernels() {
  std::vector<Kernel> kernels;
  for (const auto& entry : std::filesystem::directory_iterator(kReports)) {
    for (Kernel& kernel : ReadReport(entry.path())) kernels.push_back(std::move(kernel));
  }
  std::sort(kernels.begin(), kernels.end(), [](const Kernel& a, const Kernel& b) {
    return std::tie(a.file, a.name, a.architecture) < std::tie(b.file, b.name, b.architecture);
  });
  return kernels;
}

// Kernels that hold large tiles in registers; others stay below 64. Those on the tensor cores need
// few warps: a product of a warp is worth 4096 multiply-adds.
int MostRegisters(const Kernel& kernel) {
  if (kernel.name.starts_with("AttentionTensor<") && kernel.name.ends_with("128>")) return 192;
  if (kernel.name.starts_with("AttentionTensor<")) return 128;
  if (kernel.name.starts_with("GemmTensor<")) return 128;
  if (kernel.name.starts_with("Attention<128")) return 144;
  if (kernel.name.starts_with("Attention<64") || kernel.name.starts_with("Gemv<")) return 96;
  return kernel.name.starts_with("Attention<32") ? 88 : 64;
}

TEST(PtxasTest, EveryKernelIsThereForEveryArchitecture) {
  std::map<std::string, std::vector<int>> architectures;
  for (const Kernel& kernel : AllKernels()) {
    architectures[kernel.name].push_back(kernel.architecture);
  }
  EXPECT_GE(architectures.size(), 31u);
  for (const auto& [name, list] : architectures) {
    EXPECT_EQ(list, (std::vector<int>{80, 86, 89, 90})) << name;
  }
}

TEST(PtxasTest, NoKernelSpillsOrUsesAStack) {
  for (const Kernel& kernel : AllKernels()) {
    EXPECT_EQ(kernel.spill_bytes, 0) << kernel.name << " on sm_" << kernel.architecture;
    EXPECT_EQ(kernel.stack_bytes, 0) << kernel.name << " on sm_" << kernel.architecture;
  }
}

TEST(PtxasTest, RegistersAndSharedMemoryStayWithinTheirBounds) {
  for (const Kernel& kernel : AllKernels()) {
    EXPECT_GT(kernel.registers, 0) << kernel.name;
    EXPECT_LE(kernel.registers, MostRegisters(kernel))
        << kernel.name << " on sm_" << kernel.architecture;
    EXPECT_LE(kernel.shared_bytes + LaunchOf(kernel).dynamic_bytes, 48 << 10) << kernel.name;
  }
}

TEST(PtxasTest, OccupancyIsAtLeastAQuarterExceptForWideHeads) {
  std::printf("%-28s %5s %6s %7s %10s\n", "kernel", "arch", "regs", "shared", "occupancy");
  for (const Kernel& kernel : AllKernels()) {
    const double occupancy = Occupancy(kernel);
    if (kernel.architecture == 86 || kernel.architecture == 90) {
      std::printf("%-28s sm_%d %6d %7d %8.0f %%\n", kernel.name.c_str(), kernel.architecture,
                  kernel.registers, kernel.shared_bytes, 100 * occupancy);
    }
    const bool wide =
        kernel.name.starts_with("Attention") && kernel.name.find("128") != kernel.name.npos;
    EXPECT_GE(occupancy, wide ? 0.12 : 0.25) << kernel.name << " on sm_" << kernel.architecture;
  }
}

}  // namespace
}  // namespace espalier
