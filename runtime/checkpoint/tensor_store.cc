#include "runtime/checkpoint/tensor_store.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"

namespace espalier {
namespace {

using nlohmann::json;

constexpr char kSingleFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";
constexpr size_t kMaxIndexBytes = 64 << 20;
constexpr size_t kMaxShards = 1000;

// A file of the model folder itself; anything else could make us read outside it.
bool IsPlainFileName(const std::string& name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

Result<std::unique_ptr<TensorStore>> TensorStore::Open(const ModelFiles& files) {
  if (!files.Has(kSingleFile) && files.Has(kIndexFile)) {
    std::unique_ptr<TensorStore> store(new TensorStore(files.PathOf(kIndexFile)));
    ESP_RETURN_IF_ERROR(store->OpenShards(files));
    return store;
  }
  if (!files.Has(kSingleFile)) {
    return NotFound(files.place() + ": no weights: neither " + kSingleFile + " nor " + kIndexFile);
  }
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsFile> file,
                       SafetensorsFile::Open(files, kSingleFile));
  return FromFile(std::move(file));
}

std::unique_ptr<TensorStore> TensorStore::FromFile(std::unique_ptr<SafetensorsFile> file) {
  std::unique_ptr<TensorStore> store(new TensorStore(file->path()));
  store->names_ = file->names();
  store->files_.push_back(std::move(file));
  return store;
}

Status TensorStore::OpenShards(const ModelFiles& files) {
  ESP_ASSIGN_OR_RETURN(const std::string text, files.Read(kIndexFile, kMaxIndexBytes));
  json root;
  ESP_RETURN_IF_ERROR(ParseJson(text, {.max_depth = 8}, &root).WithContext(path_));
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Of(root, path_));
  const json* weight_map = fields.Find("weight_map");
  if (weight_map == nullptr || !weight_map->is_object() || weight_map->empty()) {
    return fields.Error("weight_map", "expected an object that gives each tensor's file");
  }
  std::map<std::string, size_t> shard_index;
  for (const auto& [name, value] : weight_map->items()) {
    const auto* shard = value.get_ptr<const std::string*>();
    if (shard == nullptr || !IsPlainFileName(*shard)) {
      return fields.Error("weight_map: " + MessageText(name),
                          "expected the name of a file in the model's folder");
    }
    const auto [place, fresh] = shard_index.emplace(*shard, files_.size());
    if (fresh) {
      if (files_.size() == kMaxShards) {
        return fields.Error("weight_map", StrFormat("more than %zu files", kMaxShards));
      }
      ESP_ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open(files, *shard));
      files_.push_back(std::move(file));
    }
    const SafetensorsFile& file = *files_[place->second];
    if (file.FindStored(name) == nullptr) {
      return Corrupt(file.path() + ": " + MessageText(name) + ": missing, but " + kIndexFile +
                     " says that it is here");
    }
    shard_of_.emplace(name, place->second);
  }
  for (size_t i = 0; i < files_.size(); ++i) {
    for (const std::string& name : files_[i]->names()) {
      // A shard may hold tensors that the index gives to another one or leaves out.
      const auto found = shard_of_.find(name);
      if (found != shard_of_.end() && found->second == i) names_.push_back(name);
    }
  }
  return OkStatus();
}

const SafetensorsFile* TensorStore::FileOf(std::string_view name) const {
  if (shard_of_.empty()) return files_.front().get();
  const auto found = shard_of_.find(name);
  return found == shard_of_.end() ? nullptr : files_[found->second].get();
}

const TensorView* TensorStore::Find(std::string_view name) const {
  const auto put = put_.find(name);
  if (put != put_.end()) return &put->second;
  const SafetensorsFile* file = FileOf(name);
  return file == nullptr ? nullptr : file->Find(name);
}

const SafetensorsFile::Stored* TensorStore::FindStored(std::string_view name) const {
  const SafetensorsFile* file = FileOf(name);
  return file == nullptr ? nullptr : file->FindStored(name);
}

std::vector<std::string> TensorStore::StoredNames() const {
  std::vector<std::string> names;
  if (shard_of_.empty()) {
    for (const auto& entry : files_.front()->stored()) names.push_back(entry.first);
  } else {
    for (const auto& entry : shard_of_) names.push_back(entry.first);
  }
  return names;
}

void TensorStore::Put(const std::string& name, DType dtype, std::vector<int64_t> shape,
                      std::unique_ptr<uint8_t[]> data) {
  if (Find(name) == nullptr) names_.push_back(name);
  put_[name] = {.dtype = dtype, .shape = std::move(shape), .data = data.get()};
  put_data_.push_back(std::move(data));
}

Result<TensorView> TensorStore::Require(std::string_view name,
                                        std::span<const int64_t> shape) const {
  const std::string shown = MessageText(name);
  const TensorView* view = Find(name);
  const SafetensorsFile::Stored* stored = FindStored(name);
  if (view == nullptr && stored == nullptr) {
    return Corrupt(path_ + ": " + shown + ": this tensor is missing");
  }
  const SafetensorsFile* file = FileOf(name);
  const std::string where = (file == nullptr ? path_ : file->path()) + ": " + shown;
  const std::vector<int64_t>& found = view != nullptr ? view->shape : stored->shape;
  if (!std::equal(shape.begin(), shape.end(), found.begin(), found.end())) {
    return Corrupt(where + ": shape " + ShapeText(found) + ", expected " + ShapeText(shape));
  }
  if (view == nullptr) {
    return Unsupported(where + ": elements of type " + stored->dtype + " cannot be used");
  }
  return *view;
}

int64_t TensorStore::size_bytes() const {
  int64_t size = 0;
  for (const std::string& name : names_) size += static_cast<int64_t>(Find(name)->size_bytes());
  return size;
}

}  // namespace espalier
