#include "apps/cli/model_summary.h"

#include <nlohmann/json.hpp>

#include "runtime/base/string_format.h"

namespace espalier::cli {
namespace {

// Longer lists are shown by their first entries.
constexpr size_t kShownNames = 12;

std::string NamesText(const nlohmann::ordered_json& names) {
  std::string text = std::to_string(names.size()) + ":";
  for (size_t i = 0; i < names.size() && i < kShownNames; ++i) {
    text += " " + names[i].get<std::string>();
  }
  return names.size() > kShownNames ? text + " …" : text;
}

std::string ScalarText(const nlohmann::ordered_json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

// "layers 6, width 512, modules (attn feed_forward)".
std::string ObjectText(const nlohmann::ordered_json& object) {
  std::string text;
  for (const auto& [key, value] : object.items()) {
    text += (text.empty() ? "" : ", ") + key + " ";
    if (!value.is_array()) {
      text += ScalarText(value);
      continue;
    }
    std::string names;
    for (const auto& name : value) names += (names.empty() ? "" : " ") + ScalarText(name);
    text += "(" + names + ")";
  }
  return text;
}

}  // namespace

std::string SummaryText(const nlohmann::ordered_json& summary) {
  std::string text;
  for (const auto& [key, value] : summary.items()) {
    std::string shown;
    if (value.is_object()) {
      shown = ObjectText(value);
    } else if (value.is_array()) {
      shown = NamesText(value);
    } else {
      shown = ScalarText(value);
    }
    text += StrFormat("%-12s %s\n", key.c_str(), shown.c_str());
  }
  return text;
}

}  // namespace espalier::cli
