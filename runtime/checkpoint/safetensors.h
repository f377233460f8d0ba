// Safetensors files: 8 bytes header length (little-endian), a JSON header, the tensors' bytes.
//
// Goals: tensors as views into the mapped file; every length, offset, shape and name checked before
// the first use, since weight files come from strangers. Non-goals: big-endian machines, sub-byte
// element types.
// Source: the format description of huggingface/safetensors (README, "Format").
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
#include "runtime/tensor/tensor_view.h"

namespace espalier {

// An open file. Immutable and thread-safe; views live as long as the object.
class SafetensorsFile {
 public:
  // A tensor as the file describes it, whatever its element type.
  struct Stored {
    std::string dtype;  // as written: "F32", "I16", "BOOL", ...
    std::vector<int64_t> shape;
    std::span<const uint8_t> bytes;  // little-endian, any alignment
  };

  // Maps `path` and checks all of its header. Errors: kNotFound; kCorrupt (the message names file,
  // tensor and reason); kUnsupported (an element type that the format does not have).
  static Result<std::unique_ptr<SafetensorsFile>> Open(const std::string& path);

  // The same for a file of a model.
  static Result<std::unique_ptr<SafetensorsFile>> Open(const ModelFiles& files,
                                                       std::string_view file);

  // The same on memory that the caller keeps alive. `name` stands for the path in messages.
  static Result<std::unique_ptr<SafetensorsFile>> Parse(std::span<const uint8_t> bytes,
                                                        std::string name);

  // The tensor or null: absent, or of an element type that TensorView has not (see FindStored).
  // Data are aligned to the element size; tensors that are not so in the file are copied on
  // opening.
  const TensorView* Find(std::string_view name) const;
  // The tensor with any element type or null.
  const Stored* FindStored(std::string_view name) const;
  // All of them, in ascending byte order of their names.
  const std::map<std::string, Stored, std::less<>>& stored() const { return stored_; }

  // Names for which Find gives a tensor, in the order of their data.
  const std::vector<std::string>& names() const { return names_; }
  // The strings under "__metadata__".
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& path() const { return path_; }

 private:
  explicit SafetensorsFile(std::string path) : path_(std::move(path)) {}
  Status Read(std::span<const uint8_t> bytes);
  void Publish(const std::string& name);

  std::string path_;
  std::shared_ptr<const void> owner_;  // of the bytes; null after Parse
  std::map<std::string, Stored, std::less<>> stored_;
  std::map<std::string, TensorView, std::less<>> views_;
  std::vector<std::string> names_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::unique_ptr<uint8_t[]>> aligned_copies_;
};

struct NamedTensor {
  std::string name;
  TensorView view;
};

// Writes `tensors` so that each one is aligned to its element size: larger element types first,
// otherwise in the given order. The file appears whole or not at all; data are streamed.
// Errors: kInvalidArgument (a name twice, empty, reserved or not UTF-8), kUnwritable.
Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata = {});

}  // namespace espalier
