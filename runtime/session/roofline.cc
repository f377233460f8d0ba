#include "runtime/session/roofline.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/graph/cost.h"
#include "runtime/graph/op_visit.h"
#include "runtime/model/stages.h"
#include "runtime/search/beam_search.h"

namespace espalier {
namespace {

// Data sheets of NVIDIA's A40 (48 GB), A100 (SXM, 80 GB), L4 and H100 (SXM).
const std::vector<Hardware>& AllHardware() {
  static const std::vector<Hardware> all = {
      {.name = "a40", .tensor_flops = 149.7e12, .f32_flops = 37.4e12, .bytes = 696e9},
      {.name = "a100", .tensor_flops = 312e12, .f32_flops = 19.5e12, .bytes = 2039e9},
      {.name = "l4", .tensor_flops = 121e12, .f32_flops = 30.3e12, .bytes = 300e9},
      {.name = "h100", .tensor_flops = 989e12, .f32_flops = 67e12, .bytes = 3350e9},
  };
  return all;
}

// Beyond, products with 16-bit or i8 weights go to tensor cores, and so does attention in a plan
// with such weights (backend/cuda/library/ops/{product,attention}.cc).
constexpr int32_t kFewRows = 8;
constexpr int32_t kFewQueries = 16;

// What a GPU's memory gives at once, however little is wanted.
constexpr double kSectorBytes = 32;

bool IsRounded(const Weight& weight) { return weight.dtype != DType::kF32; }

// Adds the bytes of the activations that an op reads and writes, and finds weights that are not
// f32.
class Traffic {
 public:
  Traffic(const Plan& plan, std::span<const int32_t> lengths, int32_t cached_positions)
      : plan_(plan), lengths_(lengths), cached_positions_(cached_positions) {}
  void Read(const char*, const TensorRef& ref) { Add(ref); }
  void Write(const char*, const TensorRef& ref) { Add(ref); }
  // A cache: the positions so far, which hypotheses share for the most part.
  void Update(const char*, const TensorRef& ref) { bytes_ += RowBytes(ref) * cached_positions_; }
  void Constant(const char*, const WeightRef& ref) {
    if (!ref.present()) return;
    has_rounded_ = has_rounded_ || IsRounded(plan_.weights[static_cast<size_t>(ref.index)]);
  }
  template <typename T>
  void Parameter(const char*, T) {}

  // In place of a visit: of the log-probabilities a candidate reads a sector of its own each step,
  // of the states those of the hypotheses, and it writes its own.
  void AddCtc(const CtcPrefixScoreOp& op) {
    const double steps = Rows(op.log_probs), rows = Rows(op.tokens);
    const double candidates = rows * op.tokens.column_count;
    bytes_ += steps * kSectorBytes * (candidates + 1) + 2 * steps * 4.0 * (rows + candidates);
  }

  double bytes() const { return bytes_; }
  bool has_rounded() const { return has_rounded_; }
  int32_t Rows(const TensorRef& ref) const {
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    return slot.length >= 0 ? lengths_[static_cast<size_t>(slot.length)] : slot.fixed_rows;
  }

 private:
  void Add(const TensorRef& ref) {
    if (!ref.present()) return;
    bytes_ += RowBytes(ref) * Rows(ref);
  }
  double RowBytes(const TensorRef& ref) const {
    const Slot& slot = plan_.slots[static_cast<size_t>(ref.slot)];
    return static_cast<double>(DTypeSize(slot.dtype)) * ref.column_count;
  }

  const Plan& plan_;
  std::span<const int32_t> lengths_;
  int32_t cached_positions_;
  double bytes_ = 0;
  bool has_rounded_ = false;
};

// Which of an op's work is done by the tensor cores. Only products and attention are.
class OnTensorCores {
 public:
  OnTensorCores(const Traffic& traffic, bool plan_is_rounded)
      : traffic_(traffic), plan_is_rounded_(plan_is_rounded) {}
  bool operator()(const LinearOp& op) const { return Product(op.output); }
  bool operator()(const Conv1dOp& op) const { return Product(op.output); }
  bool operator()(const Conv2dReluOp& op) const { return Product(op.output); }
  bool operator()(const AttentionOp& op) const {
    return plan_is_rounded_ && traffic_.Rows(op.query) > kFewQueries;
  }
  template <typename T>
  bool operator()(const T&) const {
    return false;
  }

 private:
  bool Product(const TensorRef& output) const {
    return traffic_.has_rounded() && traffic_.Rows(output) > kFewRows;
  }

  const Traffic& traffic_;
  bool plan_is_rounded_;
};

StageLimit LimitOf(const Plan& plan, std::span<const int32_t> lengths, int32_t cached_positions,
                   const Hardware& hardware) {
  StageLimit limit{.stage = plan.name, .ops = static_cast<int64_t>(plan.ops.size())};
  const bool any_rounded = std::any_of(plan.weights.begin(), plan.weights.end(), IsRounded);
  for (const Op& op : plan.ops) {
    const Cost cost = OpCost(plan, op, lengths, cached_positions);
    Traffic traffic(plan, lengths, cached_positions);
    if (const auto* ctc = std::get_if<CtcPrefixScoreOp>(&op)) {
      traffic.AddCtc(*ctc);
    } else {
      VisitOperands(op, traffic);
    }
    const double flops = 2.0 * static_cast<double>(cost.multiply_adds);
    const double bytes = static_cast<double>(cost.weight_bytes) + traffic.bytes();
    const bool tensor_cores = std::visit(OnTensorCores(traffic, any_rounded), op);
    const double peak = tensor_cores ? hardware.tensor_flops : hardware.f32_flops;
    limit.flops += flops;
    limit.weight_bytes += static_cast<double>(cost.weight_bytes);
    limit.bytes += bytes;
    limit.seconds += std::max(flops / peak, bytes / hardware.bytes);
  }
  return limit;
}

}  // namespace

const Hardware* FindHardware(const std::string& name) {
  for (const Hardware& each : AllHardware()) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

std::vector<std::string> HardwareNames() {
  std::vector<std::string> names;
  for (const Hardware& each : AllHardware()) names.push_back(each.name);
  return names;
}

double Roofline::WindowSeconds() const {
  double sum = 0;
  for (const StageLimit& stage : window) sum += stage.seconds;
  return sum;
}

Result<Roofline> PredictLimits(const Engine& engine, const GateMask& gates,
                               const Hardware& hardware, const RooflineOptions& options) {
  StageOptions stage_options{.gates = gates, .lane_count = options.beam_size};
  const auto limit = [&](Stage stage, std::span<const int32_t> given,
                         std::vector<int32_t>* lengths) -> Result<StageLimit> {
    ESP_ASSIGN_OR_RETURN(const std::shared_ptr<const Plan> plan,
                         engine.plans().Build(stage, stage_options));
    lengths->assign(plan->lengths.size(), 0);
    ESP_RETURN_IF_ERROR(plan->ResolveLengths(given, *lengths));
    return LimitOf(*plan, *lengths, options.cached_positions, hardware);
  };
  const int32_t frames = SizesOf(engine.config()).frames;
  const FrontendConfig& frontend = engine.config().frontend;
  // OWSM's framing has a frame at either end of the window.
  const int32_t hops = frames - (engine.config().family == ModelFamily::kOwsm ? 1 : 0);
  Roofline roofline{
      .input_s = static_cast<double>(hops) * frontend.hop_length / frontend.sample_rate,
      .beam_size = options.beam_size,
      .cached_positions = options.cached_positions};
  std::vector<int32_t> lengths;
  ESP_ASSIGN_OR_RETURN(StageLimit stem, limit(Stage::kStem, std::array{frames}, &lengths));
  roofline.window.push_back(std::move(stem));
  const std::array<int32_t, 1> steps = {lengths.back()};
  std::vector<Stage> stages = {Stage::kEncoder};
  if (engine.config().has_ctc) stages.push_back(Stage::kCtc);
  stages.push_back(Stage::kSource);
  for (const Stage stage : stages) {
    ESP_ASSIGN_OR_RETURN(StageLimit each, limit(stage, steps, &lengths));
    roofline.window.push_back(std::move(each));
  }
  const std::array<int32_t, 3> step = {options.beam_size, steps[0], options.beam_size};
  ESP_ASSIGN_OR_RETURN(roofline.step, limit(Stage::kDecoder, step, &lengths));
  if (engine.config().has_ctc) {
    stage_options.ctc_candidates =
        CtcCandidateCount(options.beam_size, engine.config().vocabulary_size);
    ESP_ASSIGN_OR_RETURN(roofline.ctc_step, limit(Stage::kDecoder, step, &lengths));
    roofline.ctc_step->stage += "+ctc";
  }
  return roofline;
}

GateMask SpreadClosed(const ModelConfig& config, double share) {
  GateMask mask = AllOpen(config);
  for (GateTable* table : {&mask.encoder, &mask.decoder}) {
    // Closed wherever the running share passes a whole number, by kind first: each kind loses the
    // same number of layers within one.
    const size_t kinds = table->modules.size();
    double sum = 0;
    for (size_t kind = 0; kind < kinds; ++kind) {
      for (size_t i = kind; i < table->open.size(); i += kinds) {
        const double before = std::floor(sum);
        sum += share;
        if (std::floor(sum) > before) table->open[i] = 0;
      }
    }
  }
  return mask;
}

}  // namespace espalier
