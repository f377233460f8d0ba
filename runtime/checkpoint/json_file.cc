#include "runtime/checkpoint/json_file.h"

#include <algorithm>

#include "runtime/base/file.h"

namespace espalier {
namespace {

constexpr size_t kMaxBytes = 16 << 20;
constexpr int kIndent = 2, kMostIndent = 8;

// Blanks before the first key of the file; kIndent where there is no such file.
int IndentOf(const std::string& path) {
  const Result<std::string> text = ReadFile(path, kMaxBytes);
  if (!text.ok() || !text->starts_with("{\n")) return kIndent;
  const size_t key = text->find_first_not_of(' ', 2);
  const auto blanks = static_cast<int>(std::min(key, text->size()) - 2);
  return blanks >= 1 && blanks <= kMostIndent ? blanks : kIndent;
}

}  // namespace

Result<nlohmann::ordered_json> ReadJsonObject(const std::string& path) {
  ESP_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxBytes));
  auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Corrupt(path + ": expected a JSON object");
  return json;
}

Status WriteJsonObject(const std::string& path, const nlohmann::ordered_json& json) {
  return WriteFileAtomically(path, json.dump(IndentOf(path)) + "\n");
}

}  // namespace espalier
