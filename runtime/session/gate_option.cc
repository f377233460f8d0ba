#include "runtime/session/gate_option.h"

#include <charconv>
#include <filesystem>
#include <vector>

#include "runtime/base/file.h"
#include "runtime/checkpoint/gate_pack.h"

namespace espalier {
namespace {

constexpr char kBudget[] = "budget=";
constexpr char kForms[] = "auto, all, pack, budget=X, a gate pack's folder or a gate file";

std::vector<std::string> Words(const std::string& text) {
  if (PathExists(text)) return {text};
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

Status ReadBudget(const std::string& word, GateRequest* out) {
  const char* begin = word.data() + sizeof(kBudget) - 1;
  const char* end = word.data() + word.size();
  double value = 0;
  const auto [parsed, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || parsed != end || !(value >= 0 && value <= 1)) {
    return InvalidArgument("gates: " + word + ": expected a number from 0 to 1");
  }
  if (out->budget) return InvalidArgument("gates: " + word + ": a second budget");
  out->budget = value;
  return OkStatus();
}

Status ReadPath(const std::string& word, GateRequest* out) {
  std::error_code unknown;  // a name too long, say: then it is no such file
  const bool folder = std::filesystem::is_directory(word, unknown);
  if (folder && !IsGatePack(word)) {
    return InvalidArgument("gates: " + word + ": no gate pack: it has no gate_pack.json");
  }
  if (!folder && !PathExists(word)) {
    return InvalidArgument("gates: " + word + ": no such gate pack or gate file; --gates takes " +
                           kForms);
  }
  std::string& place = folder ? out->pack : out->file;
  if (!place.empty()) {
    return InvalidArgument("gates: " + word + ": " + place + " was named before");
  }
  place = word;
  return OkStatus();
}

}  // namespace

Result<GateRequest> ReadGateOption(const std::string& text, const std::string& model_folder) {
  GateRequest request;
  bool automatic = false, of_the_folder = false;
  for (const std::string& word : Words(text)) {
    if (word == "auto") {
      automatic = true;
    } else if (word == "all") {
      request.all_open = true;
    } else if (word == "pack") {
      of_the_folder = true;
    } else if (word.starts_with(kBudget)) {
      ESP_RETURN_IF_ERROR(ReadBudget(word, &request));
    } else {
      ESP_RETURN_IF_ERROR(ReadPath(word, &request));
    }
  }
  if (int{request.all_open} + int{!request.file.empty()} + int{request.budget.has_value()} > 1) {
    return InvalidArgument("gates: " + text + ": all, a budget and a gate file exclude each other");
  }
  if (request.pack.empty()) {
    const std::string here = model_folder + "/" + kOwnGatePack;
    const bool there = !model_folder.empty() && IsGatePack(here);
    const bool wanted = of_the_folder || request.budget.has_value();
    if (wanted && !there) {
      return InvalidArgument("gates: " + text + ": there is no gate pack in " + here +
                             "; name one: --gates PACK or --gates PACK,budget=X");
    }
    if (wanted || (automatic && there)) request.pack = here;
  } else if (of_the_folder) {
    return InvalidArgument("gates: " + text + ": two gate packs");
  }
  return request;
}

}  // namespace espalier
