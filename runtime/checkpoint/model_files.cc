#include "runtime/checkpoint/model_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "runtime/base/file.h"
#include "runtime/base/file_pages.h"
#include "runtime/base/string_format.h"

namespace espalier {

Result<FileBytes> MapDescriptor(int fd, int64_t offset, int64_t size) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return NotFound(StrFormat("descriptor %d: not an open file", fd));
  }
  const int64_t length = info.st_size;
  if (offset < 0 || offset > length) {
    return InvalidArgument(StrFormat("descriptor %d: an offset beyond its end", fd));
  }
  if (size < 0) size = length - offset;
  if (size == 0 || size > length - offset) {
    return InvalidArgument(StrFormat("descriptor %d: nothing, or more than there is", fd));
  }
  // Maps begin at pages.
  const int64_t before = offset % ::sysconf(_SC_PAGESIZE);
  const auto mapped = static_cast<size_t>(before + size);
  const uint8_t* data = MapPages(fd, offset - before, mapped);
  if (data == nullptr) {
    return Exhausted(StrFormat("descriptor %d: cannot be mapped: %s", fd, std::strerror(errno)));
  }
  return FileBytes{.bytes = {data + before, static_cast<size_t>(size)},
                   .owner = {data, [mapped](const uint8_t* map) { UnmapPages(map, mapped); }}};
}

ModelFiles ModelFiles::OfFolder(std::string folder) { return {true, std::move(folder)}; }

ModelFiles ModelFiles::Given(std::string name) { return {false, std::move(name)}; }

void ModelFiles::Add(std::string file, FileBytes bytes) {
  given_.insert_or_assign(std::move(file), std::move(bytes));
}

std::string ModelFiles::name() const {
  if (!is_folder_) return place_;
  std::filesystem::path path = std::filesystem::path(place_).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "model/"
  const std::string name = path.filename().string();
  return name.empty() || name == "." || name == ".." ? place_ : name;
}

std::string ModelFiles::PathOf(std::string_view file) const {
  return place_ + "/" + std::string(file);
}

bool ModelFiles::Has(std::string_view file) const {
  return is_folder_ ? PathExists(PathOf(file)) : given_.find(file) != given_.end();
}

Result<std::string> ModelFiles::Read(std::string_view file, size_t max_bytes) const {
  if (is_folder_) return ReadFile(PathOf(file), max_bytes);
  ESP_ASSIGN_OR_RETURN(const FileBytes found, Map(file));
  if (found.bytes.size() > max_bytes) {
    return Corrupt(StrFormat("%s: longer than the %zu bytes such a file may have",
                             PathOf(file).c_str(), max_bytes));
  }
  return std::string(found.bytes.begin(), found.bytes.end());
}

Result<FileBytes> ModelFiles::Map(std::string_view file) const {
  if (is_folder_) {
    ESP_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> mapped, MappedFile::Open(PathOf(file)));
    const std::span<const uint8_t> bytes = mapped->bytes();
    return FileBytes{.bytes = bytes, .owner = std::shared_ptr<MappedFile>(std::move(mapped))};
  }
  const auto found = given_.find(file);
  if (found == given_.end()) return NotFound(PathOf(file) + ": was not given");
  if (found->second.bytes.empty()) return Corrupt(PathOf(file) + ": the file is empty");
  return found->second;
}

}  // namespace espalier
