// All tensors of a model folder, whether they lie in one safetensors file or in several shards.
//
// Goals: one lookup by name, and messages that name file and tensor. Non-goals: which tensors a
// family needs (model/), conversion.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/status.h"
#include "runtime/checkpoint/model_files.h"
#include "runtime/checkpoint/safetensors.h"
#include "runtime/tensor/tensor_view.h"

namespace espalier {

// Behind the name of an i8 tensor: that of its row scales, f32, by which each row is multiplied.
inline constexpr char kScaleSuffix[] = ".scale";

// Thread-safe once it is no longer changed by Put; views live as long as the object.
class TensorStore {
 public:
  // Opens `model.safetensors`, or the shards that `model.safetensors.index.json` names where there
  // is no such file. Errors: kNotFound (no weights, a shard missing), kCorrupt, kUnsupported, as
  // SafetensorsFile::Open and for an index that is not one.
  static Result<std::unique_ptr<TensorStore>> Open(const ModelFiles& files);
  static Result<std::unique_ptr<TensorStore>> OpenFolder(const std::string& folder) {
    return Open(ModelFiles::OfFolder(folder));
  }

  // The tensors of one file, for instance one parsed from memory.
  static std::unique_ptr<TensorStore> FromFile(std::unique_ptr<SafetensorsFile> file);

  // The tensor or null, as SafetensorsFile::Find.
  const TensorView* Find(std::string_view name) const;

  // The tensor with exactly this shape. Errors: kCorrupt (missing, another shape), kUnsupported (an
  // element type that TensorView has not); the message names file and tensor.
  Result<TensorView> Require(std::string_view name, std::span<const int64_t> shape) const;

  // The tensor as its file has it, whatever its element type, or null. Put does not change it.
  const SafetensorsFile::Stored* FindStored(std::string_view name) const;
  // The names for which FindStored gives a tensor, in ascending byte order.
  std::vector<std::string> StoredNames() const;

  // From here on Find and Require give this tensor for `name`, in the place of the file's or beside
  // the others; data: as many bytes as dtype and shape take.
  void Put(const std::string& name, DType dtype, std::vector<int64_t> shape,
           std::unique_ptr<uint8_t[]> data);

  // Names for which Find gives a tensor, file by file in the order of their data, then those that
  // Put added.
  const std::vector<std::string>& names() const { return names_; }
  // The file that decides what the model holds: the single file or the index.
  const std::string& path() const { return path_; }
  // Bytes of all tensors that Find gives.
  int64_t size_bytes() const;

 private:
  explicit TensorStore(std::string path) : path_(std::move(path)) {}
  Status OpenShards(const ModelFiles& files);
  const SafetensorsFile* FileOf(std::string_view name) const;

  std::string path_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, size_t, std::less<>> shard_of_;  // name -> index in files_, when sharded
  std::vector<std::string> names_;
  std::map<std::string, TensorView, std::less<>> put_;
  std::vector<std::unique_ptr<uint8_t[]>> put_data_;
};

}  // namespace espalier
