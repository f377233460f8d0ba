// Plan::Validate: what a backend may rely on. Shape rules come with each op's formula (graph/ops).
#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/string_format.h"
#include "runtime/graph/op_visit.h"
#include "runtime/graph/plan.h"

namespace espalier {
namespace {

// Indices and column windows of one op's operands.
class OperandChecker {
 public:
  explicit OperandChecker(const Plan& plan) : plan_(plan) {}

  void Read(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Write(const char* name, const TensorRef& ref) {
    if (!ref.present()) error_ = StrFormat("%s is missing", name);
    Tensor(name, ref);
  }
  void Update(const char* name, const TensorRef& ref) { Write(name, ref); }
  void Constant(const char* name, const WeightRef& ref) {
    if (ref.index >= static_cast<int32_t>(plan_.weights.size())) {
      error_ = StrFormat("%s: no weight %d", name, ref.index);
    }
  }
  template <typename T>
  void Parameter(const char*, T) {}

  const std::string& error() const { return error_; }

 private:
  void Tensor(const char* name, const TensorRef& ref) {
    if (!ref.present()) return;
    if (ref.slot >= static_cast<int32_t>(plan_.slots.size())) {
      error_ = StrFormat("%s: no slot %d", name, ref.slot);
      return;
    }
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    if (ref.column_begin < 0 || ref.column_count <= 0 ||
        ref.column_begin + ref.column_count > slot.columns) {
      error_ = StrFormat("%s: columns [%d, %d) of slot %s, which has %d", name, ref.column_begin,
                         ref.column_begin + ref.column_count, slot.name.c_str(), slot.columns);
    }
  }

  const Plan& plan_;
  std::string error_;
};

// Shape rules. Each returns an empty string or what is wrong.
class ShapeChecker {
 public:
  explicit ShapeChecker(const Plan& plan) : plan_(plan) {}

  std::string operator()(const LinearOp& op) const {
    if (!op.input.present() || !op.weight.present()) return "input or weight is missing";
    const Weight& w = At(op.weight);
    if (w.columns != op.input.column_count)
      return Mismatch("weight columns", w.columns, "input columns", op.input.column_count);
    if (w.rows != op.output.column_count)
      return Mismatch("weight rows", w.rows, "output columns", op.output.column_count);
    if (op.bias.present() && !IsRow(op.bias, w.rows))
      return "bias is not one row of the output's width";
    if (op.residual.present() && op.residual.column_count != op.output.column_count) {
      return Mismatch("residual columns", op.residual.column_count, "output columns",
                      op.output.column_count);
    }
    if (Overlap(op.input, op.output)) return "output overlaps input";
    return SameRows(op.input, op.output);
  }
  std::string operator()(const LayerNormOp& op) const {
    if (!IsRow(op.gamma, op.input.column_count) || !IsRow(op.beta, op.input.column_count)) {
      return "gamma or beta is not one row of the input's width";
    }
    return SameShape(op.input, op.output);
  }
  std::string operator()(const ColumnAffineOp& op) const {
    if (op.scale.present() && !IsRow(op.scale, op.input.column_count))
      return "scale is not one row of the input's width";
    if (op.shift.present() && !IsRow(op.shift, op.input.column_count))
      return "shift is not one row of the input's width";
    return SameShape(op.input, op.output);
  }
  std::string operator()(const Conv2dReluOp& op) const {
    if (op.input.column_count != op.in_frequencies * op.in_channels)
      return "input columns are not frequencies x channels";
    if (op.out_frequencies != (op.in_frequencies - 3) / 2 + 1)
      return "output frequencies do not follow from the input's";
    if (op.output.column_count != op.out_frequencies * op.out_channels)
      return "output columns are not frequencies x channels";
    const Weight& w = At(op.weight);
    if (w.rows != op.out_channels || w.columns != int64_t{op.in_channels} * 9)
      return "weight is not (out, in*9)";
    if (!IsRow(op.bias, op.out_channels)) return "bias is not one row of the output's channels";
    return ConvRows(op.input, op.output, 3, 2, 0);
  }
  std::string operator()(const Conv1dOp& op) const {
    const Weight& w = At(op.weight);
    if (w.rows != op.output.column_count || w.columns != int64_t{op.input.column_count} * 3)
      return "weight is not (out, in*3)";
    if (!IsRow(op.bias, w.rows)) return "bias is not one row of the output's width";
    if (op.stride != 1 && op.stride != 2) return "stride is neither 1 nor 2";
    return op.stride == 1 ? SameRows(op.input, op.output) : ConvRows(op.input, op.output, 3, 2, 1);
  }
  std::string operator()(const DepthwiseConvOp& op) const {
    const Weight& w = At(op.weight);
    if (w.rows != op.input.column_count || w.columns % 2 == 0)
      return "weight is not (channels, odd kernel)";
    if (!IsRow(op.bias, w.rows)) return "bias is not one row of the channels";
    if (op.multiplier.present() && op.add_input)
      return "multiplier and add_input exclude each other";
    if (op.multiplier.present() && !SameShape(op.multiplier, op.output).empty())
      return "multiplier has another shape than output";
    if (Overlap(op.input, op.output)) return "output overlaps input";
    return SameShape(op.input, op.output);
  }
  std::string operator()(const AttentionOp& op) const {
    if (op.heads <= 0 || op.query.column_count % op.heads != 0)
      return "heads do not divide the width";
    if (op.key.column_count != op.query.column_count ||
        op.value.column_count != op.query.column_count)
      return "query, key and value differ in width";
    if (!SameRows(op.key, op.value).empty()) return "key and value differ in rows";
    if (At(op.key).dtype != At(op.value).dtype) return "key and value differ in type";
    if (Overlap(op.query, op.output) || Overlap(op.key, op.output) || Overlap(op.value, op.output))
      return "output overlaps an input";
    return SameShape(op.query, op.output);
  }
  std::string operator()(const CachedAttentionOp& op) const {
    if (op.heads <= 0 || op.query.column_count % op.heads != 0)
      return "heads do not divide the width";
    const int64_t rows = int64_t{op.lane_count} * op.position_count;
    for (const TensorRef* cache : {&op.key_cache, &op.value_cache}) {
      if (At(*cache).external < 0) return "the cache is not an external slot";
      if (plan_.MaxRows(At(*cache)) != rows || cache->column_count != op.query.column_count)
        return "the cache is not (positions*lanes, width)";
    }
    if (At(op.key_cache).dtype != At(op.value_cache).dtype) return "the caches differ in type";
    for (const TensorRef* index : {&op.positions, &op.lanes, &op.history}) {
      if (!index->present() || At(*index).dtype != DType::kI32)
        return "positions, lanes or history is not an i32 slot";
    }
    if (plan_.MaxRows(At(op.history)) != op.lane_count ||
        op.history.column_count != op.position_count)
      return "history is not (lanes, positions)";
    if (!SameShape(op.query, op.key).empty() || !SameShape(op.query, op.value).empty())
      return "query, key and value differ in shape";
    if (Overlap(op.query, op.output) || Overlap(op.key, op.output) || Overlap(op.value, op.output))
      return "output overlaps an input";
    return SameShape(op.query, op.output);
  }
  std::string operator()(const AttentionWeightsOp& op) const {
    if (!op.query.present() || !op.key.present()) return "query or key is missing";
    if (op.key.column_count != op.query.column_count) return "query and key differ in width";
    if (op.weights.column_count < plan_.MaxRows(At(op.key)))
      return "weights have fewer columns than there are keys";
    if (Overlap(op.query, op.weights) || Overlap(op.key, op.weights))
      return "weights overlap an input";
    return SameRows(op.query, op.weights);
  }
  std::string operator()(const EmbedOp& op) const {
    if (!op.tokens.present() || At(op.tokens).dtype != DType::kI32)
      return "tokens is not an i32 slot";
    if (!op.table.present() || At(op.table).columns != op.output.column_count)
      return "table columns differ from the output's";
    if (op.position_table.present() != op.positions.present())
      return "positions and position_table go together";
    if (op.position_table.present() && At(op.position_table).columns != op.output.column_count)
      return "position_table columns differ from the output's";
    return SameRows(op.tokens, op.output);
  }
  std::string operator()(const AddPositionsOp& op) const {
    const Weight& table = At(op.table);
    if (table.columns != op.input.column_count || table.rows < plan_.MaxRows(At(op.input)))
      return "table is smaller than the input";
    return SameShape(op.input, op.output);
  }
  std::string operator()(const GatherRowsOp& op) const {
    if (!op.indices.present() || At(op.indices).dtype != DType::kI32)
      return "indices is not an i32 slot";
    if (op.input.column_count != op.output.column_count)
      return "input and output differ in columns";
    return SameRows(op.indices, op.output);
  }
  std::string operator()(const GatherColumnsOp& op) const {
    if (!op.input.present() || !op.indices.present()) return "input or indices is missing";
    if (At(op.indices).dtype != DType::kI32 || At(op.indices).length >= 0 ||
        At(op.indices).fixed_rows != 1)
      return "indices is not one row of i32";
    if (op.indices.column_count != op.output.column_count)
      return "indices and output differ in columns";
    if (Overlap(op.input, op.output)) return "output overlaps input";
    return SameRows(op.input, op.output);
  }
  std::string operator()(const MeanPoolOp& op) const {
    if (At(op.output).length >= 0 || At(op.output).fixed_rows != 1) return "output is not one row";
    return op.input.column_count == op.output.column_count ? ""
                                                           : "input and output differ in columns";
  }
  std::string operator()(const LogSoftmaxOp& op) const { return SameShape(op.input, op.output); }
  std::string operator()(const TopTokensOp& op) const {
    if (!op.allowed.present() || At(op.allowed).dtype != DType::kI32)
      return "allowed is not an i32 slot";
    if (!op.tokens.present() || At(op.tokens).dtype != DType::kI32)
      return "tokens is not an i32 slot";
    const int32_t vocabulary = op.log_probs.column_count;
    if (op.allowed.column_count != (vocabulary + 31) / 32)
      return "allowed does not have a bit for each column of log_probs";
    if (op.tokens.column_count < 2 || op.tokens.column_count % 2 != 0)
      return "tokens does not have two groups of columns";
    if (op.scores.column_count != op.tokens.column_count + 3)
      return "scores does not have three columns more than tokens";
    if (op.split_begin < 0 || op.split_begin > op.split_end || op.split_end > vocabulary)
      return "the split is not within log_probs";
    if (op.watched < 0 || op.watched >= vocabulary) return "watched is not a column of log_probs";
    for (const TensorRef& other : {op.allowed, op.tokens, op.scores}) {
      if (const std::string problem = SameRows(op.log_probs, other); !problem.empty()) {
        return problem;
      }
    }
    return "";
  }
  std::string operator()(const CtcPrefixScoreOp& op) const {
    if (!op.tokens.present() || At(op.tokens).dtype != DType::kI32)
      return "tokens is not an i32 slot";
    if (!op.hypotheses.present() || At(op.hypotheses).dtype != DType::kI32 ||
        op.hypotheses.column_count != kCtcHypothesisColumns)
      return "hypotheses is not an i32 slot of four columns";
    if (!op.log_probs.present() || At(op.state).external < 0 || At(op.state).length >= 0)
      return "log_probs is missing, or the state is not an external slot of fixed size";
    if (At(op.state).fixed_rows != 2 * plan_.MaxRows(At(op.log_probs)) ||
        op.state.column_count < op.tokens.column_count)
      return "the state is not (2·steps, states)";
    if (op.scores.column_count != op.tokens.column_count + 1)
      return "scores does not have a column more than tokens";
    const int32_t vocabulary = op.log_probs.column_count;
    if (op.blank < 0 || op.blank >= vocabulary || op.eos < 0 || op.eos >= vocabulary)
      return "blank or eos is not a column of log_probs";
    const std::string rows = SameRows(op.tokens, op.hypotheses);
    return rows.empty() ? SameRows(op.tokens, op.scores) : rows;
  }
  std::string operator()(const std::monostate&) const { return "not an op"; }

 private:
  const Slot& At(const TensorRef& ref) const { return plan_.slots[static_cast<size_t>(ref.slot)]; }
  const Weight& At(const WeightRef& ref) const {
    return plan_.weights[static_cast<size_t>(ref.index)];
  }

  bool IsRow(const WeightRef& ref, int64_t columns) const {
    return ref.present() && At(ref).rows == 1 && At(ref).columns == columns;
  }
  static bool Overlap(const TensorRef& a, const TensorRef& b) {
    return a.slot == b.slot && a.column_begin < b.column_begin + b.column_count &&
           b.column_begin < a.column_begin + a.column_count;
  }
  std::string SameRows(const TensorRef& a, const TensorRef& b) const {
    if (!a.present() || !b.present()) return "an operand is missing";
    if (At(a).length != At(b).length || At(a).fixed_rows != At(b).fixed_rows) {
      return "slots " + At(a).name + " and " + At(b).name + " differ in rows";
    }
    return "";
  }
  std::string SameShape(const TensorRef& a, const TensorRef& b) const {
    const std::string rows = SameRows(a, b);
    if (!rows.empty()) return rows;
    return a.column_count == b.column_count
               ? ""
               : "slots " + At(a).name + " and " + At(b).name + " differ in columns";
  }
  std::string ConvRows(const TensorRef& in, const TensorRef& out, int kernel, int stride,
                       int padding) const {
    const int32_t to = At(out).length;
    if (to < 0 || At(in).length < 0) return "a convolution needs row counts that the plan derives";
    const Length& length = plan_.lengths[static_cast<size_t>(to)];
    if (length.source != At(in).length || length.kernel != kernel || length.stride != stride ||
        length.padding != padding) {
      return "the output's length does not follow from the input's";
    }
    return "";
  }
  static std::string Mismatch(const char* a, int64_t x, const char* b, int64_t y) {
    return StrFormat("%s %lld, %s %lld", a, static_cast<long long>(x), b,
                     static_cast<long long>(y));
  }

  const Plan& plan_;
};

Status CheckSlots(const Plan& plan) {
  for (const Slot& slot : plan.slots) {
    const bool length_known = slot.length < static_cast<int32_t>(plan.lengths.size());
    if (!length_known || slot.columns <= 0 || (slot.length < 0 && slot.fixed_rows <= 0)) {
      return Internal(plan.name + ": slot " + slot.name + " has no shape");
    }
    if (slot.external >= plan.external_count) {
      return Internal(plan.name + ": slot " + slot.name + " names an external that is not there");
    }
    if (slot.external < 0 &&
        (slot.offset_bytes < 0 || slot.offset_bytes + plan.MaxBytes(slot) > plan.arena_bytes)) {
      return Internal(plan.name + ": slot " + slot.name + " lies outside the arena");
    }
  }
  for (const Weight& weight : plan.weights) {
    if (weight.data == nullptr || weight.rows <= 0 || weight.columns <= 0 ||
        weight.row_stride < weight.columns) {
      return Internal(plan.name + ": weight " + weight.name + " has no data or shape");
    }
    if (weight.row_ids != nullptr && static_cast<int64_t>(weight.row_ids->size()) != weight.rows) {
      return Internal(plan.name + ": weight " + weight.name + " selects another number of rows");
    }
    if ((weight.dtype == DType::kI8) != (weight.row_scales != nullptr)) {
      return Internal(plan.name + ": weight " + weight.name +
                      ": scales go with i8, and with it alone");
    }
    if (weight.dtype == DType::kI8 && !plan.of_i8_model) {
      return Internal(plan.name + ": weight " + weight.name + " is i8, its model is not");
    }
  }
  return OkStatus();
}

// The slots of one op that may be f16.
class HalfChecker {
 public:
  HalfChecker(const Plan& plan, const Op& op) : plan_(plan) {
    if (std::holds_alternative<LinearOp>(op)) {
      allowed_ = {"output"};
    } else if (std::holds_alternative<AttentionOp>(op)) {
      allowed_ = {"key", "value"};
    } else if (std::holds_alternative<AttentionWeightsOp>(op)) {
      allowed_ = {"key"};
    } else if (std::holds_alternative<CachedAttentionOp>(op)) {
      allowed_ = {"key_cache", "value_cache"};
    }
  }

  void Read(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Write(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Update(const char* name, const TensorRef& ref) { Tensor(name, ref); }
  void Constant(const char*, const WeightRef&) {}
  template <typename T>
  void Parameter(const char*, T) {}

  const std::string& error() const { return error_; }

 private:
  void Tensor(std::string_view name, const TensorRef& ref) {
    if (!ref.present()) return;
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    if (slot.dtype != DType::kF16) return;
    if (std::find(allowed_.begin(), allowed_.end(), name) == allowed_.end()) {
      error_ = std::string(name) + " is f16";
    } else if (slot.columns % 2 != 0 || ref.column_begin % 2 != 0 || ref.column_count % 2 != 0) {
      error_ = std::string(name) + " is f16 and not of whole words";
    }
  }

  const Plan& plan_;
  std::vector<std::string_view> allowed_;
  std::string error_;
};

// The operands of one op that may be stored as i8.
class Int8Checker {
 public:
  Int8Checker(const Plan& plan, const Op& op)
      : plan_(plan),
        allowed_(std::holds_alternative<LinearOp>(op)  ? "weight"
                 : std::holds_alternative<EmbedOp>(op) ? "table"
                                                       : "") {}

  void Read(const char*, const TensorRef&) {}
  void Write(const char*, const TensorRef&) {}
  void Update(const char*, const TensorRef&) {}
  void Constant(const char* name, const WeightRef& ref) {
    if (!ref.present() || name == allowed_) return;
    const Weight& weight = plan_.weights[static_cast<size_t>(ref.index)];
    if (weight.dtype == DType::kI8) misused_ = weight.name;
  }
  template <typename T>
  void Parameter(const char*, T) {}

  const std::string& misused() const { return misused_; }

 private:
  const Plan& plan_;
  std::string_view allowed_;
  std::string misused_;
};

}  // namespace

Status Plan::Validate() const {
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i].source >= static_cast<int32_t>(i) || lengths[i].stride <= 0) {
      return Internal(name + ": length " + lengths[i].name + " has no valid source");
    }
  }
  ESP_RETURN_IF_ERROR(CheckSlots(*this));
  for (size_t i = 0; i < ops.size(); ++i) {
    OperandChecker operands(*this);
    VisitOperands(ops[i], operands);
    const std::string error =
        operands.error().empty() ? std::visit(ShapeChecker(*this), ops[i]) : operands.error();
    if (!error.empty()) {
      return Internal(StrFormat("%s: op %zu %s: %s", name.c_str(), i,
                                std::string(OpName(ops[i])).c_str(), error.c_str()));
    }
    HalfChecker halves(*this, ops[i]);
    VisitOperands(ops[i], halves);
    if (!halves.error().empty()) {
      return Internal(StrFormat("%s: op %zu %s: %s", name.c_str(), i,
                                std::string(OpName(ops[i])).c_str(), halves.error().c_str()));
    }
    Int8Checker int8(*this, ops[i]);
    VisitOperands(ops[i], int8);
    if (!int8.misused().empty()) {
      return Unsupported(name + ": " + int8.misused() + ": stored as i8, which " +
                         std::string(OpName(ops[i])) + " does not read");
    }
  }
  return OkStatus();
}

}  // namespace espalier
