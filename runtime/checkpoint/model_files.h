// The files of one model: those of a folder, or bytes that were given under their names.
//
// Goals: everything that reads a model reads it through this, so that a model need not lie in a
// folder. Non-goals: files of other kinds (gate files, audio), writing.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/status.h"

namespace espalier {

// Bytes and what keeps them where they are; no owner: somebody else sees to that.
struct FileBytes {
  std::span<const uint8_t> bytes = {};
  std::shared_ptr<const void> owner = {};
};

// `size` bytes of the open file `fd` from `offset` on, mapped; size < 0: to its end. The descriptor
// may be closed afterwards. Errors: kInvalidArgument (beyond the file's end, nothing), kExhausted
// (cannot be mapped), kNotFound (no such descriptor, or not one of a file).
Result<FileBytes> MapDescriptor(int fd, int64_t offset, int64_t size);

// A value; copies share the bytes. Not changed by reading.
class ModelFiles {
 public:
  static ModelFiles OfFolder(std::string folder);
  // No files yet; `name` is that of the model.
  static ModelFiles Given(std::string name);
  void Add(std::string file, FileBytes bytes);

  bool is_folder() const { return is_folder_; }
  // The folder, or the model's name.
  const std::string& place() const { return place_; }
  // Of the model: the folder's last part, or what it was given.
  std::string name() const;
  // The file as messages name it.
  std::string PathOf(std::string_view file) const;

  bool Has(std::string_view file) const;
  // The whole file as text. Errors: kNotFound; kCorrupt when longer than max_bytes.
  Result<std::string> Read(std::string_view file, size_t max_bytes) const;
  // The whole file where it is, mapped in case of a folder. Errors: kNotFound, kCorrupt (empty or
  // not a regular file).
  Result<FileBytes> Map(std::string_view file) const;

 private:
  ModelFiles(bool is_folder, std::string place) : is_folder_(is_folder), place_(std::move(place)) {}

  bool is_folder_;
  std::string place_;
  std::map<std::string, FileBytes, std::less<>> given_;
};

}  // namespace espalier
