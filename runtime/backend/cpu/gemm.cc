// f32 matrix product with packed weights; those of 8 and 16 bits become f32 a panel at a time.
//
// Blocks: a task is kBlockRows rows by some panels. For each kBlockDepth of the depth it copies its
// part of the left operand together (L2), then runs tiles down the rows of one panel at a time
// (the panel's part stays in L1). Sums wait in scratch between depths; the epilogue takes a panel's
// while they are in L1. Few rows skip the copies and stream each panel once.
#include "runtime/backend/cpu/gemm.h"

#include <algorithm>
#include <array>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/gemm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/epilogue-inl.h"
#include "runtime/backend/cpu/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlockDepth = 384;
static_assert(kBlockDepth % 2 == 0);  // i8 weights lie in pairs of depths

// The parts of a worker's scratch.
struct BlockScratch {
  float* inputs;  // (kBlockRows, kBlockDepth)
  float* sums;    // (panels, kBlockRows, kPanelColumns)
  float* panel;   // (kBlockDepth, kPanelColumns) of another type's weight as f32

  explicit BlockScratch(float* scratch)
      : inputs(scratch),
        sums(inputs + kBlockRows * kBlockDepth),
        panel(sums + kBlockPanels * kBlockRows * kPanelColumns) {}
  static constexpr int64_t kFloats = kBlockRows * kBlockDepth +
                                     kBlockPanels * kBlockRows * kPanelColumns +
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
    hn::StoreU(LoadWeights(part.weights + i), Floats(), scratch + i);
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

template <typename W>
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
  PanelPart<W> Panel(int64_t panel, int64_t depth_begin, int64_t depth) const {
    const W* weights = static_cast<const W*>(weight_.data()) +
                       (panel * weight_.packed_depth() + depth_begin) * kPanelColumns;
    return {weights, depth, weight_.column_scales().data() + panel * kPanelColumns};
  }
  FinishedTile At(const float* sums, int64_t row_begin, int64_t rows, int64_t panel) const {
    const int64_t column = panel * kPanelColumns;
    return {sums, row_begin, rows, column, std::min(kPanelColumns, weight_.columns() - column)};
  }

  void RunFewRows() const {
    float* inputs = workspace_.shared();
    const int64_t rows = input_.rows, depth = weight_.depth();
    input_.fill({0, rows, 0, depth}, inputs, depth);
    const RowPointers outputs = OutputRows(output_, 0, rows);
    constexpr int64_t kTaskElements = 1 << 14;  // about 2 µs of memory traffic
    const int64_t block = kTaskElements / (depth * kPanelColumns) + 1;
    ParallelBlocks(workspace_.pool(), weight_.panel_count(), block,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t panel = begin; panel < end; ++panel)
                       FewRowsPanel(inputs, panel, outputs);
                   });
  }

  void FewRowsPanel(const float* inputs, int64_t panel, const RowPointers& outputs) const {
    HWY_ALIGN float sums[kFewRows * kPanelColumns];
    const int64_t rows = input_.rows, depth = weight_.depth();
    TileRows<FloatProducts>(inputs, depth, rows, Panel(panel, 0, depth).weights, depth, sums,
                            kPanelColumns, false);
    Finish(At(sums, 0, rows, panel), epilogue_, outputs);
  }

  void RunBlocks() const {
    const int64_t row_blocks = (input_.rows + kBlockRows - 1) / kBlockRows;
    const int64_t panel_blocks = (weight_.panel_count() + kBlockPanels - 1) / kBlockPanels;
    // Row blocks of the same panels follow each other: the panels are then in L3.
    workspace_.pool().ParallelFor(row_blocks * panel_blocks, [&](int64_t task, int worker) {
      RunBlock(task % row_blocks * kBlockRows, task / row_blocks * kBlockPanels,
               workspace_.worker(worker));
    });
  }

  void RunBlock(int64_t row_begin, int64_t panel_begin, float* scratch) const {
    const BlockScratch parts(scratch);
    const int64_t rows = std::min(kBlockRows, input_.rows - row_begin);
    const int64_t panel_end = std::min(weight_.panel_count(), panel_begin + kBlockPanels);
    const RowPointers outputs = OutputRows(output_, row_begin, rows);
    const int64_t depth = weight_.depth();
    for (int64_t k = 0; k < depth; k += kBlockDepth) {
      const int64_t count = std::min(kBlockDepth, depth - k);
      input_.fill({row_begin, rows, k, count}, parts.inputs, kBlockDepth);
      for (int64_t panel = panel_begin; panel < panel_end; ++panel) {
        // With a single depth nothing has to wait, and the sums stay in L1.
        const int64_t place = depth <= kBlockDepth ? 0 : panel - panel_begin;
        float* sums = parts.sums + place * kBlockRows * kPanelColumns;
        const float* weights = PanelAsFloats(Panel(panel, k, count), parts.panel);
        TileRows<FloatProducts>(parts.inputs, kBlockDepth, rows, weights, count, sums,
                                kPanelColumns, k > 0);
        if (k + count == depth) Finish(At(sums, row_begin, rows, panel), epilogue_, outputs);
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
