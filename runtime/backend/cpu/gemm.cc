// Matrix product of f32 or bfloat16 factors with packed weights; those of other types become
// factors a panel at a time.
//
// Blocks: a task is kTaskRows rows by some panels. For each kBlockDepth of the depth it copies its
// part of the left operand together (L2) where that is not in memory, then runs tiles down the rows
// of one panel at a time (the panel's part stays in L1, or in L2 where that keeps up). Sums wait in
// scratch between depths; the epilogue takes a panel's while they are in L1. Few rows skip the
// copies and stream each panel once.
#include "runtime/backend/cpu/gemm.h"

#include <algorithm>
#include <array>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/gemm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/bfloat_tile-inl.h"
#include "runtime/backend/cpu/epilogue-inl.h"
#include "runtime/backend/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

// Whisper-base's width in one piece where a panel is too wide for L1 anyway.
constexpr int64_t kBlockDepth = kPanelColumns >= 64 ? 512 : 384;
static_assert(kBlockDepth % 2 == 0);  // i8 weights lie in pairs of depths
// More rows than have their sums in L1 at once: a panel becomes f32 once for all of them.
constexpr int64_t kTaskRows = 2 * kBlockRows;

// The parts of a worker's scratch.
struct BlockScratch {
  float* inputs;  // (kTaskRows, kBlockDepth)
  float* sums;    // (panels, kTaskRows, kPanelColumns)
  float* panel;   // (kBlockDepth, kPanelColumns) of another type's weight as f32

  explicit BlockScratch(float* scratch)
      : inputs(scratch),
        sums(inputs + kTaskRows * kBlockDepth),
        panel(sums + kBlockPanels * kTaskRows * kPanelColumns) {}
  static constexpr int64_t kFloats = kTaskRows * kBlockDepth +
                                     kBlockPanels * kTaskRows * kPanelColumns +
                                     kBlockDepth * kPanelColumns;
};

// A panel's weights from a depth on, and the scales of its columns (i8).
template <typename W>
struct PanelPart {
  const W* weights;
  int64_t depth;
  const float* column_scales;
};

const float* PanelAsFloats(const PanelPart<float>& part, float*) { return part.weights; }

template <typename W>
const float* PanelAsFloats(const PanelPart<W>& part, float* scratch) {
  for (int64_t i = 0; i < part.depth * kPanelColumns; i += kLanes) {
    hn::StoreU(LoadFloats(part.weights + i), Floats(), scratch + i);
  }
  return scratch;
}

// The two depths of a pair lie side by side (packed_matrix.h): the low and the high bytes of 16-bit
// numbers. The scratch holds an even number of depths.
const float* PanelAsFloats(const PanelPart<int8_t>& part, float* scratch) {
  const Floats d;
  const hn::Rebind<int32_t, Floats> di;
  const hn::Rebind<int16_t, Floats> d16;
  const int8_t* from = part.weights;
  float* to = scratch;
  for (int64_t k = 0; k < part.depth; k += 2, from += 2 * kPanelColumns, to += 2 * kPanelColumns) {
    for (int64_t c = 0; c < kPanelColumns; c += kLanes) {
      const V scales = hn::LoadU(d, part.column_scales + c);
      const auto pairs =
          hn::PromoteTo(di, hn::LoadU(d16, reinterpret_cast<const int16_t*>(from + 2 * c)));
      const V even = hn::ConvertTo(d, hn::ShiftRight<24>(hn::ShiftLeft<24>(pairs)));
      const V odd = hn::ConvertTo(d, hn::ShiftRight<8>(pairs));
      hn::StoreU(hn::Mul(even, scales), d, to + c);
      hn::StoreU(hn::Mul(odd, scales), d, to + kPanelColumns + c);
    }
  }
  return scratch;
}

// A block of the left operand as factors, and how far apart its rows are.
template <typename Factor>
struct Rows {
  const Factor* data;
  int64_t stride;
};

// How the operands become factors. Inputs: the left one where it is, or in `scratch`, rows `stride`
// apart. A part of the depth is copied there: rows that are a multiple of a page apart would share
// few sets of the caches.
struct FloatFactors {
  using Products = FloatProducts;

  static Rows<float> Inputs(const GemmInput& input, const GemmInput::Block& block, bool is_part,
                            float* scratch, int64_t stride) {
    if (input.data == nullptr) {
      (*input.fill)(block, scratch, stride);
      return {scratch, stride};
    }
    const float* from = input.data + block.row_begin * input.row_stride + block.depth_begin;
    if (!is_part) return {from, input.row_stride};
    for (int64_t r = 0; r < block.row_count; ++r) {
      std::copy_n(from + r * input.row_stride, block.depth_count, scratch + r * stride);
    }
    return {scratch, stride};
  }

  template <typename W>
  static const float* Panel(const PanelPart<W>& part, float* scratch) {
    return PanelAsFloats(part, scratch);
  }
};

#if HWY_TARGET == HWY_AVX3
struct BFloatFactors {
  using Products = BFloatProducts;
  using Factor = BFloatProducts::Factor;

  static Rows<Factor> Inputs(const GemmInput& input, const GemmInput::Block& block, bool,
                             float* scratch, int64_t stride) {
    (*input.fill)(block, scratch, RoundUp(stride, Products::kGroup));
    return {reinterpret_cast<const Factor*>(scratch), RoundUp(stride, Products::kGroup)};
  }

  static const Factor* Panel(const PanelPart<Factor>& part, float*) { return part.weights; }
};
#endif

// Factors: FloatFactors or BFloatFactors. W: the weight's elements.
template <typename W, typename Factors = FloatFactors>
class Product {
 public:
  Product(const GemmInput& input, const PackedMatrix& weight, const GemmEpilogue& epilogue,
          const GemmOutput& output, const Workspace& workspace)
      : input_(input),
        weight_(weight),
        epilogue_(epilogue),
        output_(output),
        workspace_(workspace) {}

  void Run() const {
    if constexpr (!std::is_same_v<W, int8_t>) {
      if (input_.rows <= kFewRows) return RunFewRows();
    }
    RunBlocks();
  }

 private:
  using Products = typename Factors::Products;

  PanelPart<W> Panel(int64_t panel, int64_t depth_begin, int64_t depth) const {
    const W* weights = static_cast<const W*>(weight_.data()) +
                       (panel * weight_.packed_depth() + depth_begin) * kPanelColumns;
    return {weights, depth, weight_.column_scales().data() + panel * kPanelColumns};
  }
  FinishedTile At(int64_t row_begin, int64_t rows, int64_t panel) const {
    const int64_t column = panel * kPanelColumns;
    return {row_begin, rows, column, std::min(kPanelColumns, weight_.columns() - column)};
  }

  void RunFewRows() const {
    const int64_t depth = weight_.depth();
    const auto inputs =
        Factors::Inputs(input_, {0, input_.rows, 0, depth}, false, workspace_.shared(), depth);
    const RowPointers outputs = OutputRows(output_, 0, input_.rows);
    constexpr int64_t kTaskElements = 1 << 14;  // about 2 µs of memory traffic
    const int64_t block = kTaskElements / (depth * kPanelColumns) + 1;
    ParallelBlocks(workspace_.pool(), weight_.panel_count(), block,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t panel = begin; panel < end; ++panel)
                       FewRowsPanel(inputs, panel, outputs);
                   });
  }

  template <typename Factor>
  void FewRowsPanel(const Rows<Factor>& inputs, int64_t panel, const RowPointers& outputs) const {
    HWY_ALIGN float sums[kFewRows * kPanelColumns];
    const int64_t rows = input_.rows, depth = weight_.depth();
    TileRows<Products>(inputs.data, inputs.stride, rows, Panel(panel, 0, depth).weights,
                       RoundUp(depth, Products::kGroup), sums, kPanelColumns, false);
    Finish(FloatSums{sums}, At(0, rows, panel), epilogue_, outputs);
  }

  void RunBlocks() const {
    const int64_t row_blocks = (input_.rows + kTaskRows - 1) / kTaskRows;
    const int64_t panel_blocks = (weight_.panel_count() + kBlockPanels - 1) / kBlockPanels;
    // Row blocks of the same panels follow each other: the panels are then in L3.
    workspace_.pool().ParallelFor(row_blocks * panel_blocks, [&](int64_t task, int worker) {
      RunBlock(task % row_blocks * kTaskRows, task / row_blocks * kBlockPanels,
               workspace_.worker(worker));
    });
  }

  void RunBlock(int64_t row_begin, int64_t panel_begin, float* scratch) const {
    const BlockScratch parts(scratch);
    const int64_t rows = std::min(kTaskRows, input_.rows - row_begin);
    const int64_t panel_end = std::min(weight_.panel_count(), panel_begin + kBlockPanels);
    const int64_t depth = weight_.depth();
    for (int64_t k = 0; k < depth; k += kBlockDepth) {
      const int64_t count = std::min(kBlockDepth, depth - k);
      const auto inputs = Factors::Inputs(input_, {row_begin, rows, k, count}, count < depth,
                                          parts.inputs, kBlockDepth);
      for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
        const auto* weights = Factors::Panel(Panel(panel, k, count), parts.panel);
        for (int64_t r = 0; r < rows; r += kBlockRows) {
          const int64_t some = std::min(kBlockRows, rows - r);
          // With a single depth nothing has to wait, and the sums stay in L1.
          const int64_t place = depth <= kBlockDepth ? 0 : (panel - panel_begin) * kTaskRows + r;
          float* sums = parts.sums + place * kPanelColumns;
          TileRows<Products>(inputs.data + r * inputs.stride, inputs.stride, some, weights,
                             RoundUp(count, Products::kGroup), sums, kPanelColumns, k > 0);
          if (k + count == depth) {
            Finish(FloatSums{sums}, At(row_begin + r, some, panel), epilogue_,
                   OutputRows(output_, row_begin + r, some));
          }
        }
      }
    }
  }

  const GemmInput& input_;
  const PackedMatrix& weight_;
  const GemmEpilogue& epilogue_;
  const GemmOutput& output_;
  const Workspace& workspace_;
};

}  // namespace

void Gemm(const GemmInput& input, const PackedMatrix& weight, const GemmEpilogue& epilogue,
          const GemmOutput& output, const Workspace& workspace) {
  if (input.rows == 0) return;
#if HWY_TARGET == HWY_AVX3
  if (weight.has_bfloat_pairs()) {
    return Product<BFloatProducts::Value, BFloatFactors>(input, weight, epilogue, output, workspace)
        .Run();
  }
#endif
  switch (weight.dtype()) {
    case DType::kF16:
      return Product<Half>(input, weight, epilogue, output, workspace).Run();
    case DType::kBF16:
      return Product<BFloat>(input, weight, epilogue, output, workspace).Run();
    case DType::kI8:
      return Product<int8_t>(input, weight, epilogue, output, workspace).Run();
    default:
      return Product<float>(input, weight, epilogue, output, workspace).Run();
  }
}

ScratchSize GemmScratch(int64_t rows, const PackedMatrix& weight) {
  return {.per_worker = rows > kFewRows ? BlockScratch::kFloats : 0,
          .shared = kFewRows * weight.depth()};
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
