#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runtime/base/atomic_file.h"
#include "runtime/checkpoint/json_reader.h"
#include "runtime/checkpoint/safetensors.h"

namespace espalier {
namespace {

// Ordered, so that the header lists the tensors in the order of their data.
using OrderedJson = nlohmann::ordered_json;

constexpr size_t kHeaderAlignment = 8;  // the largest element size

const char* FormatName(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return "F32";
    case DType::kF16:
      return "F16";
    case DType::kBF16:
      return "BF16";
    case DType::kI64:
      return "I64";
    case DType::kI32:
      return "I32";
    case DType::kI8:
      return "I8";
    case DType::kU8:
      return "U8";
  }
  return "";
}

Status CheckNames(std::span<const NamedTensor> tensors) {
  std::set<std::string_view> seen;
  for (const NamedTensor& tensor : tensors) {
    if (tensor.name.empty() || tensor.name == "__metadata__") {
      return InvalidArgument("\"" + tensor.name + "\" cannot be a tensor's name");
    }
    if (!seen.insert(tensor.name).second) {
      return InvalidArgument(MessageText(tensor.name) + ": this tensor is given twice");
    }
  }
  return OkStatus();
}

// The header's text, padded with spaces so that the data begin at a multiple of 8.
Result<std::string> HeaderFor(std::span<const NamedTensor* const> tensors,
                              const std::map<std::string, std::string>& metadata) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const NamedTensor* tensor : tensors) {
    const size_t end = offset + tensor->view.size_bytes();
    OrderedJson& entry = header[tensor->name];
    entry["dtype"] = FormatName(tensor->view.dtype);
    entry["shape"] = tensor->view.shape;
    entry["data_offsets"] = {offset, end};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {  // strings that are not UTF-8
    return InvalidArgument("a tensor's name or the metadata are not valid UTF-8");
  }
  text.resize((text.size() + kHeaderAlignment - 1) / kHeaderAlignment * kHeaderAlignment, ' ');
  return text;
}

std::string_view BytesOf(const void* data, size_t size) {
  return {static_cast<const char*>(data), size};
}

}  // namespace

Status WriteSafetensors(const std::string& path, std::span<const NamedTensor> tensors,
                        const std::map<std::string, std::string>& metadata) {
  ESP_RETURN_IF_ERROR(CheckNames(tensors).WithContext(path));
  std::vector<const NamedTensor*> ordered;
  for (const NamedTensor& tensor : tensors) ordered.push_back(&tensor);
  std::stable_sort(ordered.begin(), ordered.end(), [](const NamedTensor* a, const NamedTensor* b) {
    return DTypeSize(a->view.dtype) > DTypeSize(b->view.dtype);
  });
  Result<std::string> header = HeaderFor(ordered, metadata);
  if (!header.ok()) return header.status().WithContext(path);

  ESP_ASSIGN_OR_RETURN(const std::unique_ptr<AtomicFile> file, AtomicFile::Create(path));
  const uint64_t length = header->size();
  ESP_RETURN_IF_ERROR(file->Write(BytesOf(&length, sizeof length)));
  ESP_RETURN_IF_ERROR(file->Write(*header));
  for (const NamedTensor* tensor : ordered) {
    ESP_RETURN_IF_ERROR(file->Write(BytesOf(tensor->view.data, tensor->view.size_bytes())));
  }
  return file->Commit();
}

}  // namespace espalier
