#include "runtime/checkpoint/gate_pack_attach.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "runtime/base/clock.h"
#include "runtime/base/string_format.h"
#include "runtime/base/thread_pool.h"
#include "runtime/checkpoint/fingerprint.h"
#include "runtime/checkpoint/row_math.h"

namespace espalier {
namespace {

// What a pack changes of one tensor: b·a, or a sum, or both.
struct Change {
  const TensorView* a = nullptr;  // (rank, in)
  const TensorView* b = nullptr;  // (out, rank)
  const TensorView* add = nullptr;
};

// `name` between `begin` and `end`, or nothing.
std::optional<std::string> Between(const std::string& name, std::string_view begin,
                                   std::string_view end) {
  if (!name.starts_with(begin) || !name.ends_with(end) ||
      name.size() <= begin.size() + end.size()) {
    return std::nullopt;
  }
  return name.substr(begin.size(), name.size() - begin.size() - end.size());
}

bool IsFloat(DType dtype) { return dtype == DType::kF32 || dtype == DType::kF16; }

// The shapes of a predictor's tensors (spec §11) behind its prefix.
std::map<std::string, std::vector<int64_t>> PredictorShapes(const GateConfig& gate,
                                                            const ModelConfig& base) {
  const int64_t context = gate.context_size, hidden = gate.hidden_size;
  const auto gates =
      static_cast<int64_t>(static_cast<size_t>(base.encoder.layers) * gate.encoder_modules.size() +
                           static_cast<size_t>(base.decoder.layers) * gate.decoder_modules.size());
  return {{".language_embedding.weight", {static_cast<int64_t>(gate.languages.size()), context}},
          {".task_embedding.weight", {static_cast<int64_t>(gate.tasks.size()), context}},
          {".mlp.0.weight", {hidden, base.encoder.width + 2 * context}},
          {".mlp.0.bias", {hidden}},
          {".mlp.2.weight", {2 * gates, hidden}},
          {".mlp.2.bias", {2 * gates}}};
}

class Attachment {
 public:
  Attachment(const GatePack& pack, const ModelConfig& config, const TensorStore& store)
      : pack_(pack), config_(config), store_(store) {}

  Status Check(const GateBudget& budget) {
    ESP_RETURN_IF_ERROR(CheckBase());
    for (const GateBudget& each : pack_.config().budgets) {
      ESP_RETURN_IF_ERROR(CheckPredictor(each, each.prefix == budget.prefix));
    }
    ESP_RETURN_IF_ERROR(SortTensors());
    for (const auto& [name, change] : changes_) ESP_RETURN_IF_ERROR(CheckChange(name, change));
    return OkStatus();
  }

  // After Check.
  void Apply(int threads, TensorStore* store, AttachedPack* out) const;

 private:
  Status Error(const std::string& tensor, const std::string& reason) const {
    return Corrupt(pack_.tensors().path() + ": " + MessageText(tensor) + ": " + reason);
  }
  Status CheckBase() const;
  Status CheckPredictor(const GateBudget& budget, bool chosen);
  Status SortTensors();
  Status CheckChange(const std::string& name, const Change& change) const;
  Status CheckNumbers(const std::string& name, const TensorView& view) const;

  const GatePack& pack_;
  const ModelConfig& config_;
  const TensorStore& store_;
  std::map<std::string, const TensorView*> predictors_;  // of all budgets
  std::vector<std::string> chosen_;                      // names of the chosen predictor's
  std::map<std::string, Change> changes_;                // by the base's names
};

Status Attachment::CheckBase() const {
  const GatePackConfig& pack = pack_.config();
  if (pack.family != config_.family) {
    return InvalidArgument(pack_.folder() + ": this gate pack is for " +
                           (pack.family == ModelFamily::kOwsm ? "an OWSM" : "a Whisper") +
                           " model (" + MessageText(pack.base_name) + "), " + config_.name +
                           " is another family");
  }
  if (pack.gate.encoder_modules.size() !=
      EncoderModulesOf(config_.family, config_.encoder.macaron).size()) {
    return Corrupt(pack_.folder() + ": encoder_modules are not those of " + config_.name);
  }
  const std::string found = BaseFingerprint(config_, store_);
  if (found == pack.fingerprint) return OkStatus();
  return Corrupt(pack_.folder() + ": this gate pack was made for " + MessageText(pack.base_name) +
                 " with the fingerprint " + pack.fingerprint + ", but " + config_.name + " has " +
                 found + ": use the model that the pack's card names, or --gates all without it");
}

Status Attachment::CheckPredictor(const GateBudget& budget, bool chosen) {
  for (const auto& [part, shape] : PredictorShapes(pack_.config().gate, config_)) {
    const std::string name = budget.prefix + part;
    const TensorView* view = pack_.tensors().Find(name);
    if (view == nullptr) {
      return Error(name, "missing, but the predictor of budget " + budget.name + " needs it");
    }
    if (view->shape != shape) {
      return Error(name, "shape " + ShapeText(view->shape) + ", expected " + ShapeText(shape));
    }
    ESP_RETURN_IF_ERROR(CheckNumbers(name, *view));
    predictors_[name] = view;
    if (chosen) chosen_.push_back(name);
  }
  return OkStatus();
}

Status Attachment::SortTensors() {
  for (const auto& entry : pack_.tensors().stored()) {
    const std::string& name = entry.first;
    if (predictors_.contains(name)) continue;
    const TensorView* view = pack_.tensors().Find(name);
    if (view == nullptr) return Error(name, "elements of type " + entry.second.dtype);
    ESP_RETURN_IF_ERROR(CheckNumbers(name, *view));
    if (const auto a_of = Between(name, "delta.", ".a")) {
      changes_[*a_of].a = view;
    } else if (const auto b_of = Between(name, "delta.", ".b")) {
      changes_[*b_of].b = view;
    } else if (const auto add_of = Between(name, "add.", "")) {
      changes_[*add_of].add = view;
    } else {
      return Error(name,
                   "neither a predictor's tensor of a listed budget, delta.NAME.a, "
                   "delta.NAME.b nor add.NAME");
    }
  }
  return OkStatus();
}

// row += the `count` elements of `tensor` that begin at `first`.
void AddElements(const TensorView& tensor, int64_t first, float* row, int64_t count) {
  if (tensor.dtype == DType::kF32) {
    const float* values = static_cast<const float*>(tensor.data) + first;
    for (int64_t i = 0; i < count; ++i) row[i] += values[i];
    return;
  }
  AddHalves(static_cast<const uint16_t*>(tensor.data) + first, count, row);
}

std::vector<float> Widened(const TensorView& tensor) {
  std::vector<float> values(static_cast<size_t>(tensor.element_count()));
  AddElements(tensor, 0, values.data(), tensor.element_count());
  return values;
}

Status Attachment::CheckNumbers(const std::string& name, const TensorView& view) const {
  if (!IsFloat(view.dtype)) {
    return Error(
        name, "elements of type " + std::string(DTypeName(view.dtype)) + ", expected f32 or f16");
  }
  const std::vector<float> values = Widened(view);
  const bool finite =
      std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); });
  return finite ? OkStatus() : Error(name, "holds values that are no finite numbers");
}

Status Attachment::CheckChange(const std::string& name, const Change& change) const {
  const TensorView* base = store_.Find(name);
  if (base == nullptr) {
    return Error(change.add != nullptr ? "add." + name : "delta." + name,
                 config_.name + " has no such tensor");
  }
  if (!IsFloat(base->dtype)) {
    return Unsupported(pack_.tensors().path() + ": " + MessageText(name) + ": the base stores " +
                       std::string(DTypeName(base->dtype)) +
                       "; changes can be made to f32 and f16");
  }
  if (change.add != nullptr && change.add->shape != base->shape) {
    return Error("add." + name, "shape " + ShapeText(change.add->shape) + ", the base has " +
                                    ShapeText(base->shape));
  }
  if (change.a == nullptr && change.b == nullptr) return OkStatus();
  if (change.a == nullptr || change.b == nullptr) {
    return Error("delta." + name + (change.a == nullptr ? ".a" : ".b"),
                 "missing, but its other half is there");
  }
  const int64_t out = base->shape.empty() ? 0 : base->shape[0];
  const int64_t in = out > 0 ? base->element_count() / out : 0;
  const auto& a = change.a->shape;
  const auto& b = change.b->shape;
  if (base->shape.size() >= 2 && a.size() == 2 && b.size() == 2 && a[1] == in && b[0] == out &&
      a[0] == b[1]) {
    return OkStatus();
  }
  return Error("delta." + name, ".a " + ShapeText(a) + " and .b " + ShapeText(b) +
                                    " do not make the base's " + ShapeText(base->shape));
}

void StoreElements(DType dtype, const float* row, int64_t count, uint8_t* out) {
  if (dtype == DType::kF32) {
    std::memcpy(out, row, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  StoreHalves(row, count, reinterpret_cast<uint16_t*>(out));
}

// Row by row, so that the sums stay in the cache. A vector is one row.
std::unique_ptr<uint8_t[]> Changed(const TensorView& base, const Change& change) {
  const bool vector = base.shape.size() < 2;
  const int64_t rows = vector ? 1 : base.shape[0];
  const int64_t columns = base.element_count() / std::max<int64_t>(1, rows);
  std::vector<float> a, b, row(static_cast<size_t>(columns));
  if (change.a != nullptr) {
    a = Widened(*change.a);
    b = Widened(*change.b);
  }
  const int64_t rank = change.a != nullptr ? change.a->shape[0] : 0;
  const auto row_bytes = static_cast<size_t>(columns) * DTypeSize(base.dtype);
  std::unique_ptr<uint8_t[]> data(new uint8_t[base.size_bytes()]);
  for (int64_t r = 0; r < rows; ++r) {
    std::fill(row.begin(), row.end(), 0.0f);
    if (rank > 0) AddScaledRows(b.data() + r * rank, rank, a.data(), columns, row.data());
    if (change.add != nullptr) AddElements(*change.add, r * columns, row.data(), columns);
    AddElements(base, r * columns, row.data(), columns);
    StoreElements(base.dtype, row.data(), columns, data.get() + static_cast<size_t>(r) * row_bytes);
  }
  return data;
}

void Attachment::Apply(int threads, TensorStore* store, AttachedPack* out) const {
  std::vector<std::pair<std::string, Change>> list(changes_.begin(), changes_.end());
  std::vector<std::unique_ptr<uint8_t[]>> changed(list.size());
  ThreadPool pool(threads);
  pool.ParallelFor(static_cast<int64_t>(list.size()), [&](int64_t i, int) {
    const auto at = static_cast<size_t>(i);
    changed[at] = Changed(*store_.Find(list[at].first), list[at].second);
  });
  for (size_t i = 0; i < list.size(); ++i) {
    const TensorView base = *store_.Find(list[i].first);
    store->Put(list[i].first, base.dtype, base.shape, std::move(changed[i]));
    ++out->changed_tensors;
    out->changed_bytes += static_cast<int64_t>(base.size_bytes());
  }
  for (const std::string& name : chosen_) {
    const TensorView& view = *predictors_.find(name)->second;
    std::unique_ptr<uint8_t[]> data(new uint8_t[view.size_bytes()]);
    std::memcpy(data.get(), view.data, view.size_bytes());
    store->Put(name, view.dtype, view.shape, std::move(data));
  }
}

}  // namespace

Result<AttachedPack> AttachGatePack(const GatePack& pack, const AttachOptions& options,
                                    ModelConfig* config, TensorStore* store) {
  const Stopwatch watch;
  AttachedPack attached{.folder = pack.folder(), .budget = {}};
  ESP_ASSIGN_OR_RETURN(const GateBudget* budget, FindBudget(pack.config(), options.budget));
  attached.budget = budget->name;
  Attachment attachment(pack, *config, *store);
  ESP_RETURN_IF_ERROR(attachment.Check(*budget));
  attachment.Apply(options.threads, store, &attached);
  config->gate = pack.config().gate;
  config->gate->tensor_prefix = budget->prefix;
  if (pack.config().true_length) config->true_length = pack.config().true_length;
  attached.attach_s = watch.Seconds();
  return attached;
}

}  // namespace espalier
