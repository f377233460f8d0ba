#include "apps/cli/writers/writer.h"

#include <algorithm>

namespace espalier::cli {

#define ESP_FORMAT(Name, suffix) std::unique_ptr<Writer> Make##Name##Writer(const WriterOptions&);
#include "apps/cli/writers/format_list.inc"
#undef ESP_FORMAT

namespace {

struct Format {
  std::string_view name;
  std::unique_ptr<Writer> (*make)(const WriterOptions&);
};

constexpr Format kFormats[] = {
#define ESP_FORMAT(Name, suffix) {suffix, &Make##Name##Writer},
#include "apps/cli/writers/format_list.inc"
#undef ESP_FORMAT
};

std::string Joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

const std::vector<std::string>& FormatNames() {
  static const auto* const names = [] {
    auto* list = new std::vector<std::string>;
    for (const Format& format : kFormats) list->emplace_back(format.name);
    return list;
  }();
  return *names;
}

bool IsFormat(std::string_view name) {
  return std::any_of(std::begin(kFormats), std::end(kFormats),
                     [name](const Format& format) { return format.name == name; });
}

Result<std::vector<std::string>> ParseFormats(std::string_view text) {
  std::vector<std::string> names;
  const auto add = [&names](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    const std::string name(text.substr(begin, end - begin));
    if (name == "all") {
      for (const std::string& each : FormatNames()) add(each);
    } else if (IsFormat(name)) {
      add(name);
    } else {
      return InvalidArgument("output format '" + name + "': there are " + Joined(FormatNames()) +
                             " and all");
    }
    begin = end + 1;
  }
  return names;
}

std::unique_ptr<Writer> MakeWriter(std::string_view format, const WriterOptions& options) {
  for (const Format& each : kFormats) {
    if (each.name == format) return each.make(options);
  }
  return nullptr;
}

}  // namespace espalier::cli
