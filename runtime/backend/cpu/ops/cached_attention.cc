// A task is one head: its part of the cache (some ten KB per row) stays in L1 for all hypotheses
// that share a history.
#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "runtime/backend/cpu/ops/cached_attention.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "runtime/backend/cpu/attend-inl.h"
#include "runtime/backend/cpu/kernel.h"

HWY_BEFORE_NAMESPACE();
namespace espalier::cpu::HWY_NAMESPACE {
namespace {

// Cache row of position t of one hypothesis.
struct HistoryRows {
  const int32_t* history;
  int64_t lane_count;
  int64_t operator()(int64_t t) const { return t * lane_count + history[t]; }
};

// T: of the cache.
template <typename T>
class CachedAttentionKernel : public Kernel {
 public:
  explicit CachedAttentionKernel(const CachedAttentionOp& op) : op_(op) {}

  ScratchSize Scratch() const override { return {.per_worker = kRowGroup * ScoreStride()}; }

  void Run(const Operands& operands, const Workspace& workspace) const override {
    WriteCache(operands);
    workspace.pool().ParallelFor(op_.heads, [&](int64_t head, int worker) {
      RunHead(operands, head, workspace.worker(worker));
    });
  }

 private:
  int64_t ScoreStride() const { return RoundUp(op_.position_count, kLanes) + kLanes; }

  void WriteCache(const Operands& operands) const {
    const MatrixView<float> k = operands.F32(op_.key), v = operands.F32(op_.value);
    const MatrixView<T> keys = ViewAs<T>(operands, op_.key_cache);
    const MatrixView<T> values = ViewAs<T>(operands, op_.value_cache);
    const auto positions = operands.I32(op_.positions), lanes = operands.I32(op_.lanes);
    for (int64_t r = 0; r < k.rows; ++r) {
      const int64_t row = int64_t{*positions.row(r)} * op_.lane_count + *lanes.row(r);
      Write(k.row(r), k.columns, keys.row(row));
      Write(v.row(r), v.columns, values.row(row));
    }
  }

  static void Write(const float* from, int64_t count, T* to) {
    if constexpr (std::is_same_v<T, float>) {
      std::copy_n(from, count, to);
    } else {
      StoreHalves(from, count, to);
    }
  }

  void RunHead(const Operands& operands, int64_t head, float* scores) const {
    const MatrixView<float> q = operands.F32(op_.query), y = operands.F32(op_.output);
    const auto positions = operands.I32(op_.positions), lanes = operands.I32(op_.lanes);
    const auto history = operands.I32(op_.history);
    const int64_t width = q.columns / op_.heads;
    const float scale = 1.0f / std::sqrt(static_cast<float>(width));
    HeadMemory<T, HistoryRows> memory{.keys = ViewAs<T>(operands, op_.key_cache),
                                      .values = ViewAs<T>(operands, op_.value_cache),
                                      .begin = head * width,
                                      .width = width,
                                      .rows = {nullptr, op_.lane_count}};
    for (int64_t begin = 0; begin < q.rows;) {
      const int32_t lane = *lanes.row(begin);
      memory.rows.history = history.row(lane);
      std::array<AttendingRow, static_cast<size_t>(kRowGroup)> rows;
      int64_t count = 0;
      // The tokens of a prompt share a lane and hence a history.
      for (int64_t r = begin; r < q.rows && count < kRowGroup && *lanes.row(r) == lane; ++r) {
        rows[static_cast<size_t>(count)] = {.query = q.row(r) + memory.begin,
                                            .count = int64_t{*positions.row(r)} + 1,
                                            .scores = scores + count * ScoreStride(),
                                            .out = y.row(r) + memory.begin};
        ++count;
      }
      AttendRows(memory, scale, rows.data(), count);
      begin += count;
    }
  }

  CachedAttentionOp op_;
};

}  // namespace

Result<std::unique_ptr<Kernel>> MakeKernel(const CachedAttentionOp& op,
                                           const Preparation& preparation) {
  if (preparation.TypeOf(op.key_cache) == DType::kF16) {
    return std::unique_ptr<Kernel>(std::make_unique<CachedAttentionKernel<Half>>(op));
  }
  return std::unique_ptr<Kernel>(std::make_unique<CachedAttentionKernel<float>>(op));
}

}  // namespace espalier::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
