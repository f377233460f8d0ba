#include "runtime/checkpoint/quantize.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/fingerprint.h"
#include "runtime/checkpoint/gate_pack_attach.h"
#include "runtime/checkpoint/json_file.h"
#include "runtime/checkpoint/tensor_store.h"
#include "runtime/tensor/half.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kSmallestSide = 32;  // below it a matrix is not worth a scale for each row
constexpr char kConfig[] = "config.json";
constexpr char kWeights[] = "model.safetensors";
constexpr char kBaseFingerprint[] = "espalier_base_fingerprint";

// Matrices that a Linear or an Embed reads as they are stored. The others are read element by
// element, or rearranged when the model is loaded.
bool IsMatrix(const std::string& name, const TensorView& tensor) {
  if (!name.ends_with(".weight") || tensor.shape.size() != 2) return false;
  if (std::min(tensor.shape[0], tensor.shape[1]) < kSmallestSide) return false;
  for (const char* part : {"embed_positions.", "encoder.embed.", "gate_predictor."}) {
    if (name.find(part) != std::string::npos) return false;
  }
  return tensor.dtype == DType::kF32 || tensor.dtype == DType::kF16 || tensor.dtype == DType::kBF16;
}

// A tensor in its new storage, and how far it is from what it was.
struct Converted {
  std::vector<int8_t> integers;
  std::vector<float> scales;
  std::vector<uint16_t> halves;
  double relative_error = 0.0;
};

double RelativeError(const std::vector<float>& values, double squared_error) {
  double squares = 0.0;
  for (const float value : values) squares += double{value} * double{value};
  return squares > 0.0 ? std::sqrt(squared_error / squares) : 0.0;
}

void ToIntegers(const std::vector<float>& values, int64_t columns, Converted* out) {
  constexpr float kLargest = 127.0f;
  double squared_error = 0.0;
  out->integers.resize(values.size());
  for (size_t begin = 0; begin < values.size(); begin += static_cast<size_t>(columns)) {
    const size_t end = begin + static_cast<size_t>(columns);
    float magnitude = 0.0f;
    for (size_t i = begin; i < end; ++i) magnitude = std::max(magnitude, std::fabs(values[i]));
    const float scale = magnitude > 0.0f ? magnitude / kLargest : 1.0f;
    out->scales.push_back(scale);
    for (size_t i = begin; i < end; ++i) {
      const float integer = std::clamp(std::nearbyint(values[i] / scale), -kLargest, kLargest);
      out->integers[i] = static_cast<int8_t>(integer);
      squared_error += std::pow(double{values[i]} - double{integer} * double{scale}, 2);
    }
  }
  out->relative_error = RelativeError(values, squared_error);
}

Status ToHalves(const std::string& name, const std::vector<float>& values, Converted* out) {
  double squared_error = 0.0;
  out->halves.reserve(values.size());
  for (const float value : values) {
    out->halves.push_back(FloatToHalf(value));
    const float back = HalfToFloat(out->halves.back());
    if (std::isinf(back)) {
      return InvalidArgument(
          StrFormat("%s: %g is too large for f16", name.c_str(), static_cast<double>(value)));
    }
    squared_error += std::pow(double{value} - double{back}, 2);
  }
  out->relative_error = RelativeError(values, squared_error);
  return OkStatus();
}

class Quantizer {
 public:
  Quantizer(const TensorStore& store, DType storage) : store_(store), storage_(storage) {}

  Status Run(const QuantizeProgress& progress, const std::stop_token& stop) {
    const auto count = static_cast<int64_t>(store_.names().size());
    int64_t done = 0;
    for (const std::string& name : store_.names()) {
      if (store_.FindStored(name) == nullptr) continue;  // a gate pack's predictor, not the model's
      if (stop.stop_requested()) return Cancelled("quantizing was cancelled");
      ESP_RETURN_IF_ERROR(Take(name, *store_.Find(name)));
      if (progress) progress(++done, count);
    }
    report_.input_bytes = store_.size_bytes();
    for (const NamedTensor& tensor : tensors_) {
      report_.output_bytes += static_cast<int64_t>(tensor.view.size_bytes());
    }
    if (report_.tensor_count > 0) return OkStatus();
    return InvalidArgument(store_.path() + ": no matrix to store as " +
                           std::string(DTypeName(storage_)));
  }

  const std::vector<NamedTensor>& tensors() const { return tensors_; }
  const QuantizeReport& report() const { return report_; }

 private:
  Status Take(const std::string& name, const TensorView& tensor) {
    const bool already = storage_ == DType::kF16 && tensor.dtype == DType::kF16;
    if (!IsMatrix(name, tensor) || already) {
      tensors_.push_back({name, tensor});
      ++report_.kept_count;
      return OkStatus();
    }
    const std::vector<float> values = ToFloat(tensor);
    for (const float value : values) {
      if (!std::isfinite(value))
        return InvalidArgument(name + ": holds a weight that is not finite");
    }
    Converted& converted = converted_.emplace_back();
    if (storage_ == DType::kI8) {
      ToIntegers(values, tensor.shape[1], &converted);
      tensors_.push_back({name, {DType::kI8, tensor.shape, converted.integers.data()}});
      tensors_.push_back(
          {name + kScaleSuffix, {DType::kF32, {tensor.shape[0]}, converted.scales.data()}});
    } else {
      ESP_RETURN_IF_ERROR(ToHalves(name, values, &converted));
      tensors_.push_back({name, {DType::kF16, tensor.shape, converted.halves.data()}});
    }
    ++report_.tensor_count;
    report_.worst_relative = std::max(report_.worst_relative, converted.relative_error);
    return OkStatus();
  }

  const TensorStore& store_;
  DType storage_;
  std::deque<Converted> converted_;
  std::vector<NamedTensor> tensors_;
  QuantizeReport report_;
};

// Weights in whatever format: they are not what the new folder holds.
bool IsWeights(const fs::path& file) {
  const std::string name = file.filename().string();
  for (const char* ending : {".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json",
                             ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".ot"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

Status CopyOtherFiles(const fs::path& from, const fs::path& to) {
  std::error_code error;
  for (fs::directory_iterator file(from, error), end; !error && file != end;
       file.increment(error)) {
    if (!file->is_regular_file(error) || IsWeights(file->path())) continue;
    if (!error) fs::copy_file(file->path(), to / file->path().filename(), error);
    if (error) break;
  }
  if (error) return Unwritable(to.string() + ": " + error.message());
  return OkStatus();
}

// Has the copied config.json say what its weights were; `of_base`: "" when they are nobody's copy.
Status NameBase(const fs::path& folder, const std::string& of_base) {
  const fs::path path = folder / kConfig;
  if (!PathExists(path.string())) return OkStatus();
  ESP_ASSIGN_OR_RETURN(nlohmann::ordered_json json, ReadJsonObject(path.string()));
  if (of_base.empty()) {
    json.erase(kBaseFingerprint);
  } else if (!json.contains(kBaseFingerprint)) {
    json[kBaseFingerprint] = of_base;
  }
  return WriteJsonObject(path.string(), json);
}

// `pack` without its changes of weights, which `folder` has in it, for that very model.
Status WritePredictors(const GatePack& pack, const fs::path& folder) {
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<TensorStore> written,
                       TensorStore::OpenFolder(folder.string()));
  const fs::path out = folder / kOwnGatePack;
  std::error_code error;
  fs::create_directories(out, error);
  if (error) return Unwritable(out.string() + ": " + error.message());
  const fs::path from = pack.folder();
  ESP_ASSIGN_OR_RETURN(nlohmann::ordered_json json,
                       ReadJsonObject((from / kGatePackConfigFile).string()));
  json["base"]["fingerprint"] = FingerprintOf(*written);
  ESP_RETURN_IF_ERROR(WriteJsonObject((out / kGatePackConfigFile).string(), json));
  std::vector<NamedTensor> predictors;
  for (const auto& entry : pack.tensors().stored()) {
    const std::string& name = entry.first;
    if (name.starts_with("delta.") || name.starts_with("add.")) continue;
    predictors.push_back({name, *pack.tensors().Find(name)});
  }
  return WriteSafetensors((out / kGatePackTensorFile).string(), predictors, {{"format", "pt"}});
}

// The folder under construction; gone unless it was given its name.
class NewFolder {
 public:
  explicit NewFolder(const std::string& path) : path_(path), partial_(path + ".partial") {}
  ~NewFolder() {
    std::error_code ignored;
    if (!done_) fs::remove_all(partial_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  Status Create() {
    std::error_code error;
    fs::remove_all(partial_, error);  // of a run that was killed
    if (!error) fs::create_directories(partial_, error);
    if (error) return Unwritable(partial_.string() + ": " + error.message());
    return OkStatus();
  }
  Status Finish() {
    std::error_code error;
    fs::rename(partial_, path_, error);
    if (error) return Unwritable(path_.string() + ": " + error.message());
    done_ = true;
    return OkStatus();
  }
  const fs::path& partial() const { return partial_; }

 private:
  fs::path path_;
  fs::path partial_;
  bool done_ = false;
};

}  // namespace

Result<QuantizeReport> QuantizeFolder(const std::string& from, const std::string& to,
                                      const QuantizeOptions& options,
                                      const QuantizeProgress& progress,
                                      const std::stop_token& stop) {
  if (options.storage != DType::kI8 && options.storage != DType::kF16) {
    return InvalidArgument("weights can be stored as i8 or f16, not as " +
                           std::string(DTypeName(options.storage)));
  }
  if (PathExists(to)) return InvalidArgument(to + ": exists already; name a new folder");
  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<TensorStore> store, TensorStore::OpenFolder(from));
  const std::string of_base = FingerprintOf(*store);
  std::string pack_folder = options.gate_pack;
  const std::string own_pack = from + "/" + kOwnGatePack;
  if (pack_folder.empty() && IsGatePack(own_pack)) pack_folder = own_pack;
  std::unique_ptr<GatePack> pack;
  if (!pack_folder.empty()) {
    ESP_ASSIGN_OR_RETURN(pack, GatePack::Open(pack_folder));
    ESP_ASSIGN_OR_RETURN(ModelConfig config, LoadModelConfig(from));
    ESP_RETURN_IF_ERROR(AttachGatePack(*pack, {}, &config, store.get()).status());
  }
  Quantizer quantizer(*store, options.storage);
  ESP_RETURN_IF_ERROR(quantizer.Run(progress, stop));
  NewFolder folder(to);
  ESP_RETURN_IF_ERROR(folder.Create());
  ESP_RETURN_IF_ERROR(CopyOtherFiles(from, folder.partial()));
  ESP_RETURN_IF_ERROR(WriteSafetensors((folder.partial() / kWeights).string(), quantizer.tensors(),
                                       {{"format", "pt"}}));
  ESP_RETURN_IF_ERROR(NameBase(folder.partial(), pack ? "" : of_base));
  if (pack) ESP_RETURN_IF_ERROR(WritePredictors(*pack, folder.partial()));
  ESP_RETURN_IF_ERROR(folder.Finish());
  return quantizer.report();
}

}  // namespace espalier
