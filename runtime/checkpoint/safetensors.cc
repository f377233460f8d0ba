#include "runtime/checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "runtime/base/file.h"
#include "runtime/base/string_format.h"
#include "runtime/checkpoint/json_reader.h"

namespace espalier {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are used where they lie");

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit
constexpr size_t kMaxRank = 16;
constexpr char kMetadataKey[] = "__metadata__";

struct ElementType {
  const char* name;
  size_t size_bytes;
  std::optional<DType> dtype;  // absent: readable through FindStored only
};

constexpr ElementType kElementTypes[] = {
    {"F32", 4, DType::kF32},   {"F16", 2, DType::kF16},      {"BF16", 2, DType::kBF16},
    {"I64", 8, DType::kI64},   {"I32", 4, DType::kI32},      {"I8", 1, DType::kI8},
    {"U8", 1, DType::kU8},     {"F64", 8, std::nullopt},     {"U64", 8, std::nullopt},
    {"U32", 4, std::nullopt},  {"I16", 2, std::nullopt},     {"U16", 2, std::nullopt},
    {"BOOL", 1, std::nullopt}, {"F8_E4M3", 1, std::nullopt}, {"F8_E5M2", 1, std::nullopt},
};

const ElementType* FindElementType(std::string_view name) {
  for (const ElementType& type : kElementTypes) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

// One tensor's header entry after its checks; offsets count from the end of the header.
struct Entry {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;
  uint64_t end = 0;
};

// A list of numbers that are not negative and fit into int64.
bool ReadCounts(const json* value, std::vector<int64_t>* out) {
  if (value == nullptr || !value->is_array()) return false;
  for (const json& element : *value) {
    const auto* number = element.get_ptr<const uint64_t*>();
    if (number == nullptr || *number > static_cast<uint64_t>(INT64_MAX)) return false;
    out->push_back(static_cast<int64_t>(*number));
  }
  return true;
}

// shape product · element size, or nothing when it overflows. Zero extents must not hide an
// overflow of the others: {2^62, 2^62, 0} would overflow in TensorView::element_count.
std::optional<uint64_t> SizeBytes(std::span<const int64_t> shape, size_t element_size) {
  int64_t size = static_cast<int64_t>(element_size);
  bool empty = false;
  for (const int64_t extent : shape) {
    empty = empty || extent == 0;
    if (extent != 0 && __builtin_mul_overflow(size, extent, &size)) return std::nullopt;
  }
  return empty ? 0 : static_cast<uint64_t>(size);
}

Result<Entry> ReadEntry(const std::string& name, const json& value, uint64_t data_bytes) {
  ESP_ASSIGN_OR_RETURN(const JsonFields fields, JsonFields::Of(value, MessageText(name)));
  Entry entry;
  entry.name = name;
  ESP_RETURN_IF_ERROR(fields.String("dtype", &entry.dtype));
  const ElementType* type = FindElementType(entry.dtype);
  if (type == nullptr) {
    return Unsupported(fields.where() + ": dtype: \"" + MessageText(entry.dtype) +
                       "\" is not an element type that can be read");
  }
  if (!ReadCounts(fields.Find("shape"), &entry.shape) || entry.shape.size() > kMaxRank) {
    return fields.Error("shape", StrFormat("expected a list of at most %zu sizes", kMaxRank));
  }
  std::vector<int64_t> offsets;
  if (!ReadCounts(fields.Find("data_offsets"), &offsets) || offsets.size() != 2) {
    return fields.Error("data_offsets", "expected two offsets");
  }
  entry.begin = static_cast<uint64_t>(offsets[0]);
  entry.end = static_cast<uint64_t>(offsets[1]);
  const auto range = [&] {
    return StrFormat("[%llu, %llu)", static_cast<unsigned long long>(entry.begin),
                     static_cast<unsigned long long>(entry.end));
  };
  if (entry.begin > entry.end) return fields.Error("data_offsets", range() + " runs backwards");
  if (entry.end > data_bytes) {
    return fields.Error("data_offsets",
                        range() + StrFormat(" lies outside the file's %llu bytes of data",
                                            static_cast<unsigned long long>(data_bytes)));
  }
  const std::optional<uint64_t> size = SizeBytes(entry.shape, type->size_bytes);
  if (!size.has_value()) {
    return fields.Error("shape", ShapeText(entry.shape) + " is too large to address");
  }
  if (*size != entry.end - entry.begin) {
    return fields.Error(
        "data_offsets",
        range() + StrFormat(" has %llu bytes, but shape %s of %s takes %llu",
                            static_cast<unsigned long long>(entry.end - entry.begin),
                            ShapeText(entry.shape).c_str(), entry.dtype.c_str(),
                            static_cast<unsigned long long>(*size)));
  }
  return entry;
}

// The format wants the data covered without holes or overlaps; either is a sign of a damaged or
// crafted header. `entries` are in the order of their data.
Status CheckCoverage(std::span<const Entry> entries, uint64_t data_bytes) {
  uint64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered) {
      return Corrupt(MessageText(entry.name) +
                     StrFormat(": data_offsets: begins at %llu, but the data before it end at %llu",
                               static_cast<unsigned long long>(entry.begin),
                               static_cast<unsigned long long>(covered)));
    }
    covered = entry.end;
  }
  if (covered != data_bytes) {
    return Corrupt(StrFormat("the tensors take %llu bytes, but %llu follow the header",
                             static_cast<unsigned long long>(covered),
                             static_cast<unsigned long long>(data_bytes)));
  }
  return OkStatus();
}

Status ReadMetadata(const json& value, std::map<std::string, std::string>* metadata) {
  if (!value.is_object()) return Corrupt("__metadata__: expected an object of strings");
  for (const auto& [key, text] : value.items()) {
    const auto* string = text.get_ptr<const std::string*>();
    if (string == nullptr) {
      return Corrupt("__metadata__: " + MessageText(key) + ": expected a string");
    }
    metadata->emplace(key, *string);
  }
  return OkStatus();
}

// The header's text, bounds checked.
Result<std::string_view> HeaderText(std::span<const uint8_t> bytes) {
  if (bytes.size() < kLengthBytes) {
    return Corrupt(StrFormat("%zu bytes are too few for a safetensors file", bytes.size()));
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kMaxHeaderBytes) {
    return Corrupt(StrFormat("the header claims %llu bytes; at most %llu are allowed",
                             static_cast<unsigned long long>(length),
                             static_cast<unsigned long long>(kMaxHeaderBytes)));
  }
  if (length > bytes.size() - kLengthBytes) {
    return Corrupt(StrFormat("the header claims %llu bytes, but only %zu follow",
                             static_cast<unsigned long long>(length), bytes.size() - kLengthBytes));
  }
  return std::string_view(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                          static_cast<size_t>(length));
}

}  // namespace

Result<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<MappedFile> mapped, MappedFile::Open(path));
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsFile> file, Parse(mapped->bytes(), path));
  file->owner_ = std::shared_ptr<MappedFile>(std::move(mapped));
  return file;
}

Result<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Open(const ModelFiles& files,
                                                               std::string_view file) {
  ESP_ASSIGN_OR_RETURN(FileBytes bytes, files.Map(file));
  ESP_ASSIGN_OR_RETURN(std::unique_ptr<SafetensorsFile> opened,
                       Parse(bytes.bytes, files.PathOf(file)));
  opened->owner_ = std::move(bytes.owner);
  return opened;
}

Result<std::unique_ptr<SafetensorsFile>> SafetensorsFile::Parse(std::span<const uint8_t> bytes,
                                                                std::string name) {
  std::unique_ptr<SafetensorsFile> file(new SafetensorsFile(std::move(name)));
  ESP_RETURN_IF_ERROR(file->Read(bytes).WithContext(file->path_));
  return file;
}

Status SafetensorsFile::Read(std::span<const uint8_t> bytes) {
  ESP_ASSIGN_OR_RETURN(const std::string_view header, HeaderText(bytes));
  json root;
  ESP_RETURN_IF_ERROR(
      ParseJson(header, {.max_depth = 4, .max_values = 2'000'000}, &root).WithContext("header"));
  if (!root.is_object()) return Corrupt("header: expected a JSON object");
  const std::span<const uint8_t> data = bytes.subspan(kLengthBytes + header.size());

  std::vector<Entry> entries;
  for (const auto& [name, value] : root.items()) {
    if (name == kMetadataKey) {
      ESP_RETURN_IF_ERROR(ReadMetadata(value, &metadata_));
      continue;
    }
    ESP_ASSIGN_OR_RETURN(Entry entry, ReadEntry(name, value, data.size()));
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  ESP_RETURN_IF_ERROR(CheckCoverage(entries, data.size()));

  for (Entry& entry : entries) {
    const auto begin = static_cast<size_t>(entry.begin);
    stored_.emplace(entry.name, Stored{.dtype = std::move(entry.dtype),
                                       .shape = std::move(entry.shape),
                                       .bytes = data.subspan(
                                           begin, static_cast<size_t>(entry.end - entry.begin))});
    Publish(entry.name);
  }
  return OkStatus();
}

// Makes the stored tensor `name` available as a view when its element type allows.
void SafetensorsFile::Publish(const std::string& name) {
  const Stored& stored = stored_.find(name)->second;
  const ElementType* type = FindElementType(stored.dtype);
  if (!type->dtype.has_value()) return;
  const uint8_t* data = stored.bytes.data();
  if (reinterpret_cast<uintptr_t>(data) % type->size_bytes != 0) {
    aligned_copies_.push_back(std::make_unique<uint8_t[]>(stored.bytes.size()));
    std::copy(stored.bytes.begin(), stored.bytes.end(), aligned_copies_.back().get());
    data = aligned_copies_.back().get();
  }
  views_.emplace(name, TensorView{.dtype = *type->dtype, .shape = stored.shape, .data = data});
  names_.push_back(name);
}

const TensorView* SafetensorsFile::Find(std::string_view name) const {
  const auto found = views_.find(name);
  return found == views_.end() ? nullptr : &found->second;
}

const SafetensorsFile::Stored* SafetensorsFile::FindStored(std::string_view name) const {
  const auto found = stored_.find(name);
  return found == stored_.end() ? nullptr : &found->second;
}

}  // namespace espalier
