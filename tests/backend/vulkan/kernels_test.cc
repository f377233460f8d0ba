// Kernels and paths that conformance does not reach here: products and attention that lavapipe does
// not choose; windows that begin at a vec4, as models' do; memory that is not the host's; weights
// in chunks.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "runtime/backend/reference/reference_backend.h"
#include "runtime/backend/vulkan/functions.h"
#include "runtime/tensor/half.h"
#include "tests/backend/cpu/run_case.h"
#include "tests/backend/vulkan/open_vulkan.h"
#include "tests/conformance/op_case.h"

namespace espalier {
namespace {

using conformance::OpCase;
using Contents = std::vector<std::vector<std::byte>>;

void ExpectClose(const Contents& got, const Contents& expected, const OpCase& op_case) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    for (size_t at = 0; at + 4 <= got[i].size(); at += 4) {
      float a, b;
      std::memcpy(&a, &got[i][at], 4);
      std::memcpy(&b, &expected[i][at], 4);
      if (std::isnan(b) && std::isnan(a)) continue;
      const float bound = op_case.tolerance.absolute + op_case.tolerance.relative * std::abs(b);
      ASSERT_TRUE(a == b || std::abs(a - b) <= bound)
          << op_case.name << ": " << a << " at " << at / 4 << ", expected " << b;
    }
  }
}

void ExpectLikeReference(Backend& backend, const std::vector<OpCase>& cases) {
  const auto reference = MakeReferenceBackend();
  for (const OpCase& op_case : cases) {
    ExpectClose(RunCase(backend, op_case), RunCase(*reference, op_case), op_case);
  }
}

// Every third case: enough shapes, and lavapipe compiles each pipeline anew.
std::vector<OpCase> Third(std::vector<OpCase> cases) {
  std::vector<OpCase> some;
  for (size_t i = 0; i < cases.size(); i += 3) some.push_back(std::move(cases[i]));
  return some;
}

// Random matrices without gaps: every row begins at a vec4 when the columns are a multiple of 4.
class AlignedCase {
 public:
  int32_t Length(int32_t rows) {
    plan_.lengths.push_back({.name = "rows", .max = rows + 1});
    case_.lengths.push_back(rows);
    return static_cast<int32_t>(plan_.lengths.size()) - 1;
  }
  TensorRef Slot(int32_t length, int32_t columns) {
    const auto index = static_cast<int32_t>(plan_.slots.size());
    plan_.slots.push_back({.name = "slot" + std::to_string(index),
                           .length = length,
                           .columns = columns,
                           .external = plan_.external_count++});
    const std::vector<float> values = Random(plan_.MaxBytes(plan_.slots.back()) / 4);
    const auto bytes = std::as_bytes(std::span(values));
    case_.contents.emplace_back(bytes.begin(), bytes.end());
    return {.slot = index, .column_count = columns};
  }
  WeightRef Weight(int64_t rows, int64_t columns) {
    const auto values = std::make_shared<const std::vector<float>>(Random(rows * columns));
    plan_.weights.push_back({.name = "weight",
                             .rows = rows,
                             .columns = columns,
                             .row_stride = columns,
                             .data = values->data(),
                             .owned = values});
    return {static_cast<int32_t>(plan_.weights.size()) - 1};
  }
  OpCase Build(const std::string& name, const Op& op) {
    plan_.name = case_.name = name;
    plan_.ops = {op};
    const Status valid = plan_.Validate();
    EXPECT_TRUE(valid.ok()) << valid.message();
    case_.plan = std::make_shared<const Plan>(std::move(plan_));
    case_.tolerance = {.absolute = 1e-4f, .relative = 1e-5f};
    return std::move(case_);
  }

 private:
  std::vector<float> Random(int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      value = static_cast<float>(state_ >> 40) * 0x1p-23f - 1.0f;
    }
    return values;
  }

  OpCase case_;
  Plan plan_;
  uint64_t state_ = 1;
};

OpCase AlignedLinear(int32_t row_count, int32_t in, int32_t out) {
  AlignedCase b;
  const int32_t rows = b.Length(row_count);
  const TensorRef input = b.Slot(rows, in);
  return b.Build("aligned_linear", LinearOp{.input = input,
                                            .weight = b.Weight(out, in),
                                            .bias = b.Weight(1, out),
                                            .output = b.Slot(rows, out)});
}

OpCase AlignedConv1d(int32_t frame_count, int32_t in, int32_t out) {
  AlignedCase b;
  const int32_t frames = b.Length(frame_count);
  const TensorRef input = b.Slot(frames, in);
  return b.Build("aligned_conv1d", Conv1dOp{.input = input,
                                            .weight = b.Weight(out, 3 * in),
                                            .bias = b.Weight(1, out),
                                            .output = b.Slot(frames, out),
                                            .stride = 1,
                                            .activation = Activation::kGelu});
}

OpCase AlignedAttention(int32_t query_count, int32_t key_count, int32_t heads, int32_t width) {
  AlignedCase b;
  const int32_t queries = b.Length(query_count), keys = b.Length(key_count);
  const int32_t columns = heads * width;
  return b.Build("aligned_attention", AttentionOp{.query = b.Slot(queries, columns),
                                                  .key = b.Slot(keys, columns),
                                                  .value = b.Slot(keys, columns),
                                                  .output = b.Slot(queries, columns),
                                                  .heads = heads});
}

TEST(VulkanKernelsTest, ProductsThroughSharedMemory) {
  VULKAN_OR_SKIP(backend, {.gemm = VulkanOptions::Gemm::kTiled});
  ExpectLikeReference(*backend, Third(conformance::LinearCases(DType::kF32)));
  ExpectLikeReference(*backend, Third(conformance::Conv1dCases(DType::kF16)));
  ExpectLikeReference(*backend, Third(conformance::Conv2dReluCases(DType::kBF16)));
  ExpectLikeReference(*backend, {AlignedLinear(45, 52, 76)});
}

// The same with operands that f16 holds exactly: what rounds them may then differ no more than
// others.
std::vector<OpCase> Rounded(std::vector<OpCase> cases) {
  for (OpCase& op_case : cases) {
    for (std::vector<std::byte>& bytes : op_case.contents) {
      for (size_t at = 0; at + 4 <= bytes.size(); at += 4) {
        float value;
        std::memcpy(&value, &bytes[at], 4);
        value = HalfToFloat(FloatToHalf(value));
        std::memcpy(&bytes[at], &value, 4);
      }
    }
  }
  return cases;
}

bool HasMatrixUnits(const Backend& backend) {
  return backend.info().detail.find("matrix units") != std::string::npos;
}

TEST(VulkanKernelsTest, ProductsOnMatrixUnits) {
  VULKAN_OR_SKIP(backend, {.gemm = VulkanOptions::Gemm::kCooperative});
  if (!HasMatrixUnits(*backend)) GTEST_SKIP() << "no matrix units";
  EXPECT_NE(backend->info().detail.find("in use"), std::string::npos) << backend->info().detail;
  ExpectLikeReference(*backend, Rounded(Third(conformance::LinearCases(DType::kF16))));
  ExpectLikeReference(*backend, Rounded(Third(conformance::LinearCases(DType::kI8))));
  ExpectLikeReference(*backend, Rounded(Third(conformance::Conv1dCases(DType::kF16))));
  ExpectLikeReference(*backend, Rounded(Third(conformance::Conv2dReluCases(DType::kF16))));
}

PFN_vkCreateComputePipelines real_create = nullptr;

VKAPI_ATTR VkResult VKAPI_CALL FailForWholeSubgroups(VkDevice device, VkPipelineCache cache,
                                                     uint32_t count,
                                                     const VkComputePipelineCreateInfo* infos,
                                                     const VkAllocationCallbacks* callbacks,
                                                     VkPipeline* pipelines) {
  if (infos->stage.flags != 0) return VK_ERROR_UNKNOWN;
  return real_create(device, cache, count, infos, callbacks, pipelines);
}

TEST(VulkanKernelsTest, MatrixUnitsThatFailAreNotUsed) {
  const auto fail = [](vulkan::Functions* functions) {
    real_create = functions->CreateComputePipelines;
    functions->CreateComputePipelines = FailForWholeSubgroups;
  };
  VULKAN_OR_SKIP(backend, {.gemm = VulkanOptions::Gemm::kCooperative, .adjust_functions = fail});
  if (!HasMatrixUnits(*backend)) GTEST_SKIP() << "no matrix units";
  EXPECT_NE(backend->info().detail.find("not used"), std::string::npos) << backend->info().detail;
  ExpectLikeReference(*backend, {AlignedLinear(45, 52, 76)});
}

// Rows around a tile's and a subgroup's, columns that end within a workgroup and a vec4, keys
// around a block's.
std::vector<OpCase> AlignedCases() {
  return {AlignedLinear(1, 64, 40),        AlignedLinear(6, 68, 132),
          AlignedLinear(45, 52, 76),       AlignedLinear(32, 20, 31),
          AlignedLinear(65, 64, 33),       AlignedConv1d(37, 8, 20),
          AlignedAttention(21, 35, 3, 16), AlignedAttention(5, 70, 2, 24),
          AlignedAttention(9, 1, 1, 8),    AlignedAttention(40, 24, 2, 64)};
}

TEST(VulkanKernelsTest, WindowsThatBeginAtAVector) {
  VULKAN_OR_SKIP(backend);
  ExpectLikeReference(*backend, AlignedCases());
}

TEST(VulkanKernelsTest, InvocationsThatLoadForThemselves) {
  VULKAN_OR_SKIP(backend, {.gemm = VulkanOptions::Gemm::kDirect});
  ExpectLikeReference(*backend, AlignedCases());
}

TEST(VulkanKernelsTest, MemoryOfItsOwnIsStaged) {
  VULKAN_OR_SKIP(backend, {.separate_memory = true});
  ExpectLikeReference(*backend, Third(conformance::EmbedCases(DType::kF16)));
  ExpectLikeReference(*backend, {AlignedLinear(45, 52, 76), AlignedLinear(400, 52, 76)});
  EXPECT_NE((*backend->Allocate(65536))->host(), nullptr) << "small ones go over the bus";
  EXPECT_EQ((*backend->Allocate(65537))->host(), nullptr);
}

TEST(VulkanKernelsTest, FreshBuffersReadAsZeros) {
  for (const bool separate : {false, true}) {
    VULKAN_OR_SKIP(backend, {.separate_memory = separate});
    for (const size_t size : {1000, 100'001}) {
      std::vector<std::byte> bytes(size, std::byte{7}), zeros(size);
      {
        const auto used = *backend->Allocate(size);
        ASSERT_TRUE(used->Write(0, bytes).ok());
      }
      const auto fresh = backend->Allocate(size);
      ASSERT_TRUE(fresh.ok());
      ASSERT_TRUE((*fresh)->Read(0, bytes).ok());
      EXPECT_EQ(bytes, zeros);
    }
  }
}

TEST(VulkanKernelsTest, WeightsBeyondAStorageBufferAreCut) {
  VULKAN_OR_SKIP(backend, {.largest_weight_bytes = 16 * 1024});
  ExpectLikeReference(*backend, {AlignedLinear(1, 64, 333), AlignedLinear(20, 64, 333)});
  ExpectLikeReference(*backend, Third(conformance::EmbedCases(DType::kF32)));
  const OpCase wide = AlignedLinear(1, 4096, 4);
  const auto refused = backend->Compile(wide.plan);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), StatusCode::kUnsupported);
}

TEST(VulkanKernelsTest, TheSameRunGivesTheSameBits) {
  VULKAN_OR_SKIP(backend);
  const OpCase op_case = AlignedAttention(21, 35, 3, 16);
  const BoundCase bound(*backend, op_case);
  ASSERT_NE(bound.state(), nullptr);
  ASSERT_TRUE(bound.state()->Run(bound.lengths(), {}).ok());
  const Contents first = bound.Read();
  ASSERT_TRUE(bound.state()->Run(bound.lengths(), {}).ok());
  EXPECT_EQ(first, bound.Read());
}

}  // namespace
}  // namespace espalier
